"""What is used of keys. What accounts and couriers use is in `carriers.models.DailyUse`."""

from typing import ClassVar

from django.db import models


class KeyUse(models.Model):
    """Calls reserved on one day with one key, by all accounts that hold it or held it: it outlives them."""

    courier = models.CharField(max_length=32)
    #: As in `CarrierAccount`. Nobody is shown it: who else has a key is nobody's business.
    fingerprint = models.CharField(max_length=64)
    day = models.DateField()
    reserved = models.IntegerField(db_default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["fingerprint", "day"], name="key_use_fingerprint_day")
        ]

    def __str__(self) -> str:
        return f"{self.reserved} of a key of {self.courier} on {self.day}"

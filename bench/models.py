"""The table of the plain way."""

from typing import ClassVar

from django.db import models


class PlainDelivery(models.Model):
    """A message to one URL, and how far it came."""

    url = models.TextField()
    body = models.BinaryField()
    state = models.CharField(max_length=16, default="pending")
    attempts = models.IntegerField(default=0)
    status_code = models.IntegerField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["PlainDelivery"]] = models.Manager()

    def __str__(self) -> str:
        return self.url

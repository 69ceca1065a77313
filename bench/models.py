"""The tables of the plain ways."""

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


class PlainParcel(models.Model):
    """A parcel, where its carrier is asked, and which URL is told."""

    number = models.CharField(max_length=64)
    url = models.TextField()
    told = models.TextField()
    status = models.CharField(max_length=32, default="pending")
    polls = models.IntegerField(default=0)
    next_poll_at = models.DateTimeField(null=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["PlainParcel"]] = models.Manager()

    def __str__(self) -> str:
        return self.number


class PlainScan(models.Model):
    """One event that a carrier told of a parcel."""

    parcel = models.ForeignKey(PlainParcel, on_delete=models.CASCADE)
    fingerprint = models.CharField(max_length=64)
    code = models.CharField(max_length=32)
    text = models.TextField()
    raw = models.JSONField()
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["PlainScan"]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["parcel", "fingerprint"], name="plain_scan_once")
        ]

    def __str__(self) -> str:
        return self.text

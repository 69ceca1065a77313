"""Parcels of persons: every personal field that the carriers' documents know, and the merchant's own."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

from django.db import connection

from accounts.encryption import cipher
from tests.carrier_server import order

#: Field to a value that occurs nowhere else.
PERSONAL = {
    "all24 sender_location.location_name": "Sender Shopkeeper",
    "all24 sender_location.addressline1": "588 Sendersgate Road",
    "all24 sender_location.service_area": "Sendersborough",
    "all24 sender_location.postcode": "S-900-SEND",
    "all24 recipient_location.location_name": "Recipient Homeowner",
    "all24 recipient_location.addressline1": "123 Recipients Condo",
    "all24 recipient_location.service_area": "Recipientsville",
    "all24 recipient_location.postcode": "R-120-RECV",
    "247express receiverName": "Tran Receiver",
    "247express confirmImage": "https://pictures.example/signature-4711.jpg",
    "ship24 recipient.name": "Rosa Ecipient",
    "ship24 recipient.address": "1 Sample Rosaway",
    "ship24 recipient.postCode": "ROSA-787",
    "ship24 recipient.city": "Rosaustin",
    "ship24 recipient.subdivision": "Rosatexas",
    "ship24 delivery.signedBy": "Signe Signatory",
    "recipient.name": "Named Addressee",
    "recipient.email": "named@addressee.example",
}
#: As a merchant gives it.
RECIPIENT = {name: PERSONAL[f"recipient.{name}"] for name in ("name", "email")}
#: As Ship24 tells it.
SHIPMENT = {
    "statusMilestone": "delivered",
    "delivery": {"signedBy": PERSONAL["ship24 delivery.signedBy"]},
    "recipient": {
        name: PERSONAL[f"ship24 recipient.{name}"]
        for name in ("name", "address", "postCode", "city", "subdivision")
    },
}
_OF_ALL24 = ("location_name", "addressline1", "service_area", "postcode")


def all24_order(number: str, *codes: str) -> tuple[int, bytes]:
    """An answer of all24 with these events, and both parties."""
    parties = {
        party: {name: PERSONAL[f"all24 {party}.{name}"] for name in _OF_ALL24}
        for party in ("sender_location", "recipient_location")
    }
    return order(number, *codes, **parties)


def express_order(number: str, *statuses: str) -> bytes:
    """An answer of 247Express with these statuses, an hour apart."""
    listed = [
        {"time": f"2026-03-02T{hour:02}:00:00", "status": status, "statusName": status.title()}
        for hour, status in enumerate(statuses, start=8)
    ]
    told: dict[str, Any] = {
        "orderCode": number,
        "status": statuses[-1],
        "receiverName": PERSONAL["247express receiverName"],
        "confirmImage": PERSONAL["247express confirmImage"],
        "statuses": listed,
    }
    return json.dumps(told).encode()


def places() -> dict[str, set[str]]:
    """Personal fields that stand anywhere in the database: each with its tables and columns."""
    found: dict[str, set[str]] = {}
    for column, text in _texts():
        for name, value in PERSONAL.items():
            if value in text:
                found.setdefault(name, set()).add(column)
    return found


def _texts() -> Iterator[tuple[str, str]]:
    """Every value of every row of every table, as text that hides nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [f"{table}.{column.name}" for column in cursor.description]
            for row in cursor.fetchall():
                yield from zip(names, map(_plain, row), strict=True)


def _plain(value: object) -> str:
    """Without compression, encryption and escapes."""
    if isinstance(value, memoryview | bytes):
        data = bytes(value)
        return _plain((zlib.decompress(data) if data[:1] == b"\x78" else data).decode(errors="replace"))
    if isinstance(value, str):
        return cipher().decrypt(value.encode()).decode() if value.startswith("gAAAA") else value
    return json.dumps(value, default=str, ensure_ascii=False)

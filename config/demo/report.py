"""The demo's pictures: timelines, deliveries with their attempts, and what was proved."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def timelines(console: Console, parcels: Sequence[Mapping[str, Any]]) -> None:
    """One table for each parcel, newest scan first, as the API gives them."""
    for parcel in parcels:
        shipment = parcel["shipment"]
        table = Table(
            title=f"{parcel['tracker']['trackingNumber']}: {shipment['statusMilestone']}",
            title_justify="left",
        )
        for name in ("when", "what", "code", "milestone", "where"):
            table.add_column(name)
        for scan in parcel["events"]:
            table.add_row(
                scan["occurrenceDatetime"] or "",
                scan["status"] + (f" ({scan['reason']['text']})" if scan["reason"] else ""),
                scan["carrierEventCode"] or "",
                scan["statusMilestone"],
                scan["location"] or "",
            )
        console.print(table)


def deliveries(console: Console, by_endpoint: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> None:
    """Every delivery of every endpoint, with how each of its tries ended."""
    table = Table(title="Deliveries", title_justify="left")
    for name in ("endpoint", "message", "sequence", "state", "tries"):
        table.add_column(name)
    for name, found in by_endpoint:
        for one in reversed(found):
            table.add_row(name, one["type"], str(one["sequence"]), one["state"], _tries(one["attempts"]))
    console.print(table)


def claims(console: Console, found: Mapping[str, bool]) -> None:
    """What was proved, and what was not."""
    console.rule("Proofs")
    for claim, holds in found.items():
        mark = "[green]✓[/green]" if holds else "[red]✗[/red]"
        console.print(f"{mark} {claim}")


def _tries(attempts: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['statusCode'] or one['error']} in {one['durationMs']} ms" for one in attempts)

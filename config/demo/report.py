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
        for name in ("when", "what", "milestone", "where"):
            table.add_column(name, no_wrap=name in {"when", "milestone"})
        for scan in parcel["events"]:
            table.add_row(
                scan["occurrenceDatetime"] or "",
                f"{scan['carrierEventCode']} {scan['status']}{_because(scan['reason'])}",
                scan["statusMilestone"],
                scan["location"] or "",
            )
        console.print(table)


def deliveries(console: Console, by_endpoint: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> None:
    """Every delivery of every endpoint, with how each of its tries ended."""
    table = Table(title="Deliveries", title_justify="left")
    for name in ("endpoint", "message", "state", "tries"):
        table.add_column(name, no_wrap=name in {"message", "state"})
    for name, found in by_endpoint:
        for one in reversed(found):
            table.add_row(name, one["type"], one["state"], _tries(one["attempts"]))
    console.print(table)


def claims(console: Console, found: Mapping[str, bool]) -> None:
    """What was proved, and what was not."""
    console.rule("Proofs")
    for claim, holds in found.items():
        mark = "[green]✓[/green]" if holds else "[red]✗[/red]"
        console.print(f"{mark} {claim}")


def _because(reason: Mapping[str, str] | None) -> str:
    return f" ({reason['text']})" if reason else ""


def _tries(attempts: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['statusCode'] or one['error']} in {one['durationMs']} ms" for one in attempts)

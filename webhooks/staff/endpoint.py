"""An endpoint's page: how it fares, what it is owed, and what came of each try."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, Sum
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from django.db.models.functions import TruncHour
from django.urls import reverse
from django.utils import timezone

from accounts.bars import Bars, bars, first_hour
from accounts.pages import BAD, GOOD, PLAIN, WARNING, Cell, Figure, Link, Table, cells, figures
from webhooks.alerts import MEND_SECRETS
from webhooks.health import Reason
from webhooks.models import Attempt, Delivery, Endpoint, Recovery, Tally
from webhooks.places import Place
from webhooks.stats import COUNTED, Stats, Window, stats_of

#: Hours of health that are drawn, deliveries of a page, tries and recoveries that are listed.
HOURS, PAGE, TRIES, RECOVERIES = 48, 50, 100, 10
_TONES: dict[str, str] = {
    Delivery.State.DELIVERED: GOOD,
    Delivery.State.EXHAUSTED: BAD,
    Delivery.State.HELD: WARNING,
}


@dataclass(frozen=True, slots=True)
class EndpointPage:
    """What the page shows, in its order."""

    figures: Sequence[Figure]
    health: Bars
    windows: Table
    deliveries: Table
    attempts: Table
    recoveries: Table


def endpoint_page(endpoint: Endpoint, state: str, below: Place | None) -> EndpointPage:
    """Of this endpoint, whose merchant is read already; six statements. `state`: "" is any of deliveries'."""
    stats = stats_of(endpoint.id)
    found = _deliveries_of(endpoint, state, below)
    page = found[:PAGE]
    return EndpointPage(
        _figures(endpoint, stats),
        _health(endpoint),
        _windows(stats.windows),
        _deliveries(page, state, Place.of(page[-1]) if len(found) > PAGE else None),
        _attempts(page),
        _recoveries(endpoint),
    )


def _figures(endpoint: Endpoint, stats: Stats) -> list[Figure]:
    day = next(one for one in stats.windows if one.name == "24h")
    tried = day.succeeded + day.failed
    return figures(
        state=_state(endpoint),
        merchant=Cell(
            endpoint.merchant.name, reverse("admin:accounts_merchant_change", args=[endpoint.merchant_id])
        ),
        success_in_24_h=f"{day.succeeded / tried:.1%} of {tried}" if tried else "not tried",
        average_answer=None if day.average_ms is None else f"{day.average_ms} ms",
        pending=_counted(stats.pending),
        held=Cell(_counted(stats.held), tone=WARNING if stats.held else PLAIN),
        oldest_due=Cell(_age(stats.oldest_due_at), tone=WARNING if stats.oldest_due_at else PLAIN),
        failing_since=Cell(endpoint.failing_since, tone=BAD),
        slow_since=Cell(endpoint.slow_since, tone=WARNING),
    )


def _state(endpoint: Endpoint) -> Cell:
    if endpoint.deleted_at:
        return Cell("deleted", tone=WARNING)
    tones = {Endpoint.State.ACTIVE.value: GOOD, Endpoint.State.DISABLED.value: BAD}
    reason = f": {endpoint.disabled_reason.replace('_', ' ')}" if endpoint.disabled_reason else ""
    if endpoint.disabled_reason == Reason.SECRET_UNREADABLE:
        reason += f". {MEND_SECRETS}"
    return Cell(f"{endpoint.state}{reason}", tone=tones.get(endpoint.state, WARNING))


def _counted(count: int) -> str:
    return f"{count:,}" + (" or more" if count >= COUNTED else "")


def _age(due: datetime | None) -> str | None:
    if due is None:
        return None
    return f"{max(0, round((timezone.now() - due).total_seconds())):,} s late"


def _health(endpoint: Endpoint) -> Bars:
    told = (
        Tally.objects.filter(endpoint=endpoint, since__gte=first_hour(HOURS))
        .annotate(hour=TruncHour("since"))
        .values_list("hour")
        .annotate(good=Sum("tries", filter=Q(error=""), default=0))
        .annotate(bad=Sum("tries", filter=~Q(error=""), default=0))
    )
    counts = {hour: (good, bad) for hour, good, bad in told}
    return bars("health", f"Tries of the last {HOURS} hours", "tries", counts, HOURS)


def _windows(windows: Sequence[Window]) -> Table:
    return Table(
        id="windows",
        title="Health",
        headers=("Last", "Succeeded", "Failed", "Why", "Average", "Slowest"),
        rows=[_window(one) for one in windows],
        empty="None.",
    )


def _window(one: Window) -> list[Cell]:
    why = sorted(one.errors.items(), key=lambda item: -item[1])
    return cells(
        [
            one.name,
            f"{one.succeeded:,}",
            Cell(f"{one.failed:,}", tone=BAD if one.failed else PLAIN),
            ", ".join(f"{error.replace('_', ' ')} {count:,}" for error, count in why),
            None if one.average_ms is None else f"{one.average_ms:,} ms",
            None if one.slowest_ms is None else f"{one.slowest_ms:,} ms",
        ]
    )


def _deliveries_of(endpoint: Endpoint, state: str, below: Place | None) -> list[Delivery]:
    """One more than a page shows. Each way of asking has its index: by age, and by state and age."""
    found = Delivery.objects.filter(endpoint=endpoint, **({"state": state} if state else {}))
    if below:
        found = found.filter(TupleLessThan(Tuple("created_at", "id"), (below.created_at, below.id)))
    rows = found.select_related("message").defer("message__body").order_by("-created_at", "-id")
    return list(rows[: PAGE + 1])


def _deliveries(page: Sequence[Delivery], state: str, older: Place | None) -> Table:
    filters = [Link("all", "?#deliveries", not state)]
    filters += [Link(one, f"?state={one}#deliveries", one == state) for one in Delivery.State.values]
    wanted = f"state={state}&" if state else ""
    return Table(
        id="deliveries",
        title="Deliveries",
        note="The newest first.",
        filters=filters,
        headers=("Made", "Message", "State", "Tries", "Next try", "Delivered", "By"),
        rows=[_delivery(one) for one in page],
        empty=f"No delivery is {state}." if state else "Nothing was owed to it yet.",
        older=f"?{wanted}older={older}#deliveries" if older else "",
    )


def _delivery(one: Delivery) -> list[Cell]:
    return cells(
        [
            Cell(one.created_at, reverse("admin:webhooks_delivery_change", args=[one.id])),
            Cell(one.message.type, reverse("admin:webhooks_message_change", args=[one.message_id])),
            Cell(one.state, tone=_TONES.get(one.state, PLAIN)),
            one.attempt_count,
            one.next_attempt_at,
            one.delivered_at,
            one.trigger,
        ]
    )


def _attempts(page: Sequence[Delivery]) -> Table:
    tries = Attempt.objects.filter(delivery__in=[one.id for one in page])
    shown = tries.defer("response_body", "response_headers").order_by("-started_at", "-id")[:TRIES]
    return Table(
        id="attempts",
        title="Attempts",
        note="Of the deliveries above, the newest first.",
        headers=("Begun", "Number", "Result", "Answer", "Took", "Address", "By"),
        rows=[_attempt(one) for one in shown],
        empty="None of these deliveries was tried.",
    )


def _attempt(one: Attempt) -> list[Cell]:
    return cells(
        [
            Cell(one.started_at, reverse("admin:webhooks_attempt_change", args=[one.id])),
            one.number,
            Cell(one.error.replace("_", " ") or "success", tone=BAD if one.error else GOOD),
            one.status_code,
            None if one.duration_ms is None else f"{one.duration_ms:,} ms",
            one.address,
            one.trigger,
        ]
    )


def _recoveries(endpoint: Endpoint) -> Table:
    newest = Recovery.objects.filter(endpoint=endpoint).order_by("-id")[:RECOVERIES]
    return Table(
        id="recoveries",
        title="Recoveries",
        headers=("Begun", "State", "Of what was made from", "Until", "Examined", "Due again", "Ended"),
        rows=[_recovery(one) for one in newest],
        empty="Nothing of some time was sent again.",
    )


def _recovery(one: Recovery) -> list[Cell]:
    return cells(
        [
            Cell(one.created_at, reverse("admin:webhooks_recovery_change", args=[one.id])),
            one.state,
            one.since,
            one.until,
            f"{one.examined:,}",
            f"{one.recovered:,}",
            one.finished_at,
        ]
    )

"""docs/retention.md: every table is placed, and what the page says of it is so."""

from datetime import timedelta

from django.apps import apps
from django.conf import settings

from accounts import idempotency, rollups, signing_in
from carriers import closing, reserving
from config import lags
from tests.docs.documents import page, sections
from webhooks import stats

PAGE = page("retention")


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of a table by the name of the database's table in the first."""
    lines = [line for line in sections(PAGE)[heading].splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first.strip("`"): rest for first, *rest in cells}


GOES = rows("What grows, and goes")
STAYS = rows("What grows for ever, on purpose")
MADE = rows("What does not grow by itself")


def test_every_table_is_placed_once() -> None:
    models = apps.get_models(include_auto_created=True)
    placed = [*GOES, *STAYS, *MADE]
    assert sorted(placed) == sorted(model._meta.db_table for model in models)


def test_each_sweep_is_one_of_beats() -> None:
    assert {cells[-1].strip("`") for cells in GOES.values()} <= lags.periods().keys()


def test_the_days_are_those_of_the_code() -> None:
    said = {table: cells[1] for table, cells in GOES.items()}
    assert f"`DELIVERIES_KEPT_DAYS`, {settings.DELIVERIES_KEPT_DAYS:g}," in said["webhooks_delivery"]
    assert f"`RAW_ANSWERS_KEPT_DAYS`, {settings.RAW_ANSWERS_KEPT_DAYS:g};" in said["trackers_rawanswer"]
    assert f"{stats.KEPT.days} days" in said["webhooks_tally"]
    assert f"{closing.GIVE_UP_AFTER.days} days" in said["carriers_closing"]
    assert timedelta(hours=24) == idempotency.KEPT_FOR
    for table in (
        "webhooks_hourtally",
        "trackers_milestonetally",
        "trackers_scantally",
        "carriers_polltally",
    ):
        assert said[table] == f"after {rollups.KEPT.days} days"
    for table in ("carriers_dailyuse", "carriers_keyuse"):
        assert said[table] == f"after {reserving.KEPT_DAYS} days"
    for table in ("axes_accessattempt", "axes_accessfailurelog", "axes_accesslog"):
        assert said[table] == f"after {signing_in.KEPT.days} days"

"""Row `sick`: what 10 of 50 carrier accounts that are ill cost the other 40, of one worker process."""

from bench.deliveries.figures import Side, Table, Wish, ratio
from bench.deliveries.recorded import wait_until
from bench.polling.polled import Polled, check, first_question
from bench.polling.run import POLLS, SCANS, Run
from bench.stage import fetch_text

_ACCOUNTS, _ILL = 50, 10
#: How the ten are ill, below the carrier's address: slow, silent, failing, throttling, revoked.
_WAYS = (
    f"/{SCANS}/slow", f"/{SCANS}/slow", f"/{SCANS}/hang", f"/{SCANS}/hang", f"/{SCANS}/hang", "/says/503",
    "/says/429", "/says/429", "/says/401",
)  # fmt: skip
#: And one that nobody listens at.
_DOWN = "http://127.0.0.1:9"
_MEASURED = """
SELECT NOT EXISTS (
    SELECT FROM trackers_watch AS watch
    JOIN carriers_carrieraccount AS account ON account.id = watch.carrier_account_id
    WHERE account.base_url = %(url)s AND (watch.last_polled_at IS NULL OR watch.claim_id IS NOT NULL)
)
"""
_OUTCOMES = """
SELECT count(*) FROM trackers_watch AS watch
JOIN carriers_carrieraccount AS account ON account.id = watch.carrier_account_id
WHERE account.base_url = %(url)s AND watch.last_outcome = 'ok'
"""
_SUSPENDED = "SELECT count(*) FROM carriers_carrieraccount WHERE state = 'suspended'"


def sick(run: Run) -> Table:
    """Polls of the 40 with the other 10 ill, and with the other 10 answering."""
    found = run.in_turn(
        {
            "all answer": lambda: _rate(run, [f"{run.carrier}/{SCANS + 1}"] * _ILL),
            "10 are ill": lambda: _rate(run, [*(run.carrier + way for way in _WAYS), _DOWN]),
        }
    )
    sides = {name: Side("a second", [each.rate for each in rounds]) for name, rounds in found.items()}
    return Table(sides, [ratio(sides, "10 are ill", "all answer", Wish.AT_LEAST, 0.9)])


def _rate(run: Run, others: list[str]) -> Polled:
    """From the first question until every parcel of the 40 is recorded, each asked about once."""
    url = f"{run.carrier}/{SCANS}"
    healthy = _ACCOUNTS - _ILL
    fetch_text(f"{run.carrier}/forget")
    with run.stage.scene("sick") as on:
        urls = [url] * healthy + others
        on.command("bench_follow", *urls, str(run.sizes.sick), "--accounts", str(_ACCOUNTS))
        with on.workers([POLLS]):
            first = first_question(run.carrier, 1)
            ended = wait_until(on, _MEASURED, url=url)
        count = run.sizes.sick // _ACCOUNTS * healthy
        check(on, count, _OUTCOMES, url=url)
        check(on, others.count(f"{run.carrier}/says/401"), _SUSPENDED)
    return Polled(count / (ended - first), count)

"""`python -m bench.deliveries`: how fast deliveries go out, beside a bare loop and beside the plain way.

Starts PostgreSQL, Valkey, a subscriber and one worker process of its own and ends them. All three send the
same bytes to the same subscriber, in turn. Prints every round, and the ratios of the medians of this run.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import psycopg
from psycopg import sql

from bench.stage import Stage, fetch_text, stage

_IN_FLIGHT = 100


def main() -> int:
    """Measure and print."""
    options = _options()
    with stage(threads=1) as on, on.subscriber() as url:
        ways: dict[str, Callable[[], float]] = {
            "bare loop": lambda: _loop(url, options.deliveries),
            "parcelwire": lambda: _sent(on, url, options.deliveries, plain=False),
            "plain way": lambda: _sent(on, url, options.plain, plain=True),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                rates[name].append(way())
                _say(f"{name:12} {rates[name][-1]:8.0f} a second")
    return _told({name: statistics.median(each) for name, each in rates.items()})


def _loop(url: str, count: int) -> float:
    words = [sys.executable, "-m", "bench.loop", f"{url}/at-once/{{}}", str(count), str(_IN_FLIGHT)]
    told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    return count / float(told)


def _sent(on: Stage, url: str, count: int, *, plain: bool) -> float:
    """Deliveries a second from the first arrival until every row says that it was delivered.

    All is due, and the worker is asked for it, before it starts: what making the rows takes is nobody's.
    """
    fetch_text(f"{url}/forget")
    on.command("bench_owe", f"{url}/at-once/{{}}", str(count), *(["--plain"] if plain else []))
    table = sql.Identifier("bench_plaindelivery" if plain else "webhooks_delivery")
    pending = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE state = 'pending')").format(table)
    with psycopg.connect(on.database_url, autocommit=True) as database, on.worker(plain=plain):
        while database.execute(pending).fetchone() != (False,):
            time.sleep(0.02)  # a look at another process, which should take nothing from it
        ended = time.monotonic()
        wrong = sql.SQL("SELECT count(*) FROM {} WHERE state <> 'delivered'").format(table)
        if database.execute(wrong).fetchone() != (0,):
            raise RuntimeError("not everything was delivered")
    arrivals = [float(line.split()[1]) for line in fetch_text(f"{url}/arrivals").splitlines()]
    if len(arrivals) != count:
        raise RuntimeError(f"{len(arrivals)} arrived instead of {count}")
    return count / (ended - min(arrivals))


def _told(medians: dict[str, float]) -> int:
    _say(f"parcelwire / bare loop: {medians['parcelwire'] / medians['bare loop']:.2f}")
    _say(f"parcelwire / plain way: {medians['parcelwire'] / medians['plain way']:.1f}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.deliveries", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=20_000)
    parser.add_argument("--plain", type=int, default=500, help="deliveries of a round of the plain way")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

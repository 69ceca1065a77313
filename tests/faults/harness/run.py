"""One run: a plan is carried out on a stack of its own, until all has calmed down and can be judged."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from config import loopback
from tests.faults.harness import clock, ports
from tests.faults.harness.callers import Callers
from tests.faults.harness.calling import Caller
from tests.faults.harness.feed import Tail, read_whole
from tests.faults.harness.fleet_control import Control
from tests.faults.harness.history import History
from tests.faults.harness.judging.sampling import Sampler
from tests.faults.harness.nemesis import Nemesis
from tests.faults.harness.outcome import outcome
from tests.faults.harness.plan import POLLED, PUSHED, Plan
from tests.faults.harness.stack import SHORT, WEBS, Stack, stack
from tests.processes import ROOT

#: Says of a folder, and of the database at this URL, which is the owner's, what holds.
Judge = Callable[[Path, str], Mapping[str, Any]]
#: Seconds after the last fault until nothing may be due, claimed or owed any more (D8).
CALM = 60.0
#: How many watches are due or claimed, and how many deliveries owed to endpoints that are sent to.
_RESTLESS = """
SELECT (SELECT count(*) FROM trackers_watch WHERE claim_id IS NOT NULL OR next_poll_at < clock_timestamp()),
       (SELECT count(*) FROM webhooks_delivery AS delivery
        JOIN webhooks_endpoint AS endpoint ON endpoint.id = delivery.endpoint_id
        WHERE delivery.state = 'pending' AND endpoint.state = 'active')
"""


@dataclass
class Run:
    """What is known of a run while it goes on; at its end it is written to run.json."""

    folder: Path
    plan: Plan
    stack: Stack
    facts: dict[str, Any] = field(default_factory=dict)

    def tell(self, **facts: Any) -> None:
        self.facts |= facts
        (self.folder / "run.json").write_text(json.dumps(self.facts, indent=1))


def carry_out(plan: Plan, folder: Path, template: Path, judge: Judge, **environment: str) -> dict[str, Any]:
    """Do what the plan says in this folder, which is made. `environment`: of every program.

    What came of it: the `verdict` of `judge`, the `outcome`, and the seconds after which it was `drained`.
    """
    with started(plan, folder, template, **environment) as run:
        _load(run)
        calm(run)
        url = run.stack.url_of("postgres")
        return {
            "verdict": judge(folder, url),
            "outcome": outcome(plan, run.facts, url),
            "drained": run.facts["drained_mono"] - run.facts["calm_mono"],
        }


@contextmanager
def started(plan: Plan, folder: Path, template: Path, **environment: str) -> Iterator[Run]:
    """A run in this folder, which is made, whose programs all run; its load has not begun."""
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(plan, indent=1))
    with stack(folder, template, **environment) as on:
        merchants = json.loads((on.data / "merchants.json").read_text())
        run = Run(folder, plan, on)
        run.tell(seed=plan["seed"], seconds=plan["seconds"], environment={**SHORT, **environment})
        run.tell(merchants=[{"id": each["merchantId"], "key": each["apiKey"]} for each in merchants])
        run.tell(database=on.url_of("postgres"), app_database=on.app_url(), logs=str(on.data / "log"))
        begin(run)
        yield run


def begin(run: Run) -> None:
    """Carriers, subscribers and all programs are there; accounts and endpoints are registered."""
    on, folder = run.stack, run.folder
    carrier, fleet, control, forbidden = (ports.free() for _ in range(4))
    words = ("-m", "tests.faults.harness.carrier", str(folder), str(carrier))
    on.start_other("carrier", *words, listens_on=carrier)
    own = (str(fleet), str(control), str(forbidden))
    on.start_other("fleet", "-m", "tests.faults.harness.fleet", str(folder), *own, listens_on=fleet)
    on.subscribers = Control(control)
    on.start_programs()
    on.wait_until_ready()
    way = on.way_to("worker", "carrier", carrier)
    callers = callers_of(run, None)
    accounts = [
        _account(caller, courier, f"http://{loopback.HOST}:{way}")
        for caller in callers
        for courier in (POLLED, PUSHED)
    ]
    _tell_pushes(run, accounts)
    endpoints = [
        _endpoint(callers[told["merchant"]], told, f"http://{loopback.HOST}:{fleet}/e/{told['n']}")
        for told in run.plan["endpoints"]
    ]
    secrets = {str(one["n"]): one["secret"] for one in endpoints}
    (folder / "secrets.json").write_text(json.dumps(secrets))
    run.tell(accounts=accounts, endpoints=endpoints)


def _load(run: Run) -> None:
    """Everything that the plan says of callers and faults; on return the faults are healed."""
    history = History(run.folder / "callers.jsonl")
    tail = Tail(run.folder, callers_of(run, None))
    callers = Callers(run.plan, callers_of(run, history))
    began = clock.begin(run.folder)
    nemesis = Nemesis(run.plan["faults"], run.stack, History(run.folder / "nemesis.jsonl"))
    sampler = Sampler(run.folder, run.stack.url_of("postgres"))
    callers.start(began.mono)
    tail.start()
    sampler.start()
    nemesis.start(began.mono)
    nemesis.join()
    time.sleep(max(0.0, began.mono + run.plan["seconds"] - time.monotonic()))
    run.stack.wait_until_ready()
    callers.finish()
    run.tell(calm_mono=time.monotonic())
    callers.poll_all()
    drain(run)
    sampler.stop()
    tail.stop()
    read_whole(run.folder, callers_of(run, None))


def drain(run: Run, patience: float = CALM) -> None:
    """Wait until nothing is due, claimed or owed; what is after `patience` seconds the checker judges."""
    end = time.monotonic() + patience
    left: Sequence[int] = (1, 0)
    with psycopg.connect(run.stack.url_of("postgres"), autocommit=True) as looking:
        while any(left) and time.monotonic() < end:
            time.sleep(0.1)
            left = looking.execute(_RESTLESS).fetchone() or ()
    run.tell(drained_mono=time.monotonic(), left={"watches": left[0], "deliveries": left[1]})


def calm(run: Run) -> None:
    """All programs end in order, and the projection is compared with the log."""
    exits = run.stack.end_programs()
    rebuilt = subprocess.run(
        [sys.executable, "manage.py", "rebuild_trackers", "--check"],
        cwd=ROOT,
        env=run.stack.environment_of("worker"),
        capture_output=True,
        text=True,
        check=False,
    )
    run.tell(
        exits={name: status for name, (status, _) in exits.items()},
        ending={name: round(seconds, 1) for name, (_, seconds) in exits.items()},
    )
    run.tell(rebuild=rebuilt.returncode, rebuild_said=rebuilt.stdout + rebuilt.stderr)


def callers_of(run: Run, history: History | None) -> list[Caller]:
    ports = [run.stack.ports[name] for name in WEBS]
    return [
        Caller(ports, nth, merchant["key"], history) for nth, merchant in enumerate(run.facts["merchants"])
    ]


def _account(caller: Caller, courier: str, url: str) -> dict[str, Any]:
    key = f"key-of-{caller.merchant}-at-{courier}"
    body = {"courierCode": courier, "key": key, "baseUrl": url}
    secret = f"push-of-{caller.merchant}"
    if courier == PUSHED:
        body["pushSecret"] = secret
    made = _created(caller, "/v1/carrier-accounts", body)["carrierAccount"]
    return {
        "merchant": caller.merchant,
        "courier": courier,
        "key": key,
        "id": made["carrierAccountId"],
        "push_url": made["pushUrl"],
        "push_secret": secret if courier == PUSHED else None,
    }


def _tell_pushes(run: Run, accounts: Sequence[Mapping[str, Any]]) -> None:
    """Where the carrier may push to, for each merchant: see `tests.faults.harness.pushing`."""
    told = {}
    for account in accounts:
        if account["courier"] == PUSHED:
            path = "/v1/" + account["push_url"].partition("/v1/")[2]
            urls = [f"http://{loopback.HOST}:{run.stack.ports[web]}{path}" for web in WEBS]
            told[account["merchant"]] = {"urls": urls, "secret": account["push_secret"]}
    (run.folder / "pushes.json").write_text(json.dumps(told))


def _endpoint(caller: Caller, told: Mapping[str, Any], url: str) -> dict[str, Any]:
    body = {
        "url": url,
        "types": told["types"],
        "ordered": told["ordered"],
        "retrySchedule": told["schedule"],
    }
    made = _created(caller, "/v1/webhooks", body)["webhook"]
    return {**told, "id": made["webhookId"], "secret": made["secret"], "url": url}


def _created(caller: Caller, path: str, body: Any) -> Any:
    status, answer = caller.call("POST", path, body)
    if status != 201:
        raise RuntimeError(f"POST {path} is answered {status}: {answer}")
    return answer["data"]

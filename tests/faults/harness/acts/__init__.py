"""What each kind of fault does."""

from tests.faults.harness.acts import brokers, clocks, databases, ending, killing, networks, others
from tests.faults.harness.acts.act import Act

ACTS: dict[str, Act] = {
    "kill_worker": killing.program,
    "kill_web": killing.program,
    "kill_beat": killing.program,
    "kill_before_answer": killing.before_answer,
    "kill_after_answer": killing.after_answer,
    "die_after_append": killing.at_point,
    "die_in_creation": killing.at_point,
    "die_before_nudge": killing.at_point,
    "die_before_save": killing.at_point,
    "end_worker": ending.told,
    "end_web": ending.told,
    "rolling": ending.rolling,
    "stand_still": ending.standing_still,
    "clock": clocks.wrong,
    "valkey_kill": brokers.killed,
    "valkey_stop": brokers.stopped,
    "valkey_flush": brokers.flushed,
    "postgres_stop": databases.stopped,
    "postgres_kill": databases.killed,
    "postgres_crash": databases.crashed,
    "postgres_terminate": databases.terminated,
    "postgres_exhaust": databases.exhausted,
    "postgres_hold": databases.held,
    "net_cut": networks.way("cut"),
    "net_freeze": networks.way("frozen"),
    "net_slow": networks.way("slow"),
    "net_tear": networks.way("torn"),
    "carrier_ill": others.by_plan,
    "carrier_net": networks.to_carrier,
    "subscribers_hang": ending.standing_still,
}

#: Those that have done all they do as their block begins: nothing is waited for then.
AT_ONCE = frozenset(name for name in ACTS if name.startswith(("kill_", "die_", "end_", "rolling")))

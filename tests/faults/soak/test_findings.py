"""What the samples of a soak are taken to say, on samples made up for it."""

from typing import Any

from tests.faults.soak.findings import dead_tuples, memory, oldest_due, sessions
from tests.faults.soak.windows import RECOVERY, windows

MIB = 2**20
#: A fault from second 100 to second 110.
FAULT = windows(
    [
        {"what": "began", "fault": 0, "kind": "net_cut", "target": "all", "how": "postgres", "mono": 100.0},
        {"what": "ended", "fault": 0, "kind": "net_cut", "target": "all", "how": "postgres", "mono": 110.0},
    ]
)


def sample(mono: float, **told: Any) -> dict[str, Any]:
    """One look: `poll` and `delivery` are ages, `rss` in MiB of the worker's child, `pid` whose that is."""
    table = {"name": "watch", "live": 1000, "dead": told.get("dead", 0), "vacuums": 1, "bytes": MIB}
    child = {"program": "worker", "part": "child", "pid": told.get("pid", 7), "began": 1}
    return {
        "mono": mono,
        "processes": [child | {"age": told.get("age", mono), "rss": told.get("rss", 120) * MIB}],
        "database": {
            "due": {"poll": told.get("poll"), "delivery": told.get("delivery")},
            "sessions": {"sessions": told.get("sessions", 20), "longest": 0.1, "xmin_age": 3},
            "tables": [table],
        },
    }


def calm_hour(**told: Any) -> list[dict[str, Any]]:
    return [sample(5.0 * nth, **told) for nth in range(720)]


def test_a_row_that_is_due_for_long_with_no_fault_about_is_found() -> None:
    assert oldest_due(calm_hour(poll=3.0, delivery=0.2), FAULT).holds is True
    assert oldest_due([*calm_hour(poll=3.0), sample(3605.0, delivery=11.0)], FAULT).holds is False


def test_what_is_late_in_a_fault_and_shortly_after_is_said_and_not_judged() -> None:
    late = [sample(105.0, poll=30.0), sample(110.0 + RECOVERY - 1, delivery=12.0)]
    found = oldest_due([*calm_hour(), *late], FAULT)
    assert found.holds is True
    assert (found.figures["inside"], found.figures["fault"]) == (30.0, "net_cut all postgres")


def test_where_nearly_all_lies_in_windows_nothing_is_said() -> None:
    assert oldest_due([sample(100.0 + nth) for nth in range(20)], FAULT).holds is None


def test_a_fault_that_never_ended_lasts_to_the_end() -> None:
    begun = windows(
        [{"what": "began", "fault": 3, "kind": "clock", "target": "beat", "how": "+600", "mono": 5.0}]
    )
    assert oldest_due(calm_hour(poll=60.0), begun).holds is None


def test_a_database_that_is_away_has_no_row_that_is_due() -> None:
    away = sample(3700.0) | {"database": None}
    assert oldest_due([*calm_hour(), away], FAULT).holds is True


def test_memory_that_grows_is_found_and_warm_up_is_left_out() -> None:
    grows = [sample(5.0 * nth, rss=120 + nth / 60) for nth in range(720)]
    warms = [sample(5.0 * nth, rss=min(120.0, 60 + nth * 2)) for nth in range(720)]
    assert [each.holds for each in memory(grows)] == [False]
    assert [each.holds for each in memory(warms)] == [True]


def test_memory_of_lives_that_were_all_too_short_is_not_called_flat() -> None:
    restarts = [sample(5.0 * nth, pid=nth // 30, age=5.0 * (nth % 30)) for nth in range(300)]
    assert [each.holds for each in memory(restarts)] == [None]


def test_dead_rows_beyond_all_bounds_are_found() -> None:
    assert [each.holds for each in dead_tuples(calm_hour(dead=900))] == [True]
    assert [each.holds for each in dead_tuples(calm_hour(dead=9_000))] == [True, True]
    assert [each.holds for each in dead_tuples([*calm_hour(), sample(3605.0, dead=30_000)])] == [True, False]


def test_a_soak_that_saw_no_table_says_nothing_of_dead_rows() -> None:
    assert [each.holds for each in dead_tuples([sample(1.0) | {"database": None}])] == [None]


def test_sessions_beyond_the_limit_count_only_while_no_fault_is_about() -> None:
    assert sessions([*calm_hour(), sample(105.0, sessions=199)], FAULT).holds is True
    assert sessions([*calm_hour(), sample(500.0, sessions=199)], FAULT).holds is False

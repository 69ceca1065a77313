"""The alert rules and the dashboard ask for what is served, and the runbook has an entry for each rule."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from accounts.alerts import Kind
from tests.docs.documents import anchors, page, prose
from tests.metrics.catalog import documented
from tests.processes import ROOT

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/parcelwire.json").read_text())
RUNBOOK = page("runbook")
#: Labels that Prometheus gives, and what stands in prometheus.yml.
OF_PROMETHEUS = {"instance", "job", "process"}
_FIGURE = re.compile(r"\b(parcelwire_\w+|up)\b(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


def panels() -> Iterator[dict[str, Any]]:
    yield from (one for one in DASHBOARD["panels"] if one["type"] != "row")


def asked() -> list[tuple[str, str, str]]:
    """What is asked for: by whom, the expression, and a text that names labels of the answer."""
    rules = [(one["alert"], one["expr"], one["annotations"]["summary"]) for one in RULES]
    return rules + [
        (panel["title"], target["expr"], target["legendFormat"])
        for panel in panels()
        for target in panel["targets"]
    ]


@pytest.mark.parametrize(("who", "expression", "text"), asked())
def test_every_name_and_label_is_served(who: str, expression: str, text: str) -> None:
    known = documented()
    labels = set(OF_PROMETHEUS)
    figures = _FIGURE.findall(expression)
    assert figures
    for name, matchers in figures:
        of_figure = known[name] if name != "up" else set()
        assert set(_MATCHER.findall(matchers)) <= of_figure | OF_PROMETHEUS, name
        labels |= of_figure
    for group in _GROUPED.findall(expression):
        assert {word.strip() for word in group.split(",")} <= labels | {"le"}
    assert set(re.findall(r"\$labels\.(\w+)|\{\{(\w+)\}\}", text)) <= {(one, "") for one in labels} | {
        ("", one) for one in labels
    }


def test_every_kind_of_alert_that_a_rule_names_is_one() -> None:
    named = set(re.findall(r'kind="(\w+)"', json.dumps([one["expr"] for one in RULES]).replace("\\", "")))
    assert named <= {kind.value for kind in Kind}


def test_a_probe_that_is_told_to_wait_wakes_nobody() -> None:
    """A web that ends answers /readyz with 503, as it should, and is asked often."""
    (rule,) = [one for one in RULES if one["alert"] == "ParcelwireCallsFail"]
    asked = _FIGURE.findall(rule["expr"])
    assert ["healthz|readyz" in matchers for _, matchers in asked] == [True, True]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_every_rule_leads_to_its_entry_of_the_runbook(rule: dict[str, Any]) -> None:
    anchor = rule["annotations"]["runbook_url"].removeprefix("{{ $externalLabels.runbook }}#")
    assert anchor == rule["alert"].lower()
    assert anchor in anchors(RUNBOOK)
    assert entries()[rule["alert"]].startswith(f"`{rule['labels']['severity']}`")


def test_the_runbook_has_entries_of_rules_alone_and_each_says_what_to_do() -> None:
    assert list(entries()) == [one["alert"] for one in RULES]
    assert all("**Do:**" in entry for entry in entries().values())


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_alert_has_one_entry_of_the_runbook(kind: Kind) -> None:
    named = f"; in the admin *{kind.label}*, `{kind.value}`. "
    assert len([text for text in entries().values() if named in " ".join(text.split())]) == 1


def test_panels_have_places_of_their_own() -> None:
    places = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        taken = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not taken & places, panel["title"]
        assert at["x"] + at["w"] <= 24
        places |= taken
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def entries() -> dict[str, str]:
    """The runbook's entries, by the rule in their heading."""
    parts = re.split(r"^### (.*)$", prose(RUNBOOK), flags=re.MULTILINE)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}

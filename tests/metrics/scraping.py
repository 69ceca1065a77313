"""What Prometheus would read."""

import contextlib
from collections.abc import Iterable
from urllib.error import URLError
from urllib.request import urlopen

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import eventually

#: Figures by their names and labels.
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Scrape:
    """The figures of one scrape."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self.metrics = list(metrics)
        samples = [sample for metric in self.metrics for sample in metric.samples]
        self._figures: Figures = {(one.name, frozenset(one.labels.items())): one.value for one in samples}

    def __getitem__(self, name: str) -> float:
        """The figure without labels."""
        return self.of(name)

    def of(self, name: str, **labels: str) -> float:
        """The figure with exactly these labels. Raises KeyError where there is none."""
        return self._figures[f"parcelwire_{name}", frozenset(labels.items())]

    def has(self, name: str) -> bool:
        return any(f"parcelwire_{name}" == known for known, _ in self._figures)

    @property
    def labels(self) -> dict[str, set[str]]:
        """The names of labels by the names of figures."""
        found: dict[str, set[str]] = {}
        for name, labels in self._figures:
            found.setdefault(name, set()).update(label for label, _ in labels)
        return found


def scrape(port: int) -> Scrape:
    """What is served on this port of this machine."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        return Scrape(text_string_to_metric_families(answer.read().decode()))


def awaited(port: int) -> Scrape:
    """The same, as soon as the port is open."""
    found: list[Scrape] = []

    def is_open() -> bool:
        with contextlib.suppress(URLError, ConnectionError):
            found.append(scrape(port))
        return bool(found)

    eventually(is_open)
    return found[0]

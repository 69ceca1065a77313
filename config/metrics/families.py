"""Figures in the words of Prometheus, made from rows."""

from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

#: The values of the labels, and the figure.
Sample = tuple[Sequence[str], float]


def gauge(name: str, says: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    """A figure that goes up and down, for each of the labels' values."""
    family = GaugeMetricFamily(f"parcelwire_{name}", says, labels=labels)
    for values, figure in samples:
        family.add_metric(values, figure)
    return family


def counter(name: str, says: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    """A figure that only grows; its name ends in `_total`."""
    family = CounterMetricFamily(f"parcelwire_{name}", says, labels=labels)
    for values, figure in samples:
        family.add_metric(values, figure)
    return family


def single(name: str, says: str, figure: float) -> Metric:
    """A figure without labels."""
    return GaugeMetricFamily(f"parcelwire_{name}", says, value=figure)

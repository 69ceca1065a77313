"""Since when each sweep has ended no more."""

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.metrics_core import Metric

from config.lags import lags
from config.metrics.families import gauge


def sweeps() -> Iterator[Metric]:
    """Of each sweep that beat asks for: one statement. A sweep that never ended has no age."""
    known = lags()
    now = timezone.now()
    ages = [(one.name, one.seconds(now)) for one in known]
    yield gauge(
        "sweep_age_seconds",
        "How long ago a sweep last ended without an error",
        ["sweep"],
        [([name], age) for name, age in ages if age is not None],
    )
    yield gauge(
        "sweep_period_seconds",
        "After how long beat asks for a sweep again",
        ["sweep"],
        [([one.name], one.every) for one in known],
    )

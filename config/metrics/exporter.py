"""What a scrape of the installation answers: each source is read on a thread, and waited for a while only."""

import logging
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

#: Seconds that a scrape waits for a source. Prometheus itself waits for ten, unless it is told otherwise.
PATIENCE = 5.0

#: Yields figures as they are read, and raises one of the source's `faults` where it does not answer.
Read = Callable[[], Iterable[Metric]]


class Source:
    """A server whose figures are read: one reading at a time, which all who scrape meanwhile share.

    A server that neither answers nor refuses would hold a scrape for as long as it likes: the scrape goes
    away with what was read so far, and the next one does not begin another reading beside it.
    """

    def __init__(self, name: str, read: Read, faults: tuple[type[Exception], ...]) -> None:
        self.name = name
        self._read = read
        self._faults = faults
        self._lock = threading.Lock()
        self._under_way: Reading | None = None

    def begin(self) -> "Reading":
        """The reading that is under way, or a new one."""
        with self._lock:
            if self._under_way is None or self._under_way.ended.is_set():
                self._under_way = Reading(self.name, self._read, self._faults)
            return self._under_way


class Reading:
    """One look at a source: `found` grows until it has `ended`; `complete` if nothing failed."""

    def __init__(self, name: str, read: Read, faults: tuple[type[Exception], ...]) -> None:
        self.found: list[Metric] = []
        self.complete = False
        self.ended = threading.Event()
        threading.Thread(target=self._run, args=[name, read, faults], name=name, daemon=True).start()

    def _run(self, name: str, read: Read, faults: tuple[type[Exception], ...]) -> None:
        try:
            for metric in read():
                self.found.append(metric)
            self.complete = True
        except faults as error:
            logger.warning("no figures of the %s: %s", name, error)
        finally:
            self.ended.set()


class Exporter(Collector):
    """Figures of all sources, and of each whether it could be read."""

    def __init__(self, version: str, sources: Sequence[Source], patience: float = PATIENCE) -> None:
        self._version = version
        self._sources = sources
        self._patience = patience

    def collect(self) -> Iterator[Metric]:
        began = time.monotonic()
        readings = [(source.name, source.begin()) for source in self._sources]
        up = GaugeMetricFamily(
            "parcelwire_up",
            "Whether all figures of this server could be read (1) or not (0)",
            labels=["server"],
        )
        for name, reading in readings:
            reading.ended.wait(max(0.0, began + self._patience - time.monotonic()))
            up.add_metric([name], float(reading.complete))
            yield from list(reading.found)
        yield up
        yield self._build()
        yield GaugeMetricFamily(
            "parcelwire_scrape_seconds", "How long reading all this took", value=time.monotonic() - began
        )

    def _build(self) -> Metric:
        running = {"version": self._version, "python": platform.python_version()}
        return InfoMetricFamily("parcelwire_build", "What runs here", value=running)

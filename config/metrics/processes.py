"""The port of a web or a worker: one process serves what it and those that it starts have noted.

Each notes in files of its own, in a folder that is named for the process which serves them. Loaded where
METRICS_PORT is set only; config.measuring sees to that.
"""

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client.metrics_core import InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from config.living import is_there
from config.metrics import ended
from config.metrics.families import single
from config.metrics.serving import serve

logger = logging.getLogger(__name__)

#: Seconds between two tries for a port that another process has: the one that this one replaces, say.
AGAIN = 1.0


class Processes(Collector):
    """The figures of all processes of a folder, added up."""

    def __init__(self, folder: Path, name: str, version: str) -> None:
        self._folder = folder
        self._of = {"program": name, "version": version}
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            living = ended.gather(self._folder)
            yield from MultiProcessCollector.merge(ended.files(self._folder))
        yield single("processes", "Processes that are at work", living)
        yield InfoMetricFamily("parcelwire_process", "What these figures are of", value=self._of)


def empty(folder: Path) -> None:
    """Make the folder anew, and delete those beside it whose process has ended.

    The last part of a folder's name is the number of the process that serves it, the rest its machine.
    """
    machine = folder.name.rpartition("-")[0]
    for other in folder.parent.glob(f"{machine}-*"):
        number = other.name.rpartition("-")[2]
        if other == folder or (number.isdigit() and not is_there(int(number))):
            shutil.rmtree(other, ignore_errors=True)
    folder.mkdir(parents=True)


def open_port(folder: Path, name: str, version: str, host: str, port: int) -> None:
    """Serve what is noted in the folder; from a thread, once the port is to be had.

    It may be another's for a while: then work goes on, and it is tried for again.
    """
    collector = Processes(folder, name, version)
    threading.Thread(target=_open, args=[collector, host, port], name="metrics", daemon=True).start()


def _open(collector: Collector, host: str, port: int) -> None:
    has_said_so = False
    pause = threading.Event()
    while _served(collector, host, port, quietly=has_said_so) is None:
        has_said_so = True
        pause.wait(AGAIN)


def _served(collector: Collector, host: str, port: int, *, quietly: bool) -> WSGIServer | None:
    try:
        return serve(collector, host, port)
    except OSError as error:
        if not quietly:
            logger.warning(
                "figures are not served on %s:%d yet: %s", host, port, os.strerror(error.errno or 0)
            )
        return None

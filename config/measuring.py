"""Figures of a web and of workers, where METRICS_PORT is set. Where it is not, nothing is loaded for them."""

import os
import platform

from django.conf import settings
from django.utils.module_loading import import_string

from accounts import measuring

#: Where prometheus-client keeps figures of several processes; set before it is loaded, and for children.
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def serve(name: str) -> None:
    """Serve the figures of this process's children, which is called so. To be called before there are any."""
    if not settings.METRICS_PORT:
        return
    folder = settings.PARCELWIRE_DATA / "run" / "metrics" / f"{platform.node()}-{os.getpid()}"
    os.environ[_FOLDER] = str(folder)
    import_string("config.metrics.processes.empty")(folder)
    open_port = import_string("config.metrics.processes.open_port")
    open_port(folder, name, settings.VERSION, settings.METRICS_HOST, settings.METRICS_PORT)


def begin() -> None:
    """Note figures in this process from now on, if the one that started it serves them."""
    if settings.METRICS_PORT and _FOLDER in os.environ:
        import_string("config.metrics.noting.note_start")()
        measuring.give_to(import_string("config.metrics.noting.take"))

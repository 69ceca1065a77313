"""Where figures are served, if anywhere."""

from config import sections

METRICS_PORT = sections.metrics.whole(
    "METRICS_PORT",
    0,
    least=0,
    most=65_535,
    means="port on which the web or a worker serves [its own figures](metrics.md#figures-of-each-process) to "
    "Prometheus, and the one of `manage.py metrics`; 0: the web and workers open none, and measure nothing",
)
METRICS_HOST = sections.metrics.text(
    "METRICS_HOST",
    "127.0.0.1",
    means="address on which figures are served; nobody is asked for a key there, so never one that strangers "
    "reach",
)

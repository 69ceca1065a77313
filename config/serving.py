"""The web: granian, with the flags that stand here once."""

from django.conf import settings
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings

from config import draining, measuring, programs
from config.logs import catching

#: Milliseconds that a kept-alive connection may say nothing, and that a request's head may take to arrive.
IDLE = 60_000
#: Seconds after SIGTERM at which a process of the web that answers still is killed.
PATIENCE = 28


def serve(host: str, port: int, *, processes: int, threads: int) -> None:
    """Answer until SIGTERM or SIGINT, and then what is under way."""
    draining.prepare(0)
    server = Granian(
        "config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=threads,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=IDLE),
        workers_kill_timeout=PATIENCE,
    )
    catching.start(settings.LOGGING)  # granian has made handlers of its own
    measuring.serve(programs.WEB)
    server.serve()

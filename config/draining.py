"""A web process that is told to end goes on answering for a while, so that who sends it calls may notice.

SIGTERM makes it say that it is not ready, and close each connection with the next answer on it. DRAIN_SECONDS
later it takes no more connections, and ends once what is under way is answered. Another SIGTERM cuts nothing
of that short; SIGINT, a terminal's, leaves the waiting out.
"""

import signal
import threading
from collections.abc import Callable, Iterable
from typing import Any

_MOMENT = 0.02
_told = threading.Event()

_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def is_draining() -> bool:
    """Whether this process was told to end."""
    return _told.is_set()


def prepare(seconds: float) -> None:
    """Have SIGTERM tell the process to end, and so many seconds later, as SIGINT, its server.

    To be called in a process's only thread, before its server sets handlers of its own: no thread lets
    SIGTERM in but one that waits for it. A process forked meanwhile leaves it pending until it calls this
    too; the handlers that it has from its parent would lose it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    inherited = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=_wait, args=[seconds, inherited], name="draining", daemon=True)
    thread.start()


def _wait(seconds: float, inherited: object) -> None:
    signal.sigwait({signal.SIGTERM})
    _told.set()
    pause = threading.Event()
    pause.wait(seconds)
    while signal.getsignal(signal.SIGINT) is inherited:
        pause.wait(_MOMENT)  # the server is being started: it would not hear yet
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGINT)


def saying_so(application: _Application) -> _Application:
    """The application, whose answers end their connections while the process drains."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*headers, ("Connection", "close")], *more)

        return application(environ, start if _told.is_set() else start_response)

    return answer

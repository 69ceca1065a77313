"""A way to PostgreSQL that can be cut off, as if the server had crashed and were not back yet."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.waiting import eventually


class Relay:
    """Passes on what comes to `port`, until it is cut off; then it refuses, until it is restored."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listen(0)

    def cut(self) -> None:
        """End every connection, and refuse new ones."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        eventually(self._listen_again)

    def _listen_again(self) -> bool:
        """Whether the port was free: another connection may have got it meanwhile."""
        try:
            self._listen(self.port)
        except OSError:
            return False
        return True

    def _listen(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        # Closing the listener ends it.
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._to)
                with self._lock:
                    self._open |= {near, far}
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=ends, daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                target.sendall(chunk)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(source)
        source.close()


@contextlib.contextmanager
def relay(host: str, port: int) -> Iterator[Relay]:
    """A relay to this server, as long as the block runs."""
    made = Relay(host, port)
    try:
        yield made
    finally:
        with contextlib.suppress(OSError):
            made.cut()

"""Real servers on loopback that answer as carriers do, and as they should not."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket], None]


@dataclass
class Server:
    """Answers each connection by its `behaviour`, and keeps the request lines and headers it got."""

    behaviour: Behaviour
    url: str = ""
    requests: list[str] = field(default_factory=list)
    connections: int = 0


@contextlib.contextmanager
def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server for the time of the block. `behaviour` is called once per request, with its socket."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        scheme = "https" if tls else "http"
        server = Server(behaviour, f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=_accept, args=(server, listener, tls), daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(60)


def answer(body: bytes, status: str = "200 OK", *headers: str) -> Behaviour:
    """Answer with this body and keep the connection."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return lambda peer: peer.sendall(whole)


def _accept(server: Server, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError):
        while True:
            peer, _ = listener.accept()
            server.connections += 1
            threading.Thread(target=_converse, args=(server, peer, tls), daemon=True).start()


def _converse(server: Server, peer: socket.socket, tls: ssl.SSLContext | None) -> None:
    # A client that hangs up, or does not like the certificate, ends the conversation.
    with contextlib.suppress(OSError), peer:
        speaking = tls.wrap_socket(peer, server_side=True) if tls else peer
        with speaking:
            while head := _head(speaking):
                server.requests.append(head)
                server.behaviour(speaking)


def _head(peer: socket.socket) -> str:
    """The request up to its blank line; "" once the client has hung up."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        part = peer.recv(1)
        if not part:
            return ""
        head += part
    return head.decode()

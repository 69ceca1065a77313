"""`python -m tests.webhooks.silent_resolver`, in namespaces of its own: see test_names."""

import fcntl
import socket
import struct
import subprocess
import sys
import tempfile
import time

from tests.subscribers import subscriber
from tests.webhooks.test_transport import outgoing
from webhooks.exchanges import Result
from webhooks.transport import wire

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
SILENT, FINE = 300, 20


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as name_server:
        # The loopback of a new network is down.
        fcntl.ioctl(name_server, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
        name_server.bind(("127.0.0.1", 53))
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("nameserver 127.0.0.1\noptions timeout:30 attempts:3\n")
            file.flush()
            subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
            began = time.monotonic()
            kinds = [each.failure or "sent" for each in _send()]
            seconds = time.monotonic() - began
            began = time.monotonic()
            wire().close()
    closed = time.monotonic() - began
    sys.stdout.write(f"{kinds.count('dns_error')} {kinds.count('sent')} {seconds} {closed}")


def _send() -> list[Result]:
    used = wire()
    results: list[Result] = []
    used.start([outgoing(f"https://{number}.example/") for number in range(SILENT)])
    with subscriber() as server:
        for _ in range(FINE):
            request = outgoing(server.url())
            used.start([request])
            while request.token not in {each.token for each in results}:
                results += used.wait(5)
    while len(results) < SILENT + FINE:
        results += used.wait(5)
    return results


if __name__ == "__main__":
    main()

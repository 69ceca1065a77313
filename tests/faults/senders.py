"""Which process a request came from: its connection is looked up among what a worker's pool has open."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.faults.witness import Post, Witness
from tests.faults.workers import Worker


class Senders:
    """Watches from where a subscriber is connected to, as long as the worker lives."""

    def __init__(self, worker: Worker, seen: Witness) -> None:
        self._worker = worker
        self._of_peer: dict[tuple[str, int], int] = {}
        seen.connected = self._note

    def of(self, posts: Sequence[Post]) -> Counter[int]:
        """How many of these each process sent."""
        return Counter(self._of_peer[post.peer] for post in posts if post.peer in self._of_peer)

    def by(self, pid: int, posts: Sequence[Post]) -> list[Post]:
        """Those of them that this process sent."""
        return [post for post in posts if self._of_peer.get(post.peer) == pid]

    def at_work(self, posts: Sequence[Post]) -> list[int]:
        """The living processes that wait for the answers to some of these, most of them first."""
        alive = self._worker.children()
        sent = self.of([post for post in posts if not post.ended])
        return [pid for pid, _ in sent.most_common() if pid in alive]

    def _note(self, peer: tuple[str, int]) -> None:
        links = links_of(peer[1])
        for pid in self._worker.children():
            if links & open_files(pid):
                self._of_peer[peer] = pid


def links_of(port: int) -> set[str]:
    """What the open sockets are called whose own end is this port of IPv4: one port may lead to two servers.

    Those of nobody any more, which wait for late packets, are left out.
    """
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    own = f":{port:04X}"
    found = [fields[9] for fields in map(str.split, lines) if fields[1].endswith(own)]
    return {f"socket:[{inode}]" for inode in found if inode != "0"}


def open_files(pid: int) -> set[str]:
    found = set()
    for file in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found.add(str(file.readlink()))
        except OSError:
            continue  # closed, or its process is gone
    return found

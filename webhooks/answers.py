"""An HTTP answer as it comes in, line by line and chunk by chunk, within limits: pure."""

import re
from collections.abc import Iterable

#: Bytes of an answer's body that are read, and of those that are kept for the record.
BODY_READ, BODY_KEPT = 64 * 1024, 4 * 1024
#: Header lines that are kept, and characters of each.
HEADERS_KEPT, HEADER_KEPT = 50, 1_000
#: Heard beyond what is kept, so that a secret across that limit is there as a whole and can be hidden.
SLACK = 5_000
#: Lines of one head that are looked at: repeated headers count once among those that are kept.
_LINES = 4 * HEADERS_KEPT
#: Three digits (RFC 9112, 4); anything longer would be no number that a row takes.
_STATUS = re.compile(rb"HTTP/[0-9.]+ ([1-9][0-9]{2})(?: .*)?", re.DOTALL)


class Answer:
    """What was heard so far. `whole`: the final status line and all headers are there."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget the answer before this one."""
        self.status, self.whole = 0, False
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self._read = 0
        self._head: list[bytes] = []

    def hear_header(self, line: bytes) -> None:
        """One line of the head, or of a trailer, which is left out."""
        if self.whole:
            return
        if not line.strip():
            self._end_head()
        elif len(self._head) <= _LINES:
            self._head.append(line)

    def hear_body(self, chunk: bytes) -> int:
        """How many bytes of it were taken: 0 where no more of the body is wanted."""
        self._read += len(chunk)
        room = BODY_KEPT + SLACK - len(self.body)
        if room > 0:
            self.body += chunk[:room]
        return len(chunk) if self._read < BODY_READ else 0

    def _end_head(self) -> None:
        # A 1xx may stand before the answer: every head begins anew. Only its first line has the status.
        first, *lines = self._head or [b""]
        self._head = []
        status = _STATUS.fullmatch(first.strip())
        self.status = int(status[1]) if status else 0
        self.whole = self.status >= _FINAL
        if self.whole:
            self.headers = _headers(lines)


_FINAL = 200


def _headers(lines: Iterable[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    limit = HEADER_KEPT + SLACK
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip()[:limit].lower()] = value.strip()[:limit]
        if len(headers) == HEADERS_KEPT:
            break
    return headers

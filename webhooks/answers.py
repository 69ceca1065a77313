"""An HTTP answer as it comes in, line by line and chunk by chunk, within limits: pure."""

import re

#: Bytes of an answer's body that are read, and of those that are kept for the record.
BODY_READ, BODY_KEPT = 64 * 1024, 4 * 1024
#: Header lines that are kept, and characters of each.
HEADERS_KEPT, HEADER_KEPT = 50, 1_000
#: Heard beyond what is kept, so that a secret across that limit is there as a whole and can be hidden.
SLACK = 5_000


#: Three digits (RFC 9112, 4); anything longer would be no number that a row takes.
_STATUS = re.compile(r"HTTP/[0-9.]+ ([1-9][0-9]{2})(?: .*)?")


class Answer:
    """What was heard so far. `whole`: the final status line and all headers are there."""

    def __init__(self) -> None:
        self.status, self.whole = 0, False
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self._read = 0
        self._in_head = False

    def hear_header(self, line: bytes) -> None:
        """One line of the head, or of a trailer, which is left out."""
        text = line.decode("latin-1").strip()
        if self.whole:
            return
        if not self._in_head:
            # A 1xx may stand before the answer: every head begins anew. Only its first line has the status.
            status = _STATUS.fullmatch(text)
            self.status, self.headers, self._in_head = int(status[1]) if status else 0, {}, True
        elif not text:
            self.whole, self._in_head = self.status >= 200, False
        elif len(self.headers) < HEADERS_KEPT:
            name, _, value = text.partition(":")
            limit = HEADER_KEPT + SLACK
            self.headers[name[:limit].lower()] = value.strip()[:limit]

    def hear_body(self, chunk: bytes) -> bool:
        """Whether more of the body is wanted."""
        self._read += len(chunk)
        limit = BODY_KEPT + SLACK
        if len(self.body) < limit:
            self.body += chunk[: limit - len(self.body)]
        return self._read < BODY_READ

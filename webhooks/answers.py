"""An HTTP answer as it comes in, line by line and chunk by chunk, within limits: pure."""

#: Bytes of an answer's body that are read, and of those that are kept for the record.
BODY_READ, BODY_KEPT = 64 * 1024, 4 * 1024
#: Header lines that are kept, and characters of each.
HEADERS_KEPT, HEADER_KEPT = 50, 1_000
#: Heard beyond what is kept, so that a secret across that limit is there as a whole and can be hidden.
SLACK = 5_000


class Answer:
    """What was heard so far. `whole`: the final status line and all headers are there."""

    def __init__(self) -> None:
        self.status, self.whole = 0, False
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self._read = 0

    def hear_header(self, line: bytes) -> None:
        """One line of the head, or of a trailer, which is left out."""
        text = line.decode("latin-1").strip()
        if text.startswith("HTTP/"):
            # A 1xx may stand before the answer: every status line begins anew.
            code = text.split(" ", 2)[1:2]
            self.status = int(code[0]) if code and code[0].isdigit() else 0
            self.headers, self.whole = {}, False
        elif not text:
            self.whole = self.status >= 200
        elif len(self.headers) < HEADERS_KEPT and not self.whole:
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

"""A mail server: real SMTP on loopback, that keeps what it is sent, or does what mail servers do wrong.

with mail_server() as server:
    server.doing = refuse
    ...
    server.mails[0]["Subject"]
"""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from tests.serving import serving


class _Session(socketserver.StreamRequestHandler):
    server: "MailServer"

    def handle(self) -> None:
        try:
            self.server.doing(self)
        except OSError:
            """The client went away."""

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def converse(self, *, rcpt: str = "250 fine", data: str = "250 taken") -> None:
        """SMTP, as far as it goes, with these answers. An empty one closes the connection."""
        self.say("220 mail.example")
        answers = {"EHLO": "250 mail.example", "MAIL": "250 fine", "RCPT": rcpt, "QUIT": "221 bye"}
        for line in self.rfile:
            word = line.split()[0].decode().upper()
            if word == "DATA":
                self.say("354 go on")
                self.server.keep(self._mail())
            answer = data if word == "DATA" else answers.get(word, "502 what?")
            if not answer:
                return
            self.say(answer)
            if word == "QUIT":
                return

    def _mail(self) -> EmailMessage:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b"."))
        return cast("EmailMessage", message_from_bytes(b"".join(lines), policy=policy.default))


Doing = Callable[[_Session], None]


def take(session: _Session) -> None:
    """Take every mail."""
    session.converse()


def hang(session: _Session) -> None:
    """Say nothing."""
    session.server.closing.wait()


def refuse(session: _Session) -> None:
    """Be busy."""
    session.say("421 too busy")


def reject(session: _Session) -> None:
    """Know no such mailbox."""
    session.converse(rcpt="550 nobody here")


def reject_text(session: _Session) -> None:
    """Want nothing of the kind."""
    session.converse(data="554 not such things")


def forget_to_answer(session: _Session) -> None:
    """Take the mail, and close without a word."""
    session.converse(data="")


class MailServer(socketserver.ThreadingTCPServer):
    """The server; `doing` is what it does with the next connections."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.closing = threading.Event()
        self.doing: Doing = take
        self.mails: list[EmailMessage] = []
        self.sessions = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def keep(self, mail: EmailMessage) -> None:
        self.mails.append(mail)

    def process_request(self, request: object, client_address: object) -> None:
        self.sessions += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A mail server that runs while the block does."""
    with serving(MailServer()) as server:
        try:
            yield server
        finally:
            server.closing.set()

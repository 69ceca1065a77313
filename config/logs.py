"""The log: one line format for every program of the project, from which secrets are taken out.

Keys come in queries (247Express's `apikey`), headers and exceptions, and Django, granian, Celery and others
write what they were given. So the text of a line is cleaned, when it is complete, tracebacks included.
granian's access log, which `up` and the image leave off, goes the same way where it is switched on.
"""

import logging
import re
from typing import Any

REMOVED = "[removed]"


def _encoded(letter: str) -> str:
    """A letter as itself, or as its percent sign and code, encoded over and over."""
    codes = "|".join(f"{ord(one):x}" for one in sorted({letter.lower(), letter.upper()}))
    return f"(?:{letter}|%(?:25)*(?:{codes}))"


def _word(letters: str) -> str:
    return "".join(_encoded(letter) for letter in letters)


# Every pattern below takes time in proportion to the line: strangers choose paths, and paths are logged.
# So of two repeats side by side, one may not take what the other takes.

#: The end of a name whose value is secret: in headers, WSGI environments, JSON and queries, encoded or not.
_NAME = rf"(?:{_word('api')}(?:{_encoded('-')}|{_encoded('_')})?{_word('key')}|{_word('authorization')})"
_QUOTE = r"""(?:\\*["'])"""
#: A quoted text. Where the line was cut, to its end.
_TEXT = r"""(?:"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?)"""
_LISTED = re.compile(rf"({_NAME}{_QUOTE}?\s*[=:,]\s*\[)(?:[\s,]*b?\\*{_TEXT})+", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(
    rf"""({_NAME}{_QUOTE}?\s*[=:,][\s\[(]*b?\\*)(["'])(?:\\.|(?!\2)[^\\])*""", re.IGNORECASE | re.DOTALL
)
_BARE = re.compile(
    rf"({_NAME}(?:%(?:25)*2[27])?\s*(?:[=:]|%(?:25)*3[AD])\s*)"
    r"""((?:Bearer|Basic|Token|ApiKey)(?:\s|\+|%20)+)?[^\s&"'<>,;)\]}]+""",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"""\b(Bearer|Basic)((?:\s|\+|%20)+)[^\s&"'<>,;)\]}]{6,}""", re.IGNORECASE)
_OWN_KEY = re.compile(r"apik_[0-9a-f]{12,}", re.IGNORECASE)
#: The last part of the address at which a carrier calls, and of the one at which a shopper looks.
_ADDRESSED = re.compile(r"""((?:/|%2F)(?:push|track)(?:/|%2F))[^\s/?&"'<>,;)\]}]+""", re.IGNORECASE)
_PASSWORD = re.compile(r"""(://[^/\s:@"']*:)[^/\s"']+@""")


class RedactingFormatter(logging.Formatter):
    """Formats a record as any formatter does, and cleans the whole of it."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def redacted(text: str) -> str:
    """The text without keys, bearer tokens and passwords in URLs, whatever they are wrapped in."""
    text = _LISTED.sub(rf"\1'{REMOVED}'", text)
    text = _QUOTED.sub(rf"\1\2{REMOVED}", text)
    text = _BARE.sub(rf"\1{REMOVED}", text)
    text = _SCHEME.sub(rf"\1\2{REMOVED}", text)
    text = _OWN_KEY.sub(f"apik_{REMOVED}", text)
    text = _ADDRESSED.sub(rf"\1{REMOVED}", text)
    return _PASSWORD.sub(rf"\1{REMOVED}@", text)


def configuration(level: str) -> dict[str, Any]:
    """What LOGGING is: everything goes through the root to standard error, in one format.

    Loggers that Django and granian give handlers of their own lose them: those formats know no secrets.
    """
    plain = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "config.logs.RedactingFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": dict.fromkeys(("django", "django.server", "_granian", "granian.access"), plain),
    }

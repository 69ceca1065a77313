"""Takes secrets out of a text.

Keys come in queries (247Express's `apikey`), headers and exceptions, and Django, granian, Celery and others
write what they were given.
"""

import re

REMOVED = "[removed]"


def _encoded(letter: str) -> str:
    """A letter as itself, or as its percent sign and code, encoded over and over."""
    codes = "|".join(f"{ord(one):x}" for one in sorted({letter.lower(), letter.upper()}))
    return f"(?:{letter}|%(?:25)*(?:{codes}))"


def _word(letters: str) -> str:
    return "".join(_encoded(letter) for letter in letters)


#: What a text has that any pattern below matches, in small letters: looking for these costs least.
_SIGNS = ("%", "api", "auth", "bearer", "basic", "whsec_", "whsk_", "/push/", "/track/", "://")
#: What was taken out once is not taken for a secret again.
_NOT_YET = r"(?!\[removed\])"

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
    r"""((?:Bearer|Basic|Token|ApiKey)(?:\s|\+|%20)+)?"""
    rf"""{_NOT_YET}"""
    r"""[^\s&"'<>,;)\]}]+""",
    re.IGNORECASE,
)
_SCHEME = re.compile(rf"""\b(Bearer|Basic)((?:\s|\+|%20)+){_NOT_YET}[^\s&"'<>,;)\]}}]{{6,}}""", re.IGNORECASE)
_OWN_KEY = re.compile(r"apik_[0-9a-f]{12,}", re.IGNORECASE)
#: What endpoints' messages are signed with.
_SIGNING = re.compile(r"\b(whsec_|whsk_)[A-Za-z0-9+/=_-]{8,}", re.IGNORECASE)
#: The last part of the address at which a carrier calls, and of the one at which a shopper looks.
_ADDRESSED = re.compile(
    rf"""((?:/|%2F)(?:push|track)(?:/|%2F)){_NOT_YET}[^\s/?&"'<>,;)\]}}]+""", re.IGNORECASE
)
_PASSWORD = re.compile(r"""(://[^/\s:@"']*:)[^/\s"']+@""")


def is_suspicious(text: str) -> bool:
    """Whether there may be something to take out."""
    small = text.lower()
    return any(sign in small for sign in _SIGNS)


def redacted(text: str) -> str:
    """The text without keys, bearer tokens and passwords in URLs, whatever they are wrapped in."""
    if not is_suspicious(text):
        return text
    text = _LISTED.sub(rf"\1'{REMOVED}'", text)
    text = _QUOTED.sub(rf"\1\2{REMOVED}", text)
    text = _BARE.sub(rf"\1{REMOVED}", text)
    text = _SCHEME.sub(rf"\1\2{REMOVED}", text)
    text = _OWN_KEY.sub(f"apik_{REMOVED}", text)
    text = _SIGNING.sub(rf"\1{REMOVED}", text)
    text = _ADDRESSED.sub(rf"\1{REMOVED}", text)
    return _PASSWORD.sub(rf"\1{REMOVED}@", text)

"""URLs of servers, with passwords that are kept apart from them."""

from urllib.parse import parse_qs, quote, unquote, urlsplit


def with_password(url: str, password: str) -> str:
    """The URL with this password where it has none of its own. Raises ValueError for what is no URL."""
    parts = urlsplit(url)
    who, _, where = parts.netloc.rpartition("@")
    user, _, own = who.partition(":")
    if own or not password:
        return url
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{where}").geturl()


def user_and_password(url: str) -> tuple[str, str]:
    """Both as they are meant, "" where the URL has none. Raises ValueError for what is no URL."""
    parts = urlsplit(url)
    (queried,) = parse_qs(parts.query).get("password", [""])[-1:]  # the clients take it from there as well
    return unquote(parts.username or ""), queried or unquote(parts.password or "")


def by_network(url: str) -> bool:
    """Whether the server is another machine, as far as the URL tells."""
    return urlsplit(url).hostname not in {None, "localhost", "127.0.0.1", "::1"}


def verified(url: str) -> str:
    """The URL; of a Redis over TLS it says that the certificate counts. Celery would else take any."""
    parts = urlsplit(url)
    if parts.scheme != "rediss" or "ssl_cert_reqs=" in parts.query:
        return url
    return parts._replace(query="&".join(filter(None, [parts.query, "ssl_cert_reqs=required"]))).geturl()


def check_redis(url: str) -> None:
    """Raise ValueError for what Celery and our own connections do not take alike, such as a socket."""
    parts = urlsplit(url)
    number = parts.path.removeprefix("/")
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname or not (number or "0").isdecimal():
        raise ValueError("no URL of a Redis")
    _ = parts.port  # raises ValueError where it is no number

"""The only file of this room that opens connections, and to this machine alone: readiness, and the demo."""

import socket
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
import requests
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

HOST = "127.0.0.1"
_PATIENCE = 2


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.create_server((HOST, 0)) as server:
        port: int = server.getsockname()[1]
    return port


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            return True
    except OSError:
        return False


def postgres_refusal(url: str) -> str:
    """What the server answers to a connection; empty where it lets us in."""
    try:
        psycopg.connect(url, connect_timeout=_PATIENCE).close()
    except psycopg.OperationalError as error:
        return str(error).strip()
    return ""


def create_database(url: str, name: str) -> None:
    """Create the database where it is missing; `url` names another database of the same server."""
    with psycopg.connect(url, autocommit=True, connect_timeout=_PATIENCE) as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
        if not found:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def valkey_refusal(url: str) -> str:
    """What the server answers to a command; empty where it lets us in and has read its data."""
    client = redis.Redis.from_url(
        url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE, retry=Retry(NoBackoff(), 0)
    )
    try:
        client.ping()
    except redis.RedisError as error:
        return str(error)
    finally:
        client.close()
    return ""


def http_status(url: str) -> int | None:
    """The status a GET is answered with; None where nobody answers."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or HOST, address.port, timeout=_PATIENCE)
    try:
        connection.request("GET", address._replace(scheme="", netloc="").geturl())
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def call_api(method: str, url: str, key: str, body: Any = None) -> tuple[int, Any]:
    """Status and JSON body of what the API at `url` answers to this key."""
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {key}"}
        answer = session.request(method, url, json=body, headers=headers, timeout=_PATIENCE * 10)
    return answer.status_code, answer.json() if answer.content else None

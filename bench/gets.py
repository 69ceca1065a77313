"""`python -m bench.gets URL COUNT THREADS`: the reference, a bare `requests.Session` for each thread.

No database, nothing parsed, nothing written: the same GETs as polls of so many numbers, sent to the same
carrier by so many threads. Prints the seconds it took.
"""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import requests

_TIMEOUT = 20


def _get_all(url: str, count: int, threads: int) -> float:
    numbers = iter([f"HS{number:06}" for number in range(count)])
    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for ended in [pool.submit(_get_each, url, numbers) for _ in range(threads)]:
            ended.result()
    return time.perf_counter() - began


def _get_each(url: str, numbers: Iterator[str]) -> None:
    """A list's iterator gives each number to one thread."""
    headers = {"HS-Api-Key": "key", "Accept": "application/json"}
    with requests.Session() as session:
        for number in numbers:
            answer = session.get(
                f"{url}/v1/tracking/orders",
                params={"hs_order_ref": number},
                headers=headers,
                timeout=_TIMEOUT,
            )
            if answer.status_code != 200 or number.encode() not in answer.content:
                raise RuntimeError(f"{url} answered {answer.status_code}")


if __name__ == "__main__":
    sys.stdout.write(f"{_get_all(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])):.6f}\n")

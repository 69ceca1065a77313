"""`python -m bench.loop URL COUNT IN_FLIGHT`: the reference, a bare aiohttp loop that signs and posts.

No database, no retries, nothing written: the same bytes and headers to the same subscriber, by as many tasks
as are wanted in flight. `{}` in the URL is the number of an endpoint. Prints the seconds it took.
"""

import asyncio
import base64
import hmac
import itertools
import sys
import time
from collections.abc import Iterator

import aiohttp
from uuid_utils.compat import uuid7

from bench.bodies import BODY, ENDPOINTS, SECRET

_KEY = base64.b64decode(SECRET.removeprefix("whsec_"))


async def _post_all(url: str, count: int, in_flight: int) -> float:
    urls = itertools.cycle([url.format(number) for number in range(ENDPOINTS)])
    work = zip(range(count), urls, strict=False)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:
        began = time.perf_counter()
        await asyncio.gather(*(_post_each(session, work) for _ in range(in_flight)))
        return time.perf_counter() - began


async def _post_each(session: aiohttp.ClientSession, work: Iterator[tuple[int, str]]) -> None:
    for _, url in work:
        async with session.post(url, data=BODY, headers=_signed()) as answer:
            await answer.read()
            if answer.status != 204:
                raise RuntimeError(f"{url} answered {answer.status}")


def _signed() -> dict[str, str]:
    message_id, timestamp = str(uuid7()), int(time.time())
    signed = hmac.digest(_KEY, b"%s.%d.%s" % (message_id.encode(), timestamp, BODY), "sha256")
    return {
        "content-type": "application/json",
        "user-agent": "bench",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + base64.b64encode(signed).decode(),
    }


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(_post_all(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))):.6f}\n")

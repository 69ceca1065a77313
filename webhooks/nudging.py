"""What pumps hear of commits: a word in Redis, so that a thousand commits make one task, or none.

Each pace has two keys. `due` is a list of one element while something was committed that no pump has looked
for since; it is a list so that a pump can wait for it. `pumping` is there while a pump runs that will look.
Both end by themselves when nobody renews them, so that what dies or gets lost delays nobody for long.

Whoever polls does not wait for words, and only has one task made of many (`POLLS`, `begun`).

Rows are the truth: without Redis nothing is heard, and the sweeps find what is due.
"""

import logging
import time
from collections import defaultdict
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from webhooks.paces import Pace
from webhooks.stopping import stop

logger = logging.getLogger(__name__)

#: Seconds that Redis may take to connect, and to answer.
PATIENCE = 0.25
#: Seconds that a Redis which failed is left alone by this process.
QUIET = 5.0
#: Seconds that either key holds unless it is renewed.
STALE = 3.0
#: Seconds between two questions of a pump that is busy.
ASK_EVERY = 0.002
#: Seconds after which a wait looks for the word to stop, and says that its pump still runs.
_AT_ONCE = 0.2

#: Beside the paces: what polls hear of.
POLLS = "polls"

#: Answers 1 where somebody must be told: nobody was since the last look, and no pump runs.
_NUDGE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('RPUSH', KEYS[1], 1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1 - redis.call('EXISTS', KEYS[2])
"""
#: Says that a pump runs, and takes the elements: answers how many there were.
_LISTEN = """
local heard = 0
for i = 1, #KEYS, 2 do
    redis.call('SET', KEYS[i + 1], 1, 'PX', ARGV[1])
    if redis.call('LPOP', KEYS[i]) then heard = heard + 1 end
end
return heard
"""
#: The same, but that a pump ends.
_LEAVE = """
local heard = 0
for i = 1, #KEYS, 2 do
    redis.call('DEL', KEYS[i + 1])
    if redis.call('LPOP', KEYS[i]) then heard = heard + 1 end
end
return heard
"""

#: time.monotonic() until which the Redis of a URL is left alone.
_quiet_until: defaultdict[str, float] = defaultdict(float)


def nudge(of: str = Pace.FIRST) -> bool:
    """Note that something of this pace, or of POLLS, was committed. Never raises; one round trip, of PATIENCE
    at most.

    Returns whether a task must be published, which the caller does: no pump runs that would look, and none
    has been asked for. False also without Redis: the sweeps find the rows.
    """
    return _run(_NUDGE, (of,), unknown=False)


def begun(of: str) -> None:
    """Note that the task which was published looks from now on: commits make another. Never raises."""
    _run(_LEAVE, (of,), unknown=True)


def keys(*names: str) -> list[str]:
    """The keys of each pace, and of POLLS: `due`, then `pumping`."""
    return [f"parcelwire:webhooks:{name}:{key}" for name in names for key in ("due", "pumping")]


class Ear:
    """What a pump of these paces hears. For one thread; never raises.

    `webhooks.tasks` begins it before a pump runs and ends it afterwards; the pump calls `heard` and `wait`,
    and `end` as soon as it will claim no more. Who hears something claims once more: that claim sees what was
    committed before. Of several pumps of a pace one hears it, which is enough.

    Once Redis fails nothing more is heard for QUIET seconds, except that the failure itself counts as
    something: the answer that got lost may have been that.
    """

    def __init__(self, *paces: Pace) -> None:
        self._paces = paces
        #: time.monotonic() before which `heard` answers False.
        self.ask_at = 0.0
        self._runs = False
        self._missed = False

    def begin(self) -> None:
        """Say that a pump of these paces runs: from now on commits make no tasks. Then claim."""
        self._missed = False
        self._listen()

    def heard(self) -> bool:
        """Whether something was committed since the last look. Does not wait.

        As cheap as a clock when it is asked again within ASK_EVERY seconds: it answers False then.
        """
        return time.monotonic() >= self.ask_at and self._listen()

    def wait(self, seconds: float) -> bool:
        """Wait until something is committed: whether it was. Not longer than `seconds`.

        Returns False within half a second of the word to stop, and at once where nothing can be
        heard.
        """
        until = time.monotonic() + seconds
        while not stop.is_set() and not _is_quiet():
            if self._listen():
                return True
            left = until - time.monotonic()
            if left <= 0:
                return False
            if self._block(min(left, _AT_ONCE)):
                return True
        return False

    def end(self) -> bool:
        """Say that the pump ends: from now on commits make tasks. Returns whether one came that made none.

        The caller then begins anew, or nudges again. To end once more changes nothing.
        """
        if self._runs:
            self._runs = False
            self._missed = _run(_LEAVE, self._paces, unknown=True)
        return self._missed

    def _listen(self) -> bool:
        self._runs = True
        self.ask_at = time.monotonic() + ASK_EVERY
        return _run(_LISTEN, self._paces, unknown=True)

    def _block(self, seconds: float) -> bool:
        client = _client(settings.REDIS_URL, PATIENCE + _AT_ONCE)
        try:
            return client.blpop(keys(*self._paces)[::2], seconds) is not None
        except (redis.RedisError, OSError) as error:
            _be_quiet(error)
            return True


def _run(script: str, names: tuple[str, ...], *, unknown: bool) -> bool:
    """What the script answers; False while Redis is left alone; `unknown` where the answer got lost."""
    if _is_quiet():
        return False
    try:
        return bool(_script(settings.REDIS_URL, script)(keys(*names), [int(STALE * 1000)]))
    except (redis.RedisError, OSError) as error:
        _be_quiet(error)
        return unknown


def _is_quiet() -> bool:
    return time.monotonic() < _quiet_until[settings.REDIS_URL]


def _be_quiet(error: Exception) -> None:
    _quiet_until[settings.REDIS_URL] = time.monotonic() + QUIET
    logger.warning("Redis failed, the sweeps find what is due until it is back: %s", error)


@cache
def _script(url: str, text: str) -> Script:
    return _client(url, PATIENCE).register_script(text)


@cache
def _client(url: str, patience: float) -> redis.Redis:
    """Its connections are shared by threads, made anew in a forked process, and never try again."""
    pool = redis.ConnectionPool.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    # Afterwards: what the URL says would come first.
    pool.connection_kwargs |= {"socket_connect_timeout": PATIENCE, "socket_timeout": patience, "protocol": 2}
    return redis.Redis(connection_pool=pool)

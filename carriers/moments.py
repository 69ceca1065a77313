"""Carriers' times: what was written, the best instant, and how sure it is. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from carriers import reading
from carriers.countries import country_of
from carriers.snapshot import NO_MOMENT, Certainty, Moment
from carriers.zones import only_zone_of

#: The day that .NET writes where there is no date.
_NO_DAY = date.min.isoformat()
_EVER = datetime.min.replace(tzinfo=UTC)
_TIME = (
    r"(?:(?:[Tt]|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s?(?P<offset>[Zz]|[+-]\d{2}(?::?\d{2})?)?)?"
)
_ISO = re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}}){_TIME}", re.ASCII)
_OFFSET = re.compile(r"[Zz]|[+-]\d{2}(?::?\d{2})?", re.ASCII)
_DAY_FIRST = re.compile(rf"(?P<day>\d{{1,2}})/(?P<month>\d{{1,2}})/(?P<year>\d{{4}}){_TIME}", re.ASCII)
_PARTS = ("year", "month", "day", "hour", "minute", "second", "offset")
# Read once: a member of an enum is not found as fast as a name.
_EXACT, _DATE_ONLY = Certainty.EXACT, Certainty.DATE_ONLY
_OFFSET_KNOWN, _OFFSET_ASSUMED = Certainty.OFFSET_KNOWN, Certainty.OFFSET_ASSUMED
_ZONE_ASSUMED = Certainty.ZONE_ASSUMED
#: Characters of an impossible time that an error repeats.
_REPEATED = 60


@dataclass(frozen=True, slots=True)
class Clock:
    """Reads the times of one answer.

    A time without an offset of its own takes `offset`, known from elsewhere in the answer, else `zone`: there
    a time that daylight saving repeats is the first of the two, one that it skips keeps the offset before. So
    a day that begins with a skipped hour begins when that hour is over.
    """

    zone: tzinfo
    offset: timezone | None = None
    #: Takes `d/M/yyyy` for the day too.
    day_first: bool = False
    #: Tells the wall clock of times with an offset of their own, for carriers that write one moment with an
    #: offset here and without there. It must not change: scans are known by their wall clock.
    home: tzinfo | None = None

    def there(self, place: str | None, between: Collection[str] = (), offset: str | None = None) -> "Clock":
        """The clock of one entry of the answer: by the offset beside its time, or by its place.

        A place counts where it names a country of one time (`carriers.countries`, `carriers.zones`).
        """
        country = country_of(place, between)
        zone = only_zone_of(country) if country else None
        known = offset_named(offset)
        if known is None and zone is None:
            return self
        return replace(self, offset=known or self.offset, zone=zone or self.zone)

    def read(self, value: object) -> Moment:
        """Read ISO 8601 to the second, its hour of one digit or two; a day alone stands at its first second.

        Null, "" and .NET's default date are NO_MOMENT. Raises ValueError for anything else that names no
        instant between the years 1 and 9999, which repeats what has the form of a time, and codes.
        """
        text = reading.text(value)
        if text is None and (value is None or isinstance(value, str)):
            return NO_MOMENT
        found = _ISO.fullmatch(text or "") or (_DAY_FIRST.fullmatch(text or "") if self.day_first else None)
        if text is None or found is None:
            raise ValueError(f"not a time: {reading.named(value)}")
        try:
            return self._found(text, found)
        except ValueError as error:
            raise ValueError(f"no such time: {' '.join(text.split())[:_REPEATED]}") from error

    def _found(self, text: str, found: re.Match[str]) -> Moment:
        year, month, day, hour, minute, second, own = found.group(*_PARTS)
        on = f"{year}-{month:0>2}-{day:0>2}"
        if on == _NO_DAY:
            return NO_MOMENT
        if hour is None:
            start = datetime.fromisoformat(on).replace(tzinfo=self.offset or self.zone)
            return Moment(text, _instant(start), _DATE_ONLY, on, on)
        return self._moment(text, f"{on}T{hour:0>2}:{minute}:{second or '00'}", own)

    def read_or_none(self, value: object) -> Moment | None:
        """A moment with an instant, or None: for times that are a courtesy, such as estimates."""
        try:
            moment = self.read(value)
        except ValueError:
            return None
        return moment if moment.instant else None

    def latest(self, value: object, depth: int = 3) -> Moment | None:
        """The latest readable moment of a value, or of what a list or an object holds."""
        if not isinstance(value, list | dict):
            return self.read_or_none(value)
        inner = value if isinstance(value, list) else value.values()
        found = (self.latest(item, depth - 1) for item in inner) if depth else ()
        return max(filter(None, found), key=lambda moment: moment.instant or _EVER, default=None)

    def day_of(self, instant: datetime) -> date | None:
        """The day of `zone` that an instant falls on; None beyond the years that there are."""
        try:
            return instant.astimezone(self.offset or self.zone).date()
        except OverflowError:
            return None

    def _moment(self, text: str, wall: str, own: str | None) -> Moment:
        """Of a wall clock in ISO 8601 to the second, which was written with this offset or with none."""
        certainty, zone = self._zone(own)
        clock = datetime.fromisoformat(wall)
        local = datetime.combine(clock, clock.time(), zone)  # a third of what `replace` takes
        if certainty is _ZONE_ASSUMED:
            written = wall
        else:
            written = f"{wall}Z" if certainty is _EXACT else f"{wall}{_written(zone)}"
        return Moment(text, _instant(local), certainty, written, self._wall(local) if own else wall)

    def _zone(self, own: str | None) -> tuple[Certainty, tzinfo]:
        """The zone of a time that is written with this offset or with none, and how sure it is."""
        if own:
            return (_EXACT, UTC) if own in {"Z", "z"} else (_OFFSET_KNOWN, _offset(own))
        return (_OFFSET_ASSUMED, self.offset) if self.offset is not None else (_ZONE_ASSUMED, self.zone)

    def _wall(self, local: datetime) -> str:
        try:
            at_home = local.astimezone(self.home or local.tzinfo)
        except OverflowError:  # in the last hours that there are
            at_home = local
        return at_home.replace(tzinfo=None).isoformat()


def offset_of(text: str | None) -> timezone | None:
    """The offset that a time is written with; Z is one of zero. None where it has none or is no time."""
    found = _ISO.fullmatch(text or "")
    if found is None or not found["offset"]:
        return None
    return offset_named(found["offset"])


def offset_named(text: str | None) -> timezone | None:
    """An offset that stands alone: `+07:00`, `+0700`, `+07` or Z. None for what is none."""
    if text is None or not _OFFSET.fullmatch(text):
        return None
    try:
        return _offset(text)
    except ValueError:
        return None


def zone_named(name: str, otherwise: str) -> ZoneInfo:
    """The IANA zone `name`, or `otherwise` where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return ZoneInfo(otherwise)


def next_midnight(after: datetime, place: tzinfo) -> datetime:
    """The first midnight of `place` after an instant, in UTC."""
    tomorrow = after.astimezone(place).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=place).astimezone(UTC)


@cache
def _written(offset: tzinfo) -> str:
    """As ISO 8601 has it, `+07:00`. There are as many as a day has minutes, either way."""
    return datetime.min.replace(tzinfo=offset).isoformat()[len("0001-01-01T00:00:00") :]


def _instant(local: datetime) -> datetime:
    try:
        return local.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("beyond the years that there are") from error


def _offset(written: str) -> timezone:
    """`+07:00`, `+0700`, `+07` or Z. Raises ValueError for a day or more."""
    if written in {"Z", "z"}:
        return UTC
    digits = written[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError(f"no such offset: {written}")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(ahead if written[0] == "+" else -ahead)

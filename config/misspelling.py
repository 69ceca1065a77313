"""Variables that look like ours and are not."""

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches

_PREFIX, _FILE = "PARCELWIRE_", "_FILE"
#: Of our own programs and tests; no settings.
OWN = {
    *("PARCELWIRE_SUPERVISED", "PARCELWIRE_PROCESS"),
    *("PARCELWIRE_TOOLS", "PARCELWIRE_CHROMIUM", "PARCELWIRE_PICTURES"),
}
#: How alike two names are, of 1, that are taken for one; one wrong letter in nine is.
_ALIKE = 0.88


def strangers(names: Iterable[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each name that nobody reads and that looks like one of the `known`, and what to say of it."""
    for name in sorted({*names} - {*known} - OWN):
        alike = get_close_matches(name, known, n=1, cutoff=_ALIKE)
        if name.endswith(_FILE) and name.removesuffix(_FILE) in known:
            yield name, f"is set, but {name.removesuffix(_FILE)} is read from no file"
        elif alike:
            yield name, f"is set, and nothing reads it; is {alike[0]} meant?"
        elif name.startswith(_PREFIX):
            yield name, "is set, and nothing reads it"

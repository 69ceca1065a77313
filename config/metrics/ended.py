"""Files of processes that have ended: their figures are added up in one, and the files go.

What they counted must stay: a counter that goes back is a fault, and one file for each process that ever was
would fill the disk.
"""

from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from config.living import is_there

#: What stands in a file's name where others have the number of their process.
_ALL = "ended"


def files(folder: Path) -> list[str]:
    """The files with figures, but for those that are being made."""
    return [str(path) for path in folder.glob("*.db") if path.stat().st_size]


def gather(folder: Path) -> int:
    """Add up what ended processes left, and delete that. How many processes are there that live.

    To be called by one thread of the machine at a time.
    """
    living: set[str] = set()
    for path in folder.glob("*.db"):
        kind, _, process = path.stem.rpartition("_")
        if process == _ALL:
            continue
        if is_there(int(process)):
            living.add(process)
        else:
            _add(path, folder / f"{kind}_{_ALL}.db")
            path.unlink()
    return len(living)


def _add(one: Path, to: Path) -> None:
    if not one.stat().st_size:
        return
    sums = MmapedDict(str(to))
    for key, value, _, _ in MmapedDict.read_all_values_from_file(str(one)):
        sums.write_value(key, sums.read_value(key)[0] + value, 0.0)
    sums.close()

"""How many transfers fit into the files that a process may have open."""

import resource

#: Transfers that one thread has under way at most, where the system lets it.
WANTED = 1_000
#: Files of one transfer at most: its connection, a second one while two addresses are tried or an idle one
#: that is kept for the next, and what its look-up of the name is told through.
_FILES_EACH = 3
#: Files that a process has open for all the rest.
_FILES_ELSE = 200


def make_room(wanted: int = WANTED) -> int:
    """How many transfers there is room for, up to `wanted`, at least one.

    The process may then have that many more files open; its limit is raised, never lowered.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _FILES_ELSE + _FILES_EACH * wanted
    if soft == resource.RLIM_INFINITY or soft >= files:
        return wanted
    reachable = files if hard == resource.RLIM_INFINITY else min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, reachable), hard))
    return max(1, (reachable - _FILES_ELSE) // _FILES_EACH)

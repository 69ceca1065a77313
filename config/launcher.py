"""Become a server that ends with its parent, and that is not root where it refuses to be.

Run as a script, by `config.children`: `launcher.py PARENT SIGNAL FOLDER COMMAND...`. It replaces itself by
COMMAND, so the process id stays; SIGNAL is what the kernel sends it when the process PARENT ends, even by
SIGKILL. FOLDER `-` keeps the user. Otherwise, as root, the command runs in a user namespace in which
root's own id has the number of `nobody`, so that it reaches root's files; where namespaces are refused it
runs as `nobody`, who is given FOLDER. Imports the standard library only: it starts isolated, in milliseconds.
"""

import ctypes
import os
import pwd
import shutil
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send `signal_number` when the thread that started this process ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal_number)


def enter_namespace() -> None:
    """Stop being root by name: its files stay reachable. Raises OSError where the system refuses."""
    user, group = os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")  # initdb wants a number that has a name
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "user namespaces are refused")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{nobody.pw_uid} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{nobody.pw_gid} {group} 1")


def namespaces_work() -> bool:
    """Tried in a child: a half-made namespace cannot be left again."""
    child = os.fork()
    if child == 0:
        try:
            enter_namespace()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def become_nobody(folder: Path) -> None:
    """Give `folder` to the user `nobody`, and be it."""
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, nobody.pw_uid, nobody.pw_gid)
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)


def main(parent: int, signal_number: int, folder: str, command: list[str]) -> None:
    if folder != "-" and os.geteuid() == 0:
        if namespaces_work():
            enter_namespace()
        else:
            become_nobody(Path(folder))
    die_with_parent(signal_number)  # after the change of user, which would clear it
    if os.getppid() != parent:
        sys.exit(1)  # the parent ended before it could be watched
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])

"""Becomes a program, as another user or bound to the life of its parent.

    python -I -S launch.py (same | namespace | UID:GID) SIGNAL PROGRAM ARGUMENT…

A script of its own, because a process with threads should not run Python code between fork and exec. PostgreSQL refuses
to run as root: in a user namespace root becomes nobody in the program's eyes while the files stay root's; where
namespaces are forbidden, the plain user id is set. SIGNAL, unless 0, is what the kernel sends the program when the
process that started it ends, however it ends: a killed supervisor or test run leaves nothing behind.
"""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
NOBODY = 65534


def become(user: str) -> None:
    """Take the identity for good."""
    if user == "namespace":
        enter_user_namespace()
    elif user != "same":
        uid, gid = (int(part) for part in user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def enter_user_namespace() -> None:
    """Let root see itself as nobody; what it owns, it owns still."""
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "user namespaces are not allowed here")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1", encoding="ascii")


def die_with(parent: int, *, by_signal: int) -> None:
    """Ask the kernel to send the signal when the parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("The process that asked for this one is gone.")


def main() -> None:
    """Change identity, bind, then become the program."""
    user, by_signal, *command = sys.argv[1:]
    parent = os.getppid()
    become(user)
    if int(by_signal) and sys.platform == "linux":
        die_with(parent, by_signal=int(by_signal))
    os.execv(command[0], command)  # noqa: S606  (to become the program is the point; there is no shell)


if __name__ == "__main__":
    main()

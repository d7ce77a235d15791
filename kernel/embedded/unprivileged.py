"""Runs a program as another user; a script of its own, because a process with threads should not fork into Python code.

    python -I -S unprivileged.py (same | namespace | UID:GID) (outlives | dies) PROGRAM ARGUMENT…

PostgreSQL refuses to run as root. In a user namespace root becomes nobody in the program's eyes while the files stay
root's; where namespaces are forbidden, the plain user id is set. With `dies` the program ends together with the process
that started it, so that an aborted test run leaves nothing behind.
"""

import ctypes
import os
import signal
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


def die_with(parent: int) -> None:
    """Ask the kernel for a quick end when the parent ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("The process that asked for this server is gone.")


def main() -> None:
    """Change identity, then become the program."""
    user, fate, *command = sys.argv[1:]
    parent = os.getppid()
    become(user)
    if fate == "dies" and sys.platform == "linux":
        die_with(parent)
    os.execv(command[0], command)  # noqa: S606  (to become the program is the point; there is no shell)


if __name__ == "__main__":
    main()

"""Has pictures cleaned by a process apart, one for each process of ours, which is ended when it takes too long."""

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

from kernel.pictures.kinds import NAMES, Cleaned, Kind, NoPicture

LONGEST_SECONDS: Final = 30.0
PROJECT: Final = Path(__file__).resolve().parents[2]


class Cleaner:
    """A child that cleans pictures, started with the first one and again whenever it was lost; one at a time."""

    def __init__(self, *, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._longest_seconds = longest_seconds
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._parent = os.getpid()

    def clean(self, content: bytes, *, kind: Kind) -> Cleaned:
        """The picture, cleaned as ``kernel.pictures.cleaning.clean_picture`` does it. Raises NoPicture as that does.

        One that takes too long, or more memory than there may be, is refused like one that is broken.
        """
        with self._lock:
            child = self._running()
            clock = threading.Timer(self._longest_seconds, child.kill)
            clock.start()
            try:
                said, cleaned = _ask(child, content, kind)
            except (OSError, ValueError) as error:
                self._end(child)
                raise NoPicture(
                    f"This {NAMES[kind]} takes too long or too much memory to read. Save it anew, smaller."
                ) from error
            finally:
                clock.cancel()
        if "refused" in said:
            raise NoPicture(said["refused"])
        return Cleaned(cleaned, said["media_type"], said["width"], said["height"])

    def close(self) -> None:
        """Let the child end; the next picture starts another."""
        with self._lock:
            if self._child is not None:
                self._end(self._child)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and (self._parent != os.getpid() or self._child.poll() is not None):
            self._end(self._child)
        if self._child is None:
            self._parent = os.getpid()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "kernel.pictures.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=PROJECT,
                env={"PYTHONPATH": str(PROJECT)},
            )
        return self._child

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        self._child = None
        if self._parent != os.getpid():
            return  # it belongs to the process that we were forked from
        child.kill()
        with contextlib.suppress(OSError):
            child.communicate()


def _ask(child: subprocess.Popen[bytes], content: bytes, kind: Kind) -> tuple[dict[str, Any], bytes]:
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(json.dumps({"kind": kind, "bytes": len(content)}).encode() + b"\n")
    child.stdin.write(content)
    child.stdin.flush()
    said = json.loads(child.stdout.readline())
    cleaned = child.stdout.read(said["bytes"])
    if len(cleaned) != said["bytes"]:
        raise ValueError("The child ended in the middle of its answer.")
    return said, cleaned


CLEANER: Final = Cleaner()
"""The one of this process."""

atexit.register(CLEANER.close)

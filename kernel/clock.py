"""The time, from one place, so that tests and replays can say what it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_offset = timedelta(0)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC) + _offset


@contextmanager
def ahead_by(offset: timedelta) -> Iterator[None]:
    """Let this process live ``offset`` later (or earlier, when negative) for the length of the block."""
    global _offset
    before = _offset
    _offset = before + offset
    try:
        yield
    finally:
        _offset = before

"""Calendar months, in UTC: how they are written, when they begin and end, whether they are over."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from kernel import clock
from kernel.errors import Invalid

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 9998
SETTLES_FOR: Final = timedelta(hours=1)
"""How long after its end a month may still get what was true in it and is written a moment later."""

_WRITTEN: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One month of one year."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def begins_at(self) -> datetime:
        """Its first instant."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """The first instant that is not in it any more."""
        return self.next.begins_at

    @property
    def next(self) -> "Month":
        """The month after it."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def before(self) -> "Month":
        """The month before it."""
        return Month(self.year - (self.number == 1), (self.number - 2) % 12 + 1)

    @property
    def has_begun(self) -> bool:
        """Whether its first instant has come."""
        return self.begins_at <= clock.now()

    @property
    def is_closed(self) -> bool:
        """Whether it is over, and nothing is written into it any more."""
        return self.ends_at + SETTLES_FOR <= clock.now()


def month_of(instant: datetime) -> Month:
    """The month in which an instant is."""
    in_utc = instant.astimezone(UTC)
    return Month(in_utc.year, in_utc.month)


def read_month(written: str) -> Month:
    """The month that is written as ``2026-11``. Raises Invalid for what is none, and for one that has not begun."""
    found = _WRITTEN.fullmatch(written)
    if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        raise _no_month(f"{written[:20]!r} is not a month. Write it like 2026-11.")
    month = Month(int(found[1]), int(found[2]))
    if not month.has_begun:
        raise _no_month(f"{month} has not begun yet. The present month is {month_of(clock.now())}.")
    return month


def _no_month(message: str) -> Invalid:
    return Invalid(message, [{"field": "month", "message": message}])

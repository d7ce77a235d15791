"""Dates and times of day, in the forms of ISO 8601 that the editor writes."""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from qualification.labels.errors import quoted
from qualification.labels.kinds.base import About, OfWhole, Value
from qualification.labels.parts import Control

FORMS: Final = {
    "%Y": r"[0-9]{4}",
    "%Y-%m": r"[0-9]{4}-[0-9]{2}",
    "%Y-%m-%d": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "%Y-%m-%dT%H:%M": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}",
    "%Y-%m-%dT%H:%M:%S": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}",
    "%H:%M": r"[0-9]{2}:[0-9]{2}",
    "%H:%M:%S": r"[0-9]{2}:[0-9]{2}:[0-9]{2}",
}
FORMS_OF: Final = {
    "date": ("%Y-%m-%d",),
    "time": ("%H:%M", "%H:%M:%S"),
    "month": ("%Y-%m",),
    "year": ("%Y",),
}
"""The forms that are taken where the schema asks for one part only."""

MEANT: Final = "a year, 2026-05, 2026-05-17, 2026-05-17T12:30 or 12:30"
SECONDS_A_DAY: Final = 86_400.0


class TimeKind(OfWhole):
    """Near by the days (for times of day, the hours) between: 1 where equal, a half at one. Merged to the one that is
    nearest to all by weight, as a day between two days that were said is one that nobody said."""

    right: Final = 1.0

    def read(self, value: Value, about: About) -> str:
        written = value.text("datetime")
        only = _setting(about, "only")
        moment = _moment(written, FORMS_OF.get(only, tuple(FORMS)))
        if moment is None and only:
            raise value.error(f"is {quoted(written)}; the schema asks for a {only} only.", "datetime")
        if moment is None:
            raise value.error(f"is {quoted(written)}; meant is {MEANT}.", "datetime")
        for name, is_beyond in (("min", moment.__lt__), ("max", moment.__gt__)):
            bound = _bound(about, name)
            if bound is not None and is_beyond(bound):
                raise value.error(f"is {written}, beyond the {name} of the schema.", "datetime")
        return written

    def write(self, shape: str) -> dict[str, object]:
        return {"datetime": shape}

    def similarity(self, first: str, second: str, about: About) -> float:
        ours, theirs = _moment(first), _moment(second)
        assert ours is not None and theirs is not None
        if first == second:
            return 1.0
        if _is_of_day(first) != _is_of_day(second):
            return 0.0
        unit = SECONDS_A_DAY / 24 if _is_of_day(first) else SECONDS_A_DAY
        return 1 / (1 + abs((ours - theirs).total_seconds()) / unit)

    def merge(self, shapes: Sequence[str], weights: Sequence[float], about: About) -> str:
        def nearness(shape: str) -> float:
            return math.fsum(
                weight * self.similarity(shape, other, about) for other, weight in zip(shapes, weights, strict=True)
            )

        return min(set(shapes), key=lambda shape: (-round(nearness(shape), 9), shape))


def flaw_of_bounds(low: str, high: str, *, only: str) -> str:
    """What is wrong with the bounds of a schema, as the end of a sentence about its tag; nothing when they can hold.

    They are of one form, as an hour is neither before nor after a day, and of the form that is asked for.
    """
    given = [bound for bound in (low, high) if bound]
    forms = [next((form for form in FORMS if _moment(bound, [form])), "") for bound in given]
    for bound, form in zip(given, forms, strict=True):
        if not form or (only and form not in FORMS_OF[only]):
            return f"has the bound {quoted(bound)}; meant is {f'a {only}' if only else MEANT}."
    if len({_is_of_day(bound) for bound in given}) > 1 or (len(given) > 1 and _later(low, high)):
        return f"has nothing between its bounds, {quoted(low)} and {quoted(high)}."
    return ""


def _later(low: str, high: str) -> bool:
    first, last = _moment(low), _moment(high)
    return first is not None and last is not None and first > last


def _moment(written: str, forms: Sequence[str] = tuple(FORMS)) -> datetime | None:
    for form in forms:
        if re.fullmatch(FORMS[form], written, re.ASCII):
            try:
                return datetime.strptime(written, form)  # noqa: DTZ007  (a wall clock: no zone was asked for)
            except ValueError:
                return None
    return None


def _is_of_day(written: str) -> bool:
    return ":" in written and "-" not in written


def _bound(about: About, name: str) -> datetime | None:
    return _moment(_setting(about, name))


def _setting(about: About, name: str) -> str:
    assert isinstance(about.control, Control)
    return about.control.setting(name)


KIND = TimeKind()

"""What every kind of answer can do, and how its values are read out of Label Studio's result form."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, runtime_checkable

from qualification.labels.errors import ResultError, listed, quoted
from qualification.labels.habits import Habit
from qualification.labels.parts import AnyControl

if TYPE_CHECKING:  # NumPy is loaded by the kinds that compute with it
    from qualification.labels.kinds.outlines import Floats, Places

Shape = TypeVar("Shape")
Shape_contra = TypeVar("Shape_contra", contravariant=True)

DECIMALS: Final = 4
"""Per cent of a picture and seconds of a recording are kept this exactly: finer than anybody draws."""

ROOM: Final = 0.01
"""What rounding in an editor may put outside the picture, in per cent of it."""

Given = Mapping[str, object]


@dataclass(frozen=True)
class About:
    """What an answer is about: its control, and what the task shows there, or None where that is not known.

    `is_heard` says that it is a recording of sound or pictures, which texts about it write down.
    """

    control: AnyControl
    content: object = None
    is_heard: bool = False


class Kind(Protocol[Shape]):
    """A plug-in. A *shape* is one thing that was answered: a box, a span, a number, a ranking.

    `right` is the similarity from which an answer to a gold question counts as right, `same` the one from which two
    shapes are taken for the same thing. Similarities are symmetric, from 0 to 1, and 1 for equal shapes. Merging is
    the same whatever order the shapes come in, and gives the shape itself where all are equal.
    """

    right: float
    same: float

    def read(self, value: "Value", about: About) -> Shape:
        """The shape that a value stands for. Raises ResultError, with the path, for one that does not fit."""
        ...

    def write(self, shape: Shape) -> dict[str, object]:
        """The value that stands for a shape, without labels: what `read` reads."""
        ...

    def similarity(self, first: Shape, second: Shape, about: About) -> float:
        """How near two shapes are."""
        ...

    def merge(self, shapes: Sequence[Shape], weights: Sequence[float], about: About) -> Shape:
        """One shape from several, each with the weight, above 0, of who gave it."""
        ...

    def extent(self, shape: Shape) -> "Extent":
        """A box around a shape: shapes are not alike at all when theirs lie apart."""
        ...


@runtime_checkable
class AllAtOnce(Protocol[Shape_contra]):
    """A kind that compares many shapes with many others faster than two by two."""

    def similarities(self, first: Sequence[Shape_contra], second: Sequence[Shape_contra], about: About) -> "Floats":
        """`similarity` of all of one answer to all of the other: a row for each of `first`."""
        ...


@runtime_checkable
class Laborious(Protocol[Shape_contra]):
    """A kind of which two shapes may take long to compare.

    Work is counted in points that are looked at, never timed: the same answers must give the same result everywhere.
    """

    def compared(self, first: Shape_contra, second: Shape_contra, about: About) -> tuple[float, int]:
        """`similarity`, and the work it was."""
        ...


@runtime_checkable
class Rough(Protocol[Shape_contra]):
    """A kind of which shapes can be compared quickly too, where all that are close would take too long."""

    def roughly(
        self, first: Sequence[Shape_contra], second: Sequence[Shape_contra], rows: "Places", columns: "Places"
    ) -> "Floats":
        """About how near those of one answer with these places are to those of the other with these, each to each.

        How long it takes depends on how many they are alone.
        """
        ...


@runtime_checkable
class MergesWithin(Protocol[Shape]):
    """A kind of which shapes may take long to merge; work is counted as for `Laborious`."""

    def merge_within(
        self, shapes: Sequence[Shape], weights: Sequence[float], about: About, *, work: float
    ) -> tuple[Shape, int]:
        """`merge` where it is no more than this work, else one that was given; and the work it was."""
        ...


@runtime_checkable
class ShownOtherwise(Protocol[Shape_contra]):
    """A kind whose answers are kept in one form, which stays the same, and handed out in another."""

    def shown(self, shape: Shape_contra) -> dict[str, object]:
        """The value of a result that stands for a shape, which `read` reads too."""
        ...


@dataclass(frozen=True)
class Told(Generic[Shape]):
    """What workers said of one task, each once, and what is right where that is known."""

    said: tuple[tuple[str, Shape], ...]
    truth: Shape | None = None


@runtime_checkable
class LearnsHabits(Protocol[Shape]):
    """A kind that sees more in many answers of a worker than how alike they are to those of others."""

    def habits(self, told: Sequence[Told[Shape]], about: About) -> dict[str, Habit]:
        """How each worker answers, on a scale of the kind's own; what is right counts for more than what others say."""
        ...

    def corrected(self, shape: Shape, habit: Habit, about: About) -> Shape:
        """What somebody who answers so meant."""
        ...


Extent = tuple[float, float, float, float]
"""Left, top, right, bottom; on a line, top and bottom are 0."""


class OfWhole:
    """A kind whose answers are about a whole object, or a region, and mark no place in it."""

    same: Final = 0.0

    def extent(self, shape: object) -> Extent:
        return 0.0, 0.0, 0.0, 0.0


class Value:
    """An object of a result that is read key by key; what nobody asked for is refused in the end."""

    def __init__(self, given: object, path: str) -> None:
        if not isinstance(given, dict):
            raise ResultError(f"the value is an object, not {kind_word(given)}.", path=path)
        self._given: dict[str, Any] = given
        self._asked: list[str] = []
        self.path = path

    def error(self, message: str, key: str = "") -> ResultError:
        """A ResultError about this value, or about one key of it."""
        return ResultError(message, path=f"{self.path}.{key}" if key else self.path)

    def has(self, key: str) -> bool:
        self._asked.append(key)
        return key in self._given

    def get(self, key: str) -> Any:
        if not self.has(key):
            raise self.error(f"the key {quoted(key)} is missing.")
        return self._given[key]

    def number(self, key: str, low: float = -math.inf, high: float = math.inf) -> float:
        return number_in(self.get(key), low, high, f"{self.path}.{key}")

    def whole(self, key: str, low: int, high: int) -> int:
        return whole_in(self.get(key), low, high, f"{self.path}.{key}")

    def text(self, key: str) -> str:
        found = self.get(key)
        if not isinstance(found, str):
            raise self.error(f"is a text, not {kind_word(found)}.", key)
        return found

    def list(self, key: str, *, most: int) -> list[Any]:
        found = self.get(key)
        if not isinstance(found, list):
            raise self.error(f"is a list, not {kind_word(found)}.", key)
        if len(found) > most:
            raise self.error(f"has {len(found)} entries; at most {most:,} are possible.", key)
        return found

    def ignore(self, *keys: str) -> None:
        """Let these be there without meaning anything."""
        self._asked += keys

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        for key in self._given:
            if key not in self._asked:
                known = listed(list(dict.fromkeys(self._asked)))
                raise self.error(f"the key {quoted(str(key))} is not known here. Known: {known}.")


def number_in(found: object, low: float, high: float, path: str) -> float:
    """A finite number within its bounds."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ResultError(f"is a number, not {kind_word(found)}.", path=path)
    if not math.isfinite(found) or not low <= found <= high:
        raise ResultError(f"is {found}; it must be {_between(low, high)}.", path=path)
    return float(found)


def whole_in(found: object, low: int, high: int, path: str) -> int:
    """A whole number within its bounds; 3.0 is one too, as JavaScript writes it."""
    value = number_in(found, -math.inf, math.inf, path)
    if value != int(value) or not low <= value <= high:
        raise ResultError(f"is {found}; it must be a whole number {_between(low, high)}.", path=path)
    return int(value)


def rounded(value: float) -> float:
    """A measure as it is kept; adding zero makes -0.0 plain."""
    return round(value, DECIMALS) + 0.0


def kind_word(value: object) -> str:
    """What sort of JSON value this is, in a sentence."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _between(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "finite"
    if math.isinf(high):
        return f"at least {low:g}"
    return f"at most {high:g}" if math.isinf(low) else f"from {low:g} to {high:g}"


FINE_WORD: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)

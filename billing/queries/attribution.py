"""Which cents of an account went where, first in, first out: pure arithmetic over the account's entries in order.

Money in an account is fungible, so whose cents a payment took is a rule and not a fact. The rule: what came in first
goes out first. Lay all that came in end to end, cent by cent, and beside it all that went out: what lies side by side
belongs together. So each cent belongs to one cent, nothing is rounded, and what has no neighbour is still there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """The cents ``start`` to ``end`` (not included) of one entry."""

    entry_id: int
    start: int
    end: int

    @property
    def amount_minor(self) -> int:
        """How many they are."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Laid:
    """An entry in its place among all that went the same way: its first cent lies at ``begins``."""

    entry_id: int
    begins: int
    amount_minor: int

    @property
    def ends(self) -> int:
        """The place behind its last cent."""
        return self.begins + self.amount_minor


Stretch = tuple[int, int]


def laid_out(entries: Iterable[tuple[int, int]]) -> list[Laid]:
    """Entries (id, amount) that went the same way, end to end in their order."""
    laid, begins = [], 0
    for entry_id, amount_minor in entries:
        laid.append(Laid(entry_id, begins, amount_minor))
        begins += amount_minor
    return laid


def stretches_of(pieces: Iterable[Piece], laid: Iterable[Laid]) -> list[Stretch]:
    """Where these pieces lie, joined where they touch, in order."""
    begins = {one.entry_id: one.begins for one in laid}
    return joined((begins[piece.entry_id] + piece.start, begins[piece.entry_id] + piece.end) for piece in pieces)


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches in order, those that touch or overlap as one."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def pieces_in(stretches: Sequence[Stretch], laid: Sequence[Laid]) -> list[Piece]:
    """The pieces of ``laid`` entries that lie in these stretches; both are in order, and so is what is found."""
    found, place = [], 0
    for start, end in stretches:
        while place < len(laid) and laid[place].ends <= start:
            place += 1
        ahead = place
        while ahead < len(laid) and laid[ahead].begins < end:
            one = laid[ahead]
            found.append(Piece(one.entry_id, max(start, one.begins) - one.begins, min(end, one.ends) - one.begins))
            ahead += 1
    return found


def length_of(stretches: Iterable[Stretch]) -> int:
    """How many cents lie in stretches."""
    return sum(end - start for start, end in stretches)

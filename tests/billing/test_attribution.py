"""First in, first out: each cent that went out belongs to one that came in, and none is lost or made."""

from hypothesis import given
from hypothesis import strategies as st

from billing.queries.attribution import Laid, Piece, laid_out, length_of, pieces_in, stretches_of

AMOUNTS = st.lists(st.integers(1, 50), max_size=12)


def numbered(amounts: list[int], *, start: int = 1) -> list[Laid]:
    return laid_out(enumerate(amounts, start))


def taken_from(taken: list[int], given_: list[int]) -> dict[int, list[Piece]]:
    """For each of what went out, which pieces of what came in it took."""
    ins, outs = numbered(given_), numbered(taken, start=101)
    return {one.entry_id: pieces_in([(one.begins, one.ends)], ins) for one in outs}


def test_what_came_in_first_goes_out_first() -> None:
    assert taken_from([60, 80], [100, 50]) == {
        101: [Piece(1, 0, 60)],
        102: [Piece(1, 60, 100), Piece(2, 0, 40)],
    }


def test_a_part_of_a_payment_is_followed_as_that_part() -> None:
    ins, outs = numbered([100, 50]), numbered([60, 80], start=101)

    stretches = stretches_of([Piece(102, 30, 50), Piece(102, 50, 60)], outs)

    assert (stretches, pieces_in(stretches, ins)) == ([(90, 120)], [Piece(1, 90, 100), Piece(2, 0, 20)])


def test_what_has_no_neighbour_is_still_there() -> None:
    stretches = stretches_of([Piece(1, 0, 100)], numbered([100]))
    went = pieces_in(stretches, numbered([30, 20], start=101))

    assert (length_of(stretches), went) == (100, [Piece(101, 0, 30), Piece(102, 0, 20)])


@given(AMOUNTS, st.data())
def test_all_that_went_out_came_in_once(came: list[int], chosen: st.DataObject) -> None:
    went, left = list[int](), sum(came)
    while left and chosen.draw(st.booleans()):
        went.append(chosen.draw(st.integers(1, left)))
        left -= went[-1]

    taken = taken_from(went, came)

    assert [sum(piece.amount_minor for piece in pieces) for pieces in taken.values()] == went
    cents = [
        (piece.entry_id, cent)
        for pieces in taken.values()
        for piece in pieces
        for cent in range(piece.start, piece.end)
    ]
    assert len(cents) == len(set(cents)) == sum(went)
    every = [(place, cent) for place, amount in enumerate(came, 1) for cent in range(amount)]
    assert sorted(cents) == every[: sum(went)]


@given(AMOUNTS, AMOUNTS)
def test_there_and_back_is_the_same_money(came: list[int], went: list[int]) -> None:
    ins, outs = numbered(came), numbered(went, start=101)
    for one in ins:
        forth = pieces_in([(one.begins, one.ends)], outs)
        back = pieces_in(stretches_of(forth, outs), ins)
        assert all(piece.entry_id == one.entry_id for piece in back)
        assert sum(piece.amount_minor for piece in back) == sum(piece.amount_minor for piece in forth)

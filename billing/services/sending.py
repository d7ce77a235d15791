"""How money leaves: three committed steps around a call to Stripe whose outcome may stay unknown.

1. The row is there, its money is in flight, and the attempt whose number makes the key is committed.
2. Stripe is called with that key. No answer to trust: the same key again. An error that Stripe saved under the key and
   would repeat for ever: look for what came about and adopt it; only if there is nothing, the next attempt.
3. What Stripe answered, or what a webhook led to, settles the row, whichever is first.

Tried under faults: the same key only leaves money unsent, a fresh key for each try sends it twice, this does neither.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Generic, TypeVar
from uuid import UUID

from django.db import transaction

from billing.models import Payout, Refund
from billing.stripe_gateway import StripeRefused, StripeServerError
from kernel import clock
from kernel.errors import Refused
from kernel.flow import move
from kernel.services.audit import Actor, record

KEY_LASTS: Final = timedelta(hours=23)
"""Stripe forgets a key after 24 hours; one that may be forgotten is not used again before looking."""

WAITS_FOR_BALANCE: Final = timedelta(days=3)
"""How long money may wait for the platform's own balance at Stripe, which card payments reach only after days."""

PASSING_REFUSALS: Final = frozenset({"balance_insufficient"})

Row = TypeVar("Row", Payout, Refund)
Seen = TypeVar("Seen")


class Unexplained(Refused):
    """What Stripe says does not fit what we know. It waits for a person; nothing is booked."""

    code = "unexplained"


@dataclass(frozen=True, slots=True)
class Errand(Generic[Row, Seen]):
    """What sending means for one kind of row: whether it has to wait, how to ask, look, settle, and give up."""

    rows: type[Row]
    by: Actor
    is_held: Callable[[Row], bool]
    ask: Callable[[Row, str], Seen]
    look: Callable[[Row], Seen | None]
    settle: Callable[[UUID, Seen], object]
    give_up: Callable[[UUID, str], object]


def send(errand: Errand[Row, Seen], row_id: UUID) -> None:
    """Take one row as far as it goes now. It may be run again at any time, also twice at once.

    Raises what Stripe raised when it is to be tried again later.
    """
    row = _begin(errand, row_id)
    if row is None:
        return
    # What is held may have come about before; but asked for again, even under its old key, it might come about now.
    is_held = row.state == "sending" and errand.is_held(row)
    if row.state == "sent" or is_held or _key_may_be_forgotten(row):
        seen = errand.look(row)
        if seen is not None:
            errand.settle(row.pk, seen)
            return
        if row.state == "sent":
            raise Unexplained(f"Stripe has nothing any more of {row}, which it had accepted.")
        row = row if is_held else _next_attempt(errand, row, why="the key of the last attempt may be forgotten")
    if row.state == "sending" and not is_held:
        _ask(errand, row)


def _ask(errand: Errand[Row, Seen], row: Row) -> None:
    seen: Seen | None
    try:
        seen = errand.ask(row, f"{row.reference}:{row.attempt}")
    except StripeServerError as trouble:
        seen = errand.look(row)
        if seen is None:
            _next_attempt(errand, row, why=str(trouble))
            raise
    except StripeRefused as refusal:
        seen = errand.look(row) if row.attempt > 1 else None
        if seen is None:
            _take_refusal(errand, row, refusal)
            return
    errand.settle(row.pk, seen)


def _take_refusal(errand: Errand[Row, Seen], row: Row, refusal: StripeRefused) -> None:
    if refusal.code in PASSING_REFUSALS and clock.now() - row.created_at < WAITS_FOR_BALANCE:
        _next_attempt(errand, row, why=str(refusal))
        raise refusal
    errand.give_up(row.pk, str(refusal))


@transaction.atomic
def _begin(errand: Errand[Row, Seen], row_id: UUID) -> Row | None:
    row = errand.rows.objects.select_for_update(no_key=True).get(pk=row_id)
    if row.state == "requested":
        if errand.is_held(row):
            return None
        row.attempt, row.attempt_began_at = 1, clock.now()
        move(row, "sending", by=errand.by, why="its turn has come", fields=["attempt", "attempt_began_at"])
    return row if row.state in ("sending", "sent") else None


@transaction.atomic
def _next_attempt(errand: Errand[Row, Seen], seen: Row, *, why: str) -> Row:
    """The row with the next attempt, unless somebody else has counted on or ended it since we ``seen`` it."""
    row = errand.rows.objects.select_for_update(no_key=True).get(pk=seen.pk)
    if row.state == "sending" and row.attempt == seen.attempt:
        row.attempt, row.attempt_began_at = row.attempt + 1, clock.now()
        row.save(update_fields=["attempt", "attempt_began_at"])
        noun = row._meta.model_name
        record(action=f"{noun}.attempt_begun", subject=row, by=errand.by, why=why, details={"attempt": row.attempt})
    return row


def _key_may_be_forgotten(row: Row) -> bool:
    assert row.attempt_began_at is not None
    return clock.now() - row.attempt_began_at > KEY_LASTS

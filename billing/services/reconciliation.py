"""Reconciliation: each movement of the balance at Stripe finds the one posting that says why, or waits for a person.

Stripe's fees are posted from what it took. Nothing else is posted here: what is missing in the books is not made up.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, Q, Sum

from billing import queries, stripe_records
from billing.models import (
    DisputeMovement,
    Funding,
    LedgerAccount,
    Payout,
    PayoutReturn,
    Posting,
    Refund,
    StripeMovement,
)
from billing.services.escrow import PLATFORM
from billing.services.ledger import AccountKey, Entry, entries_of, post, reverse
from billing.services.sending import Unexplained
from billing.stripe_records import MovementState
from kernel.errors import NotFound, Refused
from kernel.flow import move
from kernel.money import MINOR_UNIT_DIGITS, Money
from kernel.services.audit import Actor
from kernel.text import clean_text

logger = logging.getLogger(__name__)

RECONCILER: Final = Actor.system("reconciliation")

READ_AGAIN: Final = timedelta(days=1)
"""Before the last one seen: movements of one second may come into the list in any order."""

ROWS_AT_ONCE: Final = 1000
LONGEST_NOTE: Final = 2000

OWN_FEES: Final = ("stripe_fee", "stripe_fx_fee", "tax_fee")
"""Movements that are nothing but a fee."""

Kind = Posting.Kind
State = StripeMovement.State


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How one currency stands, in minor units: what moved, what is there says Stripe, what should be say our books."""

    currency: str
    matched: int
    explained: int
    unmatched: int
    fees_minor: int
    moved_minor: int
    at_stripe_minor: int
    booked_minor: int

    @property
    def unread_minor(self) -> int:
        """What Stripe has more than its movements sum up to; not 0 while something moves as it is read."""
        return self.at_stripe_minor - self.moved_minor

    @property
    def unbooked_minor(self) -> int:
        """What moved at Stripe more than the books say: what is on its way, explained by a person, or unmatched."""
        return self.moved_minor - self.booked_minor


def reconcile() -> list[Reconciled]:
    """Read what moved at Stripe since the last time, match what can be matched, alarm the rest. Calls Stripe."""
    # Kept from the oldest on, what is here has no gap wherever this ends: the next time begins where it did.
    for page in _pages():
        _keep(page)
    unmatched = StripeMovement.objects.filter(state=State.UNMATCHED).order_by("moved_at", "pk")
    for movement_id in unmatched.values_list("pk", flat=True).iterator(chunk_size=ROWS_AT_ONCE):
        try:
            match_movement(movement_id=movement_id)
        except Refused as problem:
            logger.warning("Stripe movement %s cannot be matched: %s", movement_id, problem)
    _alarm()
    return _standing(stripe_records.balances_of())


@transaction.atomic
def match_movement(*, movement_id: UUID) -> StripeMovement:
    """Find the posting that says why, and post Stripe's fee. One that is matched stays as it is.

    Raises Unexplained, and posts nothing, for what our books cannot say: another currency, a conversion.
    """
    movement = StripeMovement.objects.select_for_update(no_key=True).get(pk=movement_id)
    if movement.state == State.MATCHED:
        return movement
    if movement.converted_from:
        raise Unexplained(movement.conversion)
    _charge_fee(movement)
    posting = _posting_of(movement)
    if posting is not None:
        movement.posting = posting
        move(movement, State.MATCHED, by=RECONCILER, why=posting.key, fields=["posting"])
    return movement


@transaction.atomic
def explain_movement(*, movement_id: UUID, note: str, by: Actor) -> StripeMovement:
    """Keep what a person found of a movement that no posting explains, such as a payout to the platform's own bank.

    Raises Invalid, NotFound or WrongState.
    """
    note = clean_text(note, what="note", field="note", longest=LONGEST_NOTE)
    movement = StripeMovement.objects.select_for_update(no_key=True).filter(pk=movement_id).first()
    if movement is None:
        raise NotFound("Stripe movement")
    movement.note = note
    move(movement, State.EXPLAINED, by=by, why=note, fields=["note"])
    return movement


def _pages() -> Iterator[list[MovementState]]:
    """What moved since the last time, one page in memory at a time, the oldest first.

    Stripe's list begins with the newest: its end is looked for first, and from there it is read back to its beginning.
    """
    last = StripeMovement.objects.aggregate(last=Max("moved_at"))["last"]
    since = last - READ_AGAIN if last else None
    page, oldest = stripe_records.page_of_movements(since=since), list[MovementState]()
    while page:
        oldest = page
        page = stripe_records.page_of_movements(since=since, after=page[-1].transaction_id)
    while oldest:
        yield oldest
        oldest = stripe_records.page_of_movements(since=since, before=oldest[0].transaction_id)


@transaction.atomic
def _keep(page: list[MovementState]) -> None:
    known = StripeMovement.objects.filter(stripe_id__in=[seen.transaction_id for seen in page])
    here = set(known.values_list("stripe_id", flat=True))
    fresh = [
        StripeMovement(
            stripe_id=seen.transaction_id,
            kind=seen.kind,
            category=seen.category,
            source_id=seen.source_id,
            related_id=seen.related_id,
            amount_minor=seen.amount_minor,
            fee_minor=seen.fee_minor,
            currency=seen.currency,
            converted_from=seen.converted_from,
            moved_at=seen.moved_at,
        )
        for seen in page
        if seen.transaction_id not in here
    ]
    StripeMovement.objects.bulk_create(fresh, ignore_conflicts=True)


def _charge_fee(movement: StripeMovement) -> None:
    """Post what Stripe kept of it, once, however often it is looked at; what it gives back undoes what it had kept."""
    if movement.currency not in MINOR_UNIT_DIGITS:
        raise Unexplained(f"{movement.stripe_id} moved {movement.currency}, which is not kept here.")
    kept = movement.fee_minor - (movement.amount_minor if movement.kind in OWN_FEES else 0)
    key = f"processing:{movement.stripe_id}"
    if kept > 0:
        source = AccountKey(LedgerAccount.Kind.PROCESSOR_FEES, PLATFORM)
        outside = AccountKey(LedgerAccount.Kind.OUTSIDE_WORLD, "stripe")
        entry = Entry(source, outside, Money(kept, movement.currency))
        post(key=key, kind=Kind.PROCESSING_CHARGED, subject=f"stripe:{movement.stripe_id}", entries=[entry])
    elif kept < 0:
        earlier = StripeMovement.objects.filter(
            source_id=movement.source_id, fee_minor=-kept, currency=movement.currency, converted_from=""
        )
        if (charged := earlier.order_by("moved_at", "pk").first()) is None:
            raise Unexplained(f"Stripe gave {-kept} back with {movement.stripe_id}, and had not kept so much before.")
        _charge_fee(charged)
        reverse(posting_key=f"processing:{charged.stripe_id}", key=key, why="Stripe gave it back")


def _posting_of(movement: StripeMovement) -> Posting | None:
    """The posting that says why, if it is there, is of that amount, and belongs to no other movement."""
    find = POSTED_AS.get(movement.category) or POSTED_AS.get(movement.kind)
    key = find(movement) if find else ""
    posting = Posting.objects.filter(key=key, stripe_movement__isnull=True).first() if key else None
    if posting is None:
        return None
    entries = entries_of(posting=posting)
    total = sum(entry.amount.minor for entry in entries)
    fits = (total, entries[0].amount.currency) == (abs(movement.amount_minor), movement.currency)
    return posting if fits else None


def _of_charge(movement: StripeMovement) -> str:
    funding = Funding.objects.filter(payment_intent_id=movement.related_id).exclude(payment_intent_id="").first()
    return funding.reference if funding else ""


def _of_refund(movement: StripeMovement) -> str:
    """What took the money out: its end; or what set it aside, when the end gave it back."""
    refund = Refund.objects.filter(stripe_refund_id=movement.source_id).first()
    if refund is None or refund.state not in (Refund.State.SETTLED, Refund.State.RETURNED, Refund.State.FAILED):
        return ""
    return f"{refund.reference}:{'requested' if refund.state == Refund.State.FAILED else 'finished'}"


def _of_refund_failure(movement: StripeMovement) -> str:
    refund = Refund.objects.filter(stripe_refund_id=movement.source_id).first()
    if refund is None or refund.state not in (Refund.State.RETURNED, Refund.State.FAILED):
        return ""
    return f"{refund.reference}:{'returned' if refund.state == Refund.State.RETURNED else 'finished'}"


def _of_transfer(movement: StripeMovement) -> str:
    payout = Payout.objects.filter(stripe_transfer_id=movement.source_id).first()
    return f"{payout.reference}:finished" if payout else ""


def _of_reversal(movement: StripeMovement) -> str:
    returned = PayoutReturn.objects.filter(stripe_reversal_id=movement.source_id)
    return returned.values_list("posting__key", flat=True).first() or ""


def _of_dispute(movement: StripeMovement) -> str:
    booked = DisputeMovement.objects.filter(stripe_transaction_id=movement.stripe_id)
    return booked.values_list("posting__key", flat=True).first() or ""


def _of_fee(movement: StripeMovement) -> str:
    return f"processing:{movement.stripe_id}"


POSTED_AS: Final[dict[str, Callable[[StripeMovement], str]]] = {
    "charge": _of_charge,
    "payment": _of_charge,
    "refund": _of_refund,
    "payment_refund": _of_refund,
    "refund_failure": _of_refund_failure,
    "payment_failure_refund": _of_refund_failure,
    "transfer": _of_transfer,
    "transfer_reversal": _of_reversal,
    "transfer_refund": _of_reversal,
    "dispute": _of_dispute,
    "dispute_reversal": _of_dispute,
    **dict.fromkeys(OWN_FEES, _of_fee),
}
"""By Stripe's category of a movement, or its kind: the key of the posting that says why; empty while there is none."""


def _alarm() -> None:
    """Each is an error, every night, until somebody has explained it."""
    for movement in queries.unexplained_movements().iterator(chunk_size=ROWS_AT_ONCE):
        if movement.converted_from:
            logger.error("%s (%s)", movement.conversion, movement.stripe_id)
            continue
        logger.error(
            "Stripe moved %s %s (%s, %s) and no posting says why.",
            movement.amount_minor,
            movement.currency,
            movement.kind,
            movement.stripe_id,
        )


def _standing(at_stripe: dict[str, int]) -> list[Reconciled]:
    counted = StripeMovement.objects.order_by("currency").values("currency")
    rows = counted.annotate(
        matched=Count("pk", filter=Q(state=State.MATCHED)),
        explained=Count("pk", filter=Q(state=State.EXPLAINED)),
        unmatched=Count("pk", filter=Q(state=State.UNMATCHED)),
        fees=Sum("fee_minor"),
        moved=Sum("amount_minor"),
    )
    return [
        Reconciled(
            currency=row["currency"],
            matched=row["matched"],
            explained=row["explained"],
            unmatched=row["unmatched"],
            fees_minor=row["fees"],
            moved_minor=row["moved"] - row["fees"],
            at_stripe_minor=at_stripe.get(row["currency"], 0),
            booked_minor=_booked(row["currency"]),
        )
        for row in rows
    ]


def _booked(currency: str) -> int:
    """What by our books should be at Stripe, once everything on its way has ended."""
    books = queries.books(currency)
    gone = books.refunded_minor + books.paid_out_minor + books.disputed_minor + books.taken_back_minor
    return books.funded_minor - gone - books.processing_minor

"""Disputes: what a payer's bank takes back comes from the client's funds, else from the platform; from nobody's pay.

Each movement of money that Stripe lists under a dispute is booked once, by its name there; the status only says whether
what has not come again is gone. Escrow, earnings and payouts are never touched: who has worked keeps what was set aside
for it. Lock order: funding, dispute, ledger accounts.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import transaction

from billing import stripe_records
from billing.events import DisputeOpened, DisputeWon
from billing.models import Dispute, DisputeMovement, Funding, LedgerAccount, Posting
from billing.services.escrow import PLATFORM, next_key
from billing.services.funding import settle_funding
from billing.services.ledger import AccountKey, Entry, balance, lock_accounts, post, reverse
from billing.services.sending import Unexplained
from billing.stripe_records import DisputeState, MovedByDispute
from kernel import clock
from kernel.flow import move
from kernel.money import Money
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce

DESK: Final = Actor.system("disputes")
ONLY_ASKED: Final = ("warning_closed", "prevented")
DECIDED: Final = ("won", "lost")

Kind = LedgerAccount.Kind
State = Dispute.State


def follow_dispute(*, stripe_dispute_id: str) -> None:
    """Read at Stripe how a dispute stands, and book it with ``book_dispute``. Calls Stripe.

    A payment that is not known yet is looked at first; one that is not ours is left alone.
    """
    seen = stripe_records.read_dispute(dispute_id=stripe_dispute_id)
    of_payment = Funding.objects.filter(payment_intent_id=seen.payment_intent_id).values_list("pk", flat=True)
    if not of_payment.exists():
        funding_id = _ours(stripe_records.funding_of(payment_intent_id=seen.payment_intent_id))
        if funding_id is None:
            return
        settle_funding(funding_id=funding_id)
    book_dispute(funding_id=of_payment.get(), seen=seen)


@transaction.atomic
def book_dispute(*, funding_id: UUID, seen: DisputeState) -> Dispute:
    """Book how a dispute stands, by the money that moved. Whatever was seen before, in any order and number.

    Raises Unexplained, and books nothing, when what Stripe says fits neither the funding nor what is booked already.
    """
    funding = Funding.objects.select_for_update(no_key=True).get(pk=funding_id)
    dispute = Dispute.objects.select_for_update(no_key=True).filter(stripe_dispute_id=seen.dispute_id).first()
    booked = set(DisputeMovement.objects.filter(dispute=dispute).values_list("stripe_transaction_id", flat=True))
    _refuse_misfit(funding, dispute, seen, booked)
    if dispute is None:
        dispute = Dispute.objects.create(
            funding=funding,
            stripe_dispute_id=seen.dispute_id,
            amount_minor=seen.amount.minor,
            currency=seen.amount.currency,
            reason=seen.reason,
        )
        record(action="dispute.noted", subject=dispute, by=DESK, why=seen.reason, to_state=State.INQUIRY)
    dispute.funding = funding
    if len(booked) <= len(seen.movements):  # else it was read before what is booked already
        _note(dispute, seen)
    _follow(dispute, [moved for moved in seen.movements if moved.transaction_id not in booked])
    if dispute.state == State.INQUIRY and seen.status in ONLY_ASKED:
        _finish(dispute, State.CLOSED, why="the bank only asked")
    # What is won comes again a moment later; only where a part has come is it known that the rest does not.
    if dispute.state == State.OPEN and seen.status in DECIDED and (seen.status == "lost" or dispute.returned_minor):
        _lose(dispute)
    return dispute


def _ours(funding_id: str) -> UUID | None:
    try:
        found = Funding.objects.filter(pk=UUID(funding_id)).first()
    except ValueError:
        return None
    return found.pk if found else None


def _refuse_misfit(funding: Funding, dispute: Dispute | None, seen: DisputeState, booked: set[str]) -> None:
    listed = {moved.transaction_id for moved in seen.movements}
    if converted := {moved.converted_to for moved in seen.movements} - {""}:
        raise Unexplained(
            f"Dispute {seen.dispute_id} at Stripe is of {seen.amount}, and Stripe converted what it moved into "
            f"{', '.join(sorted(converted))}. The books keep each currency for itself: nothing was posted, and no job "
            "of the client's was paused. Somebody of finance has to decide what becomes of it; give the platform's "
            f"account at Stripe a balance in {seen.currency}, so that the next is not converted."
        )
    fits = (
        seen.amount.currency == funding.currency
        and 0 < seen.amount.minor <= funding.amount_minor
        and 0 <= seen.taken.minor - seen.given_back.minor <= funding.amount_minor
        and (listed <= booked or booked <= listed)  # one of the two was seen earlier
        and (dispute is None or dispute.funding_id == funding.pk)
    )
    if not fits:
        raise Unexplained(
            f"Dispute {seen.dispute_id} at Stripe ({seen.amount}, {seen.taken} taken, {seen.given_back} given back) "
            f"does not fit funding {funding.pk} ({funding.amount}) or what is booked of it."
        )


def _note(dispute: Dispute, seen: DisputeState) -> None:
    said = (seen.evidence_due_at, seen.takes_refunds)
    if said != (dispute.evidence_due_at, dispute.takes_refunds):
        dispute.evidence_due_at, dispute.takes_refunds = said
        dispute.save(update_fields=["evidence_due_at", "takes_refunds"])


def _follow(dispute: Dispute, movements: list[MovedByDispute]) -> None:
    """Book each, in its order; reckoned under the lock of all accounts that may follow from it."""
    if not movements:
        return
    outside = AccountKey(Kind.OUTSIDE_WORLD, dispute.funding.client_owner)
    lock_accounts(accounts=[*_accounts(dispute), outside], currency=dispute.currency)
    given_to_funds = dispute.returned_to_funds_minor
    for moved in movements:
        if dispute.state == State.LOST:
            _reopen(dispute)
        if moved.amount_minor < 0:
            _take(dispute, moved)
        else:
            _give_back(dispute, moved)
    if dispute.state == State.WON or dispute.returned_to_funds_minor > given_to_funds:
        announce(DisputeWon(str(dispute.pk), dispute.funding.client_owner))


def _take(dispute: Dispute, moved: MovedByDispute) -> None:
    """The client's funds give what they have, the platform the rest."""
    taken = Money(-moved.amount_minor, dispute.currency)
    funds, loss, disputed = _accounts(dispute)
    there = min(taken, balance(funds.kind, funds.owner, taken.currency))
    before = dispute.amount if dispute.opened_at else Money(0, taken.currency)
    dispute.amount_minor = (before + taken).minor
    dispute.from_funds_minor += there.minor
    fields = ["amount_minor", "from_funds_minor"]
    if dispute.state == State.OPEN:
        dispute.save(update_fields=fields)
    else:
        dispute.opened_at, dispute.finished_at = dispute.opened_at or clock.now(), None
        why = dispute.reason or "the payer's bank took it back"
        move(dispute, State.OPEN, by=DESK, why=why, fields=[*fields, "opened_at", "finished_at"])
    parts = [(loss, taken - there), (funds, there)]
    entries = [Entry(source, disputed, part) for source, part in parts if part.minor]
    _book(dispute, moved, Posting.Kind.DISPUTE_OPENED, entries, of_funds=there)
    announce(DisputeOpened(str(dispute.pk), dispute.funding.client_owner, taken.minor, taken.currency))


def _give_back(dispute: Dispute, moved: MovedByDispute) -> None:
    """The platform's loss is made good first: as if only what does not come again had ever been taken."""
    given = Money(moved.amount_minor, dispute.currency)
    funds, loss, disputed = _accounts(dispute)
    borne = (dispute.amount - dispute.from_funds) - (dispute.returned - dispute.returned_to_funds)
    to_loss = min(given, borne)
    to_funds = given - to_loss
    dispute.returned_minor += given.minor
    dispute.returned_to_funds_minor += to_funds.minor
    fields = ["returned_minor", "returned_to_funds_minor"]
    if dispute.kept.minor:
        dispute.save(update_fields=fields)
    else:
        _finish(dispute, State.WON, why="the payment came again", fields=fields)
    entries = [Entry(disputed, target, part) for target, part in ((loss, to_loss), (funds, to_funds)) if part.minor]
    _book(dispute, moved, Posting.Kind.DISPUTE_WON, entries, of_funds=to_funds)


def _book(
    dispute: Dispute, moved: MovedByDispute, kind: Posting.Kind, entries: list[Entry], *, of_funds: Money
) -> None:
    key = f"{dispute.reference}:{moved.transaction_id}"
    posting = post(key=key, kind=kind, subject=dispute.reference, entries=entries)
    DisputeMovement.objects.create(
        dispute=dispute,
        stripe_transaction_id=moved.transaction_id,
        amount_minor=moved.amount_minor,
        of_funds_minor=of_funds.minor,
        posting=posting,
    )


def _lose(dispute: Dispute) -> None:
    """What was taken and has not come again is gone."""
    outside = AccountKey(Kind.OUTSIDE_WORLD, dispute.funding.client_owner)
    _finish(dispute, State.LOST, why="the payer's bank keeps it")
    post(
        key=next_key(Posting.Kind.DISPUTE_LOST, dispute.reference),
        kind=Posting.Kind.DISPUTE_LOST,
        subject=dispute.reference,
        entries=[Entry(_accounts(dispute)[2], outside, dispute.kept)],
    )


def _reopen(dispute: Dispute) -> None:
    """Money moved after all had seemed decided, as on an appeal: what counted as gone is in dispute again."""
    lost = Posting.objects.get(kind=Posting.Kind.DISPUTE_LOST, subject=dispute.reference, reversed_by__isnull=True)
    dispute.finished_at = None
    move(dispute, State.OPEN, by=DESK, why="money moved after it was lost", fields=["finished_at"])
    reverse(posting_key=lost.key, key=f"{lost.key}:reversed", why="money moved after it was lost")


def _finish(dispute: Dispute, to: Dispute.State, *, why: str, fields: Sequence[str] = ()) -> None:
    dispute.finished_at = clock.now()
    move(dispute, to, by=DESK, why=why, fields=[*fields, "finished_at"])


def _accounts(dispute: Dispute) -> tuple[AccountKey, AccountKey, AccountKey]:
    """The client's funds, the platform's loss, and what is disputed."""
    client = dispute.funding.client_owner
    return AccountKey(Kind.CLIENT_FUNDS, client), AccountKey(Kind.LOSS, PLATFORM), AccountKey(Kind.DISPUTED, client)

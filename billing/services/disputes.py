"""Disputes: what a payer's bank takes back comes from the client's funds, else from the platform; from nobody's pay.

Escrow, earnings and payouts are never touched: who has worked keeps what was set aside for it. Lock order: funding,
dispute, ledger accounts.
"""

from typing import Final
from uuid import UUID

from django.db import transaction

from billing import stripe_records
from billing.events import DisputeOpened, DisputeWon
from billing.models import Dispute, Funding, LedgerAccount, Posting
from billing.services.escrow import PLATFORM
from billing.services.funding import settle_funding
from billing.services.ledger import AccountKey, Entry, balance, lock_accounts, post, reverse
from billing.services.sending import Unexplained
from billing.stripe_records import DisputeState
from kernel import clock
from kernel.flow import move
from kernel.money import Money
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce

DESK: Final = Actor.system("disputes")
ONLY_ASKED: Final = ("warning_closed", "prevented")

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
    _refuse_misfit(funding, dispute, seen)
    if dispute is None:
        dispute = Dispute.objects.create(
            funding=funding,
            stripe_dispute_id=seen.dispute_id,
            amount_minor=seen.amount.minor,
            currency=seen.amount.currency,
            reason=seen.reason,
        )
        record(action="dispute.noted", subject=dispute, by=DESK, why=seen.reason, to_state=State.INQUIRY)
    if seen.evidence_due_at != dispute.evidence_due_at:
        dispute.evidence_due_at = seen.evidence_due_at
        dispute.save(update_fields=["evidence_due_at"])
    if dispute.state == State.INQUIRY and seen.taken.minor:
        _open(dispute, funding, seen.taken)
    if dispute.state == State.INQUIRY and seen.status in ONLY_ASKED:
        _finish(dispute, State.CLOSED, why="the bank only asked")
    if dispute.state in (State.OPEN, State.LOST) and seen.given_back.minor:
        _win(dispute)
    if dispute.state == State.OPEN and seen.status == "lost":
        _lose(dispute)
    return dispute


def _ours(funding_id: str) -> UUID | None:
    try:
        found = Funding.objects.filter(pk=UUID(funding_id)).first()
    except ValueError:
        return None
    return found.pk if found else None


def _refuse_misfit(funding: Funding, dispute: Dispute | None, seen: DisputeState) -> None:
    expected = (dispute.amount if dispute.state != State.INQUIRY else seen.amount) if dispute else seen.amount
    fits = (
        seen.amount.currency == funding.currency
        and 0 < seen.amount.minor <= funding.amount_minor
        and seen.taken.minor in (0, expected.minor)
        and seen.given_back.minor in (0, seen.taken.minor)
        and (dispute is None or dispute.funding_id == funding.pk)
    )
    if not fits:
        raise Unexplained(
            f"Dispute {seen.dispute_id} at Stripe ({seen.amount}, {seen.taken} taken, {seen.given_back} given back) "
            f"does not fit funding {funding.pk} ({funding.amount}) or what is booked of it."
        )


def _open(dispute: Dispute, funding: Funding, taken: Money) -> None:
    """The client's funds give what they have, the platform the rest; reckoned under the lock of the accounts."""
    funds, loss, disputed = _accounts(dispute)
    lock_accounts(accounts=[funds, loss, disputed], currency=taken.currency)
    there = min(taken, balance(funds.kind, funds.owner, taken.currency))
    dispute.amount_minor, dispute.from_funds_minor, dispute.opened_at = taken.minor, there.minor, clock.now()
    opened = ["amount_minor", "from_funds_minor", "opened_at"]
    move(dispute, State.OPEN, by=DESK, why=dispute.reason or "the payer's bank took it back", fields=opened)
    parts = [Entry(source, disputed, part) for source, part in ((funds, there), (loss, taken - there)) if part.minor]
    _post(dispute, "opened", Posting.Kind.DISPUTE_OPENED, parts)
    announce(DisputeOpened(str(dispute.pk), funding.client_owner, taken.minor, taken.currency))


def _win(dispute: Dispute) -> None:
    """The exact way back; what was lost before an appeal is brought back first, by a reversal."""
    if dispute.state == State.LOST:
        reverse(posting_key=f"{dispute.reference}:lost", key=f"{dispute.reference}:lost:reversed", why="won on appeal")
    funds, loss, disputed = _accounts(dispute)
    there = Money(dispute.from_funds_minor, dispute.currency)
    parts = [(funds, there), (loss, dispute.amount - there)]
    entries = [Entry(disputed, target, part) for target, part in parts if part.minor]
    _finish(dispute, State.WON, why="the payment came again")
    _post(dispute, "won", Posting.Kind.DISPUTE_WON, entries)
    announce(DisputeWon(str(dispute.pk), dispute.funding.client_owner))


def _lose(dispute: Dispute) -> None:
    outside = AccountKey(Kind.OUTSIDE_WORLD, dispute.funding.client_owner)
    _finish(dispute, State.LOST, why="the payer's bank keeps it")
    _post(dispute, "lost", Posting.Kind.DISPUTE_LOST, [Entry(_accounts(dispute)[2], outside, dispute.amount)])


def _finish(dispute: Dispute, to: Dispute.State, *, why: str) -> None:
    dispute.finished_at = clock.now()
    move(dispute, to, by=DESK, why=why, fields=["finished_at"])


def _post(dispute: Dispute, step: str, kind: Posting.Kind, entries: list[Entry]) -> None:
    post(key=f"{dispute.reference}:{step}", kind=kind, subject=dispute.reference, entries=entries)


def _accounts(dispute: Dispute) -> tuple[AccountKey, AccountKey, AccountKey]:
    """The client's funds, the platform's loss, and what is disputed."""
    client = dispute.funding.client_owner
    return AccountKey(Kind.CLIENT_FUNDS, client), AccountKey(Kind.LOSS, PLATFORM), AccountKey(Kind.DISPUTED, client)

"""Payouts: earnings set aside, sent to their owner's account at Stripe, and settled.

Lock order: payout account, payout, ledger accounts.
"""

import contextlib
from typing import Final
from uuid import UUID

from django.db import transaction

from billing import stripe_gateway
from billing.events import PayoutFailed, PayoutRequested, PayoutSettled
from billing.models import LedgerAccount, Payout, PayoutAccount, PayoutReturn, Posting
from billing.services import sending
from billing.services.ledger import AccountKey, Entry, balance, lock_accounts, post
from billing.services.payout_accounts import PayoutAccountMissing, refresh_payout_account
from billing.services.sending import Errand, Unexplained
from billing.stripe_gateway import ReversalState, StripeRefused, TransferState
from billing.whole_amounts import require_whole, rounded_down
from kernel import clock
from kernel.errors import NotFound, Refused
from kernel.flow import WrongState, move
from kernel.money import Money
from kernel.rows import insert
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce

MINIMUM_MINOR: Final = 100
SENDER: Final = Actor.system("payouts")

Kind = LedgerAccount.Kind
State = Payout.State


class PayoutAccountNotReady(Refused):
    """Stripe still wants to know something before it can pay out to this account."""

    code = "payout_account_not_ready"


class PayoutBelowMinimum(Refused):
    """The amount is smaller than the smallest payout."""

    code = "payout_below_minimum"


@transaction.atomic
def request_payout(*, owner: str, amount: Money | None, by: Actor, currency: str = "USD", period: str = "") -> Payout:
    """Set earnings aside to be paid out; ``amount`` None means all there is in ``currency`` that Stripe moves.

    ``period`` is the day or week of the owner's schedule that it is for; there is one for each.
    Raises PayoutAccountMissing, PayoutAccountNotReady, PayoutBelowMinimum, Invalid or InsufficientFunds.
    """
    account = _ready_account(owner)
    asked = rounded_down(balance(Kind.WORKER_EARNINGS, owner, currency)) if amount is None else amount
    require_whole(asked)
    if asked.minor < MINIMUM_MINOR:
        smallest = Money(MINIMUM_MINOR, asked.currency)
        raise PayoutBelowMinimum(
            f"{asked} is less than the smallest payout, which is {smallest}.",
            details={"asked_minor": asked.minor, "minimum_minor": MINIMUM_MINOR, "currency": asked.currency},
        )
    payout = Payout(
        owner=owner, payout_account=account, amount_minor=asked.minor, currency=asked.currency, period=period
    )
    insert(payout)
    post(
        key=f"{payout.reference}:requested",
        kind=Posting.Kind.PAYOUT_REQUESTED,
        subject=payout.reference,
        entries=[Entry(_earnings(payout), _in_flight(payout), asked)],
    )
    record(action="payout.requested", subject=payout, by=by, to_state=State.REQUESTED)
    announce(PayoutRequested(payout_id=str(payout.pk)))
    return payout


@transaction.atomic
def cancel_payout(*, payout_id: UUID, owner: str, by: Actor) -> Payout:
    """Call off a payout that has not begun to be sent. Raises NotFound or WrongState."""
    payout = Payout.objects.select_for_update(no_key=True).filter(pk=payout_id, owner=owner).first()
    if payout is None:
        raise NotFound("payout")
    if payout.state != State.CANCELLED:
        _end_unpaid(payout, State.CANCELLED, Posting.Kind.PAYOUT_CANCELLED, by=by, why="called off")
    return payout


@transaction.atomic
def retry_payout(*, payout_id: UUID, by: Actor) -> Payout:
    """Drive an open payout again now, or request anew what failed or came back; the one that is on its way then.

    Raises WrongState when it is paid out or cancelled, and whatever ``request_payout`` raises.
    """
    payout = Payout.objects.get(pk=payout_id)
    unpaid = payout.amount if payout.state == State.FAILED else payout.returned
    if unpaid.minor:
        return request_payout(owner=payout.owner, amount=rounded_down(unpaid), by=by)
    if payout.state in (State.SETTLED, State.CANCELLED):
        raise WrongState(f"Payout {payout.pk} is {payout.state}: there is nothing left to send.")
    record(action="payout.driven_again", subject=payout, by=by)
    announce(PayoutRequested(payout_id=str(payout.pk)))
    return payout


def send_payout(event: PayoutRequested) -> None:
    """Send one payout as far as it goes now. A reaction that speaks to the network; it may be run again at any time.

    Where it would go is asked just before, so that a change that nobody told us of holds it too.
    """
    payout = Payout.objects.select_related("payout_account").get(pk=event.payout_id)
    if payout.state in (State.REQUESTED, State.SENDING):
        with contextlib.suppress(StripeRefused):  # of an account that is gone, sending will hear it too
            refresh_payout_account(stripe_account_id=payout.payout_account.stripe_account_id)
    sending.send(ERRAND, payout.pk)


@transaction.atomic
def settle_payout(*, payout_id: UUID, transfer: TransferState) -> Payout:
    """Book what Stripe says became of a payout. The answer to our call and a webhook both end here, in any order.

    What was taken back of it, all or a part, at one time or several, is earnings again: each time once. Raises
    Unexplained, and books nothing, when the transfer does not fit the payout.
    """
    payout = (
        Payout.objects.select_for_update(no_key=True, of=("self",)).select_related("payout_account").get(pk=payout_id)
    )
    returned = payout.returns.values_list("stripe_reversal_id", flat=True)
    booked = set(returned) if payout.returned_minor else set[str]()
    _refuse_misfit(payout, transfer, booked)
    fresh = [taken for taken in transfer.reversals if taken.reversal_id not in booked]
    if payout.state == State.SENDING:
        payout.stripe_transfer_id, payout.sent_at = transfer.transfer_id, clock.now()
        move(payout, State.SENT, by=SENDER, why="Stripe made it", fields=["stripe_transfer_id", "sent_at"])
    if payout.state == State.SENT and fresh:
        lock_accounts(accounts=[_earnings(payout), _in_flight(payout), _outside(payout)], currency=payout.currency)
    if payout.state == State.SENT:
        _settle(payout)
    for taken in fresh:
        _return(payout, taken)
    return payout


@transaction.atomic
def fail_payout(*, payout_id: UUID, why: str) -> Payout:
    """Give a payout up that Stripe has refused: its money is earnings again. One that has ended stays as it is."""
    payout = Payout.objects.select_for_update(no_key=True).get(pk=payout_id)
    if payout.state == State.SENDING:
        _end_unpaid(payout, State.FAILED, Posting.Kind.PAYOUT_FAILED, by=SENDER, why=why)
    return payout


def _ready_account(owner: str) -> PayoutAccount:
    """The owner's payout account, locked: so two requests at once see each other's payouts."""
    account = PayoutAccount.objects.of(owner).select_for_update(no_key=True).first()
    if account is None:
        raise PayoutAccountMissing("You have no payout account yet. Open one and let Stripe know where to pay.")
    if account.shared_with_id is not None:
        raise PayoutAccountNotReady(
            "Somebody else is paid out to the same bank account, and one is one person's. Name another to Stripe."
        )
    if not account.is_ready:
        due = ", ".join(account.requirements_due)
        wants = f"Stripe still wants to know: {due}." if due else "Stripe is still checking it."
        raise PayoutAccountNotReady(
            f"Your payout account cannot receive money yet. {wants} Go on with its onboarding.",
            details={"requirements_due": account.requirements_due},
        )
    return account


def _refuse_misfit(payout: Payout, transfer: TransferState, booked: set[str]) -> None:
    listed = {taken.reversal_id for taken in transfer.reversals}
    fits = (
        payout.state not in (State.REQUESTED, State.CANCELLED, State.FAILED)
        and transfer.transfer_group == payout.reference
        and transfer.amount == payout.amount
        and transfer.account_id == payout.payout_account.stripe_account_id
        and transfer.reversed_minor <= payout.amount_minor
        and (listed <= booked or booked <= listed)  # one of the two was seen earlier
        and payout.stripe_transfer_id in ("", transfer.transfer_id)
    )
    if not fits:
        raise Unexplained(
            f"Transfer {transfer.transfer_id} ({transfer.amount}, {transfer.reversed_minor} of it taken back) does not "
            f"fit payout {payout.pk} ({payout.amount}, {payout.state})."
        )


def _end_unpaid(payout: Payout, to: Payout.State, kind: Posting.Kind, *, by: Actor, why: str) -> None:
    payout.finished_at = clock.now()
    payout.failure = why if to == State.FAILED else ""
    move(payout, to, by=by, why=why, fields=["finished_at", "failure"])
    _post_end(payout, kind, target=_earnings(payout))
    if to == State.FAILED:
        announce(PayoutFailed(str(payout.pk), payout.owner, payout.amount_minor, payout.currency, why))


def _settle(payout: Payout) -> None:
    payout.finished_at = clock.now()
    move(payout, State.SETTLED, by=SENDER, why="Stripe made the transfer", fields=["finished_at"])
    _post_end(payout, Posting.Kind.PAYOUT_SETTLED, target=_outside(payout))
    announce(PayoutSettled(str(payout.pk), payout.owner, payout.amount_minor, payout.currency))


def _return(payout: Payout, taken: ReversalState) -> None:
    """Stripe took this much of the transfer back: it is earnings again."""
    amount = Money(taken.amount_minor, payout.currency)
    payout.returned_minor += amount.minor
    payout.failure = f"{payout.returned} of it was taken back after it had left"
    fields = ["returned_minor", "failure"]
    if payout.returned_minor == payout.amount_minor:
        move(payout, State.RETURNED, by=SENDER, why=payout.failure, fields=fields)
    else:
        payout.save(update_fields=fields)
        told = {"reversal": taken.reversal_id, "amount_minor": amount.minor}
        record(action="payout.returned_in_part", subject=payout, by=SENDER, why=payout.failure, details=told)
    posting = post(
        key=f"{payout.reference}:returned:{taken.reversal_id}",
        kind=Posting.Kind.PAYOUT_RETURNED,
        subject=payout.reference,
        entries=[Entry(_outside(payout), _earnings(payout), amount)],
    )
    PayoutReturn.objects.create(
        payout=payout, stripe_reversal_id=taken.reversal_id, amount_minor=amount.minor, posting=posting
    )
    announce(PayoutFailed(str(payout.pk), payout.owner, amount.minor, amount.currency, payout.failure))


def _post_end(payout: Payout, kind: Posting.Kind, *, target: AccountKey) -> None:
    """However a payout ends, it ends under one key: the ledger itself cannot pay it out and give it back."""
    post(
        key=f"{payout.reference}:finished",
        kind=kind,
        subject=payout.reference,
        entries=[Entry(_in_flight(payout), target, payout.amount)],
    )


def _earnings(payout: Payout) -> AccountKey:
    return AccountKey(Kind.WORKER_EARNINGS, payout.owner)


def _outside(payout: Payout) -> AccountKey:
    return AccountKey(Kind.OUTSIDE_WORLD, payout.owner)


def _in_flight(payout: Payout) -> AccountKey:
    return AccountKey(Kind.PAYOUTS_IN_FLIGHT, payout.owner)


def _ask(payout: Payout, key: str) -> TransferState:
    return stripe_gateway.create_transfer(
        amount=payout.amount,
        account_id=payout.payout_account.stripe_account_id,
        transfer_group=payout.reference,
        idempotency_key=key,
    )


def _look(payout: Payout) -> TransferState | None:
    found = stripe_gateway.find_transfers(transfer_group=payout.reference)
    if len(found) > 1:
        raise Unexplained(f"Payout {payout.pk} has {len(found)} transfers at Stripe; there may be only one.")
    return found[0] if found else None


def _is_held(payout: Payout) -> bool:
    return PayoutAccount.objects.get(pk=payout.payout_account_id).is_held


ERRAND: Final = Errand(
    rows=Payout,
    by=SENDER,
    is_held=_is_held,
    ask=_ask,
    look=_look,
    settle=lambda payout_id, transfer: settle_payout(payout_id=payout_id, transfer=transfer),
    give_up=lambda payout_id, why: fail_payout(payout_id=payout_id, why=why),
)

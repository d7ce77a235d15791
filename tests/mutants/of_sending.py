"""Mutants of fundings, refunds and payouts: of what comes and goes through Stripe."""

from typing import Any
from uuid import uuid4

import pytest

from billing.events import PayoutRequested
from billing.models import Funding, Payout, PayoutAccount, Posting, StripeMovement
from billing.services import funding, ledger, payouts, reconciliation, refunds, sending
from billing.services.credits import grant_credit, take_credit_back
from billing.services.funding import book_checkout, open_checkout, request_funding
from billing.services.ledger import AccountKey
from billing.services.payouts import request_payout, settle_payout
from billing.services.refunds import request_refund
from billing.stripe_gateway import Checkout, CheckoutState, ReversalState, TransferState
from kernel import clock
from kernel.flow import move
from kernel.services.outbox import announce
from tests.billing.builders import SOMEBODY, Kind, a_client, a_funding, a_ready_account, a_worker, usd
from tests.billing.flows import now_of
from tests.by_hand import by_hand
from tests.mutants.frame import (
    ADDS_UP,
    CREDITS,
    ENDS,
    FROM_FUNDINGS,
    GUARDS,
    KEYS,
    MOVED,
    NOTHING_LEFT,
    REBUILT,
    REFUNDS,
    TRANSFER,
    UNDER_WAY,
    WAYS,
    mutant,
    schema,
    without_constraint,
    without_trigger,
)


def a_payout(minor: int = 500, *, owner: str | None = None) -> Payout:
    owner = owner or a_worker(minor)
    if not PayoutAccount.objects.of(owner).exists():
        a_ready_account(owner)
    return request_payout(owner=owner, amount=usd(minor), by=SOMEBODY)


def begun(payout: Payout) -> Payout:
    """As it stands between asking Stripe and hearing of it."""
    row = sending._begin(payouts.ERRAND, payout.pk)
    assert row is not None
    return row


def transfer_of(payout: Payout, *, transfer_id: str = "tr_1", taken_back: tuple[int, ...] = ()) -> TransferState:
    return TransferState(
        transfer_id=transfer_id,
        amount=payout.amount,
        account_id=payout.payout_account.stripe_account_id,
        transfer_group=payout.reference,
        reversals=tuple(ReversalState(f"trr_{number}", minor) for number, minor in enumerate(taken_back)),
    )


def an_open_page(client: str, minor: int) -> Funding:
    asked = request_funding(
        client_owner=client, email="c@assay.test", amount=usd(minor), success_url="https://assay.test", by=SOMEBODY
    )
    open_checkout(funding_id=asked.pk, checkout=Checkout(f"cs_{asked.pk}", "https://stripe.test", None))
    return asked


def paid(row: Funding) -> CheckoutState:
    return CheckoutState(
        paid=True, amount_minor=row.amount_minor, currency="USD", payment_intent_id=f"pi_{row.pk}", expired=False
    )


def without_state(patch: pytest.MonkeyPatch, service: Any) -> None:
    """Let ``service`` leave states as they are."""
    patch.setattr(service, "move", lambda *_, **__: None)


@mutant("a payment is credited before it has settled", FROM_FUNDINGS, REBUILT)
def _credited_unsettled(patch: pytest.MonkeyPatch) -> None:
    row = an_open_page("client:1", 900)
    without_state(patch, funding)
    book_checkout(funding_id=row.pk, checkout=paid(row))


@mutant("a payment settles and is not credited", FROM_FUNDINGS, REBUILT)
def _settled_uncredited(patch: pytest.MonkeyPatch) -> None:
    row = an_open_page("client:1", 900)
    patch.setattr(funding, "post", lambda **_: None)
    book_checkout(funding_id=row.pk, checkout=paid(row))


@mutant("the webhook and the answer credit a payment under keys of their own", FROM_FUNDINGS, REBUILT, GUARDS)
def _credited_twice(patch: pytest.MonkeyPatch) -> None:
    row = an_open_page("client:1", 900)
    honest = ledger.post
    patch.setattr(funding, "post", lambda key, **posting: honest(key=f"{key}:{uuid4()}", **posting))
    without_trigger("billing_funding", "billing_funding_follows_its_flow")
    book_checkout(funding_id=row.pk, checkout=paid(row))
    Funding.objects.filter(pk=row.pk).update(state="awaiting_payment", settled_at=None, finished_at=None)
    book_checkout(funding_id=row.pk, checkout=paid(row))


@mutant("a payment of another amount than was asked for is credited as paid", FROM_FUNDINGS, REBUILT)
def _another_amount(patch: pytest.MonkeyPatch) -> None:
    row = an_open_page("client:1", 900)
    honest = ledger.post
    patch.setattr(
        funding,
        "post",
        lambda entries, **rest: honest(
            entries=[type(entries[0])(entries[0].source, entries[0].target, usd(899))], **rest
        ),
    )
    book_checkout(funding_id=row.pk, checkout=paid(row))


@mutant("a refund is not counted against its payment, so that it can be asked for again", REFUNDS)
def _refunded_again(patch: pytest.MonkeyPatch) -> None:
    a_funding("client:1", 900)
    a_funding("client:1", 900)
    save = Funding.save
    patch.setattr(
        Funding, "save", lambda row, **how: None if how["update_fields"] == ["refunded_minor"] else save(row, **how)
    )
    for _ in range(2):
        request_refund(client_owner="client:1", amount=usd(900), by=SOMEBODY)


@mutant("a refund that Stripe refused stays in flight", ENDS, UNDER_WAY, REBUILT)
def _refund_in_flight_for_ever(patch: pytest.MonkeyPatch) -> None:
    a_funding("client:1", 900)
    (row,) = request_refund(client_owner="client:1", amount=usd(400), by=SOMEBODY)
    sending._begin(refunds.ERRAND, row.pk)
    patch.setattr(refunds, "post", lambda **_: None)
    refunds.fail_refund(refund_id=row.pk, why="closed")


@mutant("a payout that failed gives nothing back", ENDS, UNDER_WAY, REBUILT)
def _payout_in_flight_for_ever(patch: pytest.MonkeyPatch) -> None:
    payout = begun(a_payout())
    patch.setattr(payouts, "post", lambda **_: None)
    payouts.fail_payout(payout_id=payout.pk, why="closed")


@mutant("a payout that was called off is given back twice, under a key for each try", ENDS, UNDER_WAY, REBUILT)
def _given_back_twice(patch: pytest.MonkeyPatch) -> None:
    owner = a_worker(1_000)
    a_payout(500, owner=owner)
    second = a_payout(500, owner=owner)
    honest = ledger.post
    patch.setattr(payouts, "post", lambda key, **posting: honest(key=f"{key}:{uuid4()}", **posting))
    payouts.cancel_payout(payout_id=second.pk, owner=owner, by=SOMEBODY)
    payouts._post_end(now_of(second), Posting.Kind.PAYOUT_CANCELLED, target=payouts._earnings(second))


@mutant("a payout is settled by the answer and again by the webhook", ENDS, UNDER_WAY, REBUILT)
def _settled_twice(patch: pytest.MonkeyPatch) -> None:
    owner = a_worker(1_000)
    a_payout(500, owner=owner)
    second = begun(a_payout(500, owner=owner))
    honest = ledger.post
    patch.setattr(payouts, "post", lambda key, **posting: honest(key=f"{key}:{uuid4()}", **posting))
    settle_payout(payout_id=second.pk, transfer=transfer_of(second))
    payouts._post_end(now_of(second), Posting.Kind.PAYOUT_SETTLED, target=AccountKey(Kind.OUTSIDE_WORLD, owner))


@mutant("a payout counts as settled as soon as it is sent, before its entries say so", ENDS, UNDER_WAY, REBUILT)
def _settled_unposted(patch: pytest.MonkeyPatch) -> None:
    payout = begun(a_payout())
    patch.setattr(payouts, "_post_end", lambda *_, **__: None)
    settle_payout(payout_id=payout.pk, transfer=transfer_of(payout))


@mutant("a payout is set aside from somebody else's earnings", WAYS, REBUILT)
def _anothers_earnings(patch: pytest.MonkeyPatch) -> None:
    victim = a_worker(500)
    patch.setattr(payouts, "_earnings", lambda payout: AccountKey(Kind.WORKER_EARNINGS, victim))
    thief = a_worker(500)
    a_payout(500, owner=thief)


@mutant("a payout is settled into the platform's fees", WAYS, ADDS_UP)
def _into_fees(patch: pytest.MonkeyPatch) -> None:
    payout = begun(a_payout())
    honest = payouts._post_end
    fees = AccountKey(Kind.PLATFORM_FEES, "platform")
    patch.setattr(payouts, "_post_end", lambda row, kind, target: honest(row, kind, target=fees))
    settle_payout(payout_id=payout.pk, transfer=transfer_of(payout))


@mutant("two payouts may name one transfer, and do", TRANSFER, GUARDS)
def _one_transfer_for_two(patch: pytest.MonkeyPatch) -> None:
    first, second = begun(a_payout()), begun(a_payout())
    schema("DROP INDEX one_payout_per_transfer")
    settle_payout(payout_id=first.pk, transfer=transfer_of(first))
    settle_payout(payout_id=second.pk, transfer=transfer_of(second))


@mutant("each try at Stripe takes a new key, and nobody is told", KEYS)
def _new_key_per_try(patch: pytest.MonkeyPatch) -> None:
    payout = begun(a_payout())
    patch.setattr(sending, "record", lambda **_: None)
    with by_hand():
        sending._next_attempt(payouts.ERRAND, payout, why="no answer")


@mutant("a payout is made, then refused, and not undone", ENDS, UNDER_WAY, REBUILT, NOTHING_LEFT)
def _refused_but_made(patch: pytest.MonkeyPatch) -> None:
    owner = a_worker(500)
    account = a_ready_account(owner)
    Payout.objects.create(owner=owner, payout_account=account, amount_minor=900, currency="USD")


@mutant("what was refused is announced all the same", NOTHING_LEFT)
def _refused_but_announced(patch: pytest.MonkeyPatch) -> None:
    a_client(500)
    announce(PayoutRequested(payout_id=str(uuid4())))


@mutant("a payout may go back from settled to failed, and its money with it", ENDS, REBUILT, GUARDS)
def _settled_then_failed(patch: pytest.MonkeyPatch) -> None:
    owner = a_worker(500)
    payout = begun(a_payout(500, owner=owner))
    settle_payout(payout_id=payout.pk, transfer=transfer_of(payout))
    without_trigger("billing_payout", "billing_payout_follows_its_flow")
    Payout.objects.filter(pk=payout.pk).update(state="failed")


@mutant("a payout counts as sent although Stripe named no transfer", TRANSFER, GUARDS)
def _sent_by_nobody(patch: pytest.MonkeyPatch) -> None:
    payout = begun(a_payout())
    without_constraint("billing_payout", "payout_sent_has_its_time")
    move(payout, "sent", by=SOMEBODY, why="hope")


@mutant("a credit is taken back, and what it lent stays with the client", CREDITS)
def _credit_kept(patch: pytest.MonkeyPatch) -> None:
    client = a_client(0)
    credit = grant_credit(client_owner=client, amount=usd(500), reason="Until it arrives.", by=SOMEBODY)
    patch.setattr("billing.services.credits.reverse", lambda **_: None)
    take_credit_back(credit_id=credit.pk, client_owner=client, why="It has arrived.", by=SOMEBODY)


@mutant("a movement at Stripe is matched with a posting of another amount", MOVED)
def _matched_with_another(patch: pytest.MonkeyPatch) -> None:
    paid = a_funding("client:1", 1_000)
    moved = StripeMovement.objects.create(
        stripe_id="txn_1",
        kind="charge",
        category="charge",
        related_id=paid.payment_intent_id,
        amount_minor=999,
        fee_minor=0,
        currency="USD",
        moved_at=clock.now(),
    )
    patch.setattr(reconciliation, "_posting_of", lambda movement: Posting.objects.get(key=paid.reference))
    reconciliation.match_movement(movement_id=moved.pk)

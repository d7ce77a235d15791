"""Mutants of money that comes back in parts: of payouts that Stripe takes back, of disputes that a bank gives back."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from billing.models import DisputeMovement, Funding, Payout, Posting
from billing.services import disputes, ledger, payouts
from billing.services.ledger import AccountKey, Entry
from billing.services.payouts import settle_payout
from billing.stripe_gateway import ReversalState
from billing.stripe_records import DisputeState, MovedByDispute
from tests.billing.builders import Kind, a_funding
from tests.billing.flows import now_of
from tests.mutants.frame import DISPUTES, GUARDS, REBUILT, RETURNS, UNDER_WAY, WAYS, mutant, schema, without_trigger
from tests.mutants.of_sending import a_payout, begun, transfer_of


def paid_out(minor: int = 500) -> Payout:
    payout = begun(a_payout(minor))
    settle_payout(payout_id=payout.pk, transfer=transfer_of(payout))
    return payout


def taken_back(payout: Payout, *minor: int) -> None:
    """What a webhook leads to, once Stripe has taken these parts of it back."""
    settle_payout(payout_id=payout.pk, transfer=transfer_of(payout, taken_back=minor))


@mutant("a part of a payout comes back again with each webhook, under a key for each", RETURNS, GUARDS)
def _part_comes_back_twice(patch: pytest.MonkeyPatch) -> None:
    payout = paid_out()
    taken_back(payout, 100)
    schema("ALTER TABLE billing_payoutreturn DROP CONSTRAINT billing_payoutreturn_stripe_reversal_id_key")
    honest = ledger.post
    patch.setattr(payouts, "post", lambda key, **posting: honest(key=f"{key}:{uuid4()}", **posting))
    with transaction.atomic():
        payouts._return(now_of(payout), ReversalState("trr_0", 100))


@mutant("a part of a payout that came back is not counted as such", RETURNS, REBUILT, GUARDS)
def _part_is_not_counted(patch: pytest.MonkeyPatch) -> None:
    payout = paid_out()
    without_trigger("billing_payoutreturn", "payout_return_is_counted")
    patch.setattr(Payout, "save", lambda *_, **__: None)
    taken_back(payout, 100)


@mutant("the whole payout is earnings again where Stripe took a part of it back", RETURNS, REBUILT)
def _part_comes_back_whole(patch: pytest.MonkeyPatch) -> None:
    payout = paid_out()
    honest = ledger.post

    def whole(entries: list[Entry], **posting: Any) -> Posting:
        return honest(entries=[Entry(entries[0].source, entries[0].target, payout.amount)], **posting)

    patch.setattr(payouts, "post", whole)
    taken_back(payout, 100)


@mutant("what comes back of a payout stays with the platform", WAYS)
def _part_is_kept(patch: pytest.MonkeyPatch) -> None:
    payout = paid_out()
    patch.setattr(payouts, "_earnings", lambda payout: AccountKey(Kind.LOSS, "platform"))
    taken_back(payout, 100)


@mutant("a payout says that more of it came back than its returns sum up to", RETURNS, GUARDS)
def _more_came_back(patch: pytest.MonkeyPatch) -> None:
    payout = paid_out()
    without_trigger("billing_payout", "payout_is_the_sum_of_its_returns")
    Payout.objects.filter(pk=payout.pk).update(returned_minor=100)


def dispute_of(row: Funding, *moved: int, status: str) -> DisputeState:
    return DisputeState(
        dispute_id="du_1",
        payment_intent_id=row.payment_intent_id,
        amount=row.amount,
        movements=tuple(MovedByDispute(f"txn_{number}", minor) for number, minor in enumerate(moved)),
        status=status,
        reason="fraudulent",
        evidence_due_at=None,
    )


@mutant("what a dispute does not give back stays in dispute when it is lost", DISPUTES, UNDER_WAY)
def _lost_is_not_gone(patch: pytest.MonkeyPatch) -> None:
    row = a_funding("client:1", 900)
    disputes.book_dispute(funding_id=row.pk, seen=dispute_of(row, -900, 300, status="needs_response"))
    patch.setattr(disputes, "post", lambda **_: None)
    disputes.book_dispute(funding_id=row.pk, seen=dispute_of(row, -900, 300, status="lost"))


@mutant("a dispute gives all of it back where the bank gave a part", DISPUTES, UNDER_WAY)
def _part_counts_as_all(patch: pytest.MonkeyPatch) -> None:
    row = a_funding("client:1", 900)
    disputes.book_dispute(funding_id=row.pk, seen=dispute_of(row, -900, status="needs_response"))
    honest = ledger.post

    def whole(entries: list[Entry], **posting: Any) -> Posting:
        return honest(entries=[Entry(entries[0].source, entries[0].target, row.amount)], **posting)

    patch.setattr(disputes, "post", whole)
    disputes.book_dispute(funding_id=row.pk, seen=dispute_of(row, -900, 300, status="needs_response"))


@mutant("what a dispute gave back may be changed, and is", DISPUTES, GUARDS)
def _movement_changed(patch: pytest.MonkeyPatch) -> None:
    row = a_funding("client:1", 900)
    disputes.book_dispute(funding_id=row.pk, seen=dispute_of(row, -900, 300, status="needs_response"))
    without_trigger("billing_disputemovement", "billing_disputemovement_is_append_only")
    DisputeMovement.objects.filter(amount_minor=300).update(amount_minor=200, of_funds_minor=200)

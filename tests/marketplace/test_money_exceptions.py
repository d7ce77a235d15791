"""What finance has to look at, with its evidence; and what is on its way."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import transaction

from billing.demo.stripe_double import DoubleControl
from billing.events import PayoutFailed
from billing.models import Credit, Funding, Payout, PayoutAccount, Refund, StripeEvent, StripeMovement
from billing.services import sending
from billing.services.bank_payouts import note_bank_payout
from billing.services.credits import grant_credit
from billing.services.funding import book_checkout, open_checkout, request_funding
from billing.services.payouts import request_payout
from billing.services.reconciliation import reconcile
from billing.services.refunds import ERRAND, request_refund, settle_refund
from billing.stripe_gateway import Checkout, CheckoutState, RefundOutcome, RefundState
from billing.stripe_records import BankPayoutState
from kernel import clock
from kernel.models import AuditEvent, OutboxMessage
from kernel.money import Money
from kernel.services.audit import Actor
from marketplace.models import Escalation
from marketplace.services.reactions import escalate_failed_payout
from tests.billing.builders import SOMEBODY, a_funding, a_ready_account, earn, usd
from tests.billing.flows import looked_at, now_of, onboarded, paid_in, run_relay
from tests.by_hand import by_hand
from tests.concurrency.crowd import at_once
from tests.marketplace.api_people import Person, an_admin, code_of
from tests.workforce.people import a_worker

pytestmark = pytest.mark.django_db


def a_payout() -> Payout:
    worker = a_worker()
    earn(worker.billing_owner, 5_000)
    a_ready_account(worker.billing_owner)
    return request_payout(owner=worker.billing_owner, amount=usd(2_000), by=Actor.user(worker.user))


def test_nothing_is_to_be_looked_at_while_all_goes_well() -> None:
    a_payout()

    assert an_admin().get("money/exceptions/", with_books="true") == (200, {"exceptions": []})


def test_a_failed_payout_comes_with_what_happened_to_it(stripe: DoubleControl) -> None:
    payout = a_payout()  # to an account that this Stripe does not know
    run_relay()
    why = Payout.objects.get(pk=payout.pk).failure

    _, said = an_admin().get("money/exceptions/")

    (found,) = said["exceptions"]
    assert {name: found[name] for name in ("kind", "subject", "why", "amount_minor", "currency", "console")} == {
        "kind": "failed_payout",
        "subject": payout.reference,
        "why": why,
        "amount_minor": 2_000,
        "currency": "USD",
        "console": f"/admin/billing/payout/{payout.pk}/change/",
    }
    assert [event["action"] for event in found["evidence"]][-1] == "payout.requested"
    assert found["evidence"][0]["why"] == why != ""


def test_a_payout_that_came_back_in_part_is_told_in_plain_words(stripe: DoubleControl) -> None:
    worker = a_worker()
    earn(worker.billing_owner, 5_000)
    onboarded(stripe, worker.billing_owner)
    paid_in(stripe, 10_000, client_owner="client:1")
    payout = request_payout(owner=worker.billing_owner, amount=usd(2_000), by=Actor.user(worker.user))
    run_relay()
    stripe.take_back(now_of(payout).stripe_transfer_id, amount=300)
    looked_at(now_of(payout))
    run_relay()

    (found,) = an_admin().get("money/exceptions/")[1]["exceptions"]
    own = Person(worker.user).get(f"payouts/{payout.pk}/")[1]
    newest = Person(worker.user).every("earnings/statement/")[0]

    assert (found["kind"], found["amount_minor"], found["why"]) == (
        "failed_payout",
        300,
        "3.00 USD of it was taken back after it had left",
    )
    assert found["sentence"] == (
        "Of a payout 3.00 USD came back after it had left; so much is earnings again, and nobody has decided yet."
    )
    assert (own["state"], own["amount_minor"], own["returned_minor"]) == ("settled", 2_000, 300)
    assert (newest["change_minor"], newest["explanation"]) == (
        300,
        "This came back of a payout after it had left; it is yours to have paid out.",
    )


def test_what_comes_back_of_a_payout_part_by_part_is_one_matter_until_it_is_decided(stripe: DoubleControl) -> None:
    worker = a_worker()
    earn(worker.billing_owner, 5_000)
    onboarded(stripe, worker.billing_owner)
    paid_in(stripe, 10_000, client_owner="client:1")
    payout = request_payout(owner=worker.billing_owner, amount=usd(2_000), by=Actor.user(worker.user))
    run_relay()
    admin = an_admin()

    def comes_back(minor: int) -> None:
        stripe.take_back(now_of(payout).stripe_transfer_id, amount=minor)
        looked_at(now_of(payout))
        run_relay()

    comes_back(300)
    comes_back(200)
    (escalation,) = Escalation.objects.filter(kind="failed_payout")
    matter = admin.get(f"escalations/{escalation.pk}/")[1]["matter"]
    assert (escalation.subject, escalation.details["amount_minor"]) == (payout.reference, 500)
    assert [(part["amount_minor"], part["why"]) for part in matter["parts"]] == [
        (300, "3.00 USD of it was taken back after it had left"),
        (200, "5.00 USD of it was taken back after it had left"),
    ]
    assert AuditEvent.objects.filter(action="escalation.extended", subject_id=str(escalation.pk)).count() == 1

    note = {"decision": "noted", "note": "A wrong button in the dashboard."}
    admin.post(f"escalations/{escalation.pk}/decision/", note)
    comes_back(100)
    (again,) = Escalation.objects.filter(kind="failed_payout", state="open")
    assert [part["amount_minor"] for part in again.details["parts"]] == [100]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_parts_that_come_back_at_once_are_one_matter() -> None:
    payout_id = str(uuid4())
    events = [PayoutFailed(payout_id, "payee:1", minor, "USD", "It was taken back.") for minor in range(1, 7)]

    outcomes = at_once([transaction.atomic(partial(escalate_failed_payout, event)) for event in events])

    assert outcomes == [None] * 6
    (escalation,) = Escalation.objects.filter(kind="failed_payout")
    assert (escalation.details["amount_minor"], len(escalation.details["parts"])) == (21, 6)


def test_what_stripe_converted_is_told_at_once_with_what_to_do(stripe: DoubleControl) -> None:
    stripe.convert("usd", into="eur", rate="0.9")
    paid_in(stripe, 10_000)
    reconcile()

    (found,) = an_admin().get("money/exceptions/")[1]["exceptions"]

    assert (found["kind"], found["amount_minor"], found["currency"]) == ("unmatched_movement", 9_000, "EUR")
    assert found["why"] == (
        "Stripe converted this from USD into 9000 minor units of EUR. The books keep each currency for itself: nothing "
        "was posted of it, nor of Stripe's fee. Give the platform's account at Stripe a balance in USD, so that the "
        "next is not converted, and explain this one with a note."
    )


def test_what_is_parked_or_stale_or_below_zero_is_listed_the_oldest_first() -> None:
    payout = a_payout()
    StripeEvent.objects.create(
        stripe_id="evt_1", type="transfer.created", object_id="tr_1", state="parked", last_error="It fits nothing."
    )
    message = OutboxMessage.objects.filter(event="PayoutRequested").latest("created_at")
    message.state, message.last_error = OutboxMessage.State.PARKED, "Transfer tr_1 does not fit."
    message.save(update_fields=["state", "last_error"])
    grant_credit(client_owner="client:1", amount=Money(5, "EUR"), reason="To begin with.", by=Actor.system("test"))

    with clock.ahead_by(timedelta(days=2)):
        _, said = an_admin().get("money/exceptions/")

    found = [(each["kind"], each["subject"], each["why"], each["stripe"]) for each in said["exceptions"]]
    assert sorted(found) == [
        ("negative_balance", "loss of platform", "", []),
        ("parked_webhook", f"stripeevent:{StripeEvent.objects.get().pk}", "It fits nothing.", ["evt_1", "tr_1"]),
        ("stale_payout", payout.reference, "", []),
        ("unexplained", payout.reference, "Transfer tr_1 does not fit.", []),
    ]


def test_what_is_late_or_came_back_between_us_and_the_banks_is_listed() -> None:
    client = "client:1"
    late, returned = (_refund_of(a_funding(client, 1_000)) for _ in range(2))
    settle_refund(refund_id=returned.pk, seen=_seen(returned, RefundOutcome.SUCCEEDED))
    settle_refund(refund_id=returned.pk, seen=_seen(returned, RefundOutcome.FAILED))
    credit = _bounced_credit(client)
    account = a_ready_account("worker:1")
    with by_hand():
        PayoutAccount.objects.filter(pk=account.pk).update(shortfalls={"USD": -700})
    seen = BankPayoutState("po_1", usd(300), "failed", failure="account_closed", expected_at=clock.now())
    bank_payout = note_bank_payout(stripe_account_id=account.stripe_account_id, seen=seen)
    movement = StripeMovement.objects.create(
        stripe_id="txn_1",
        kind="payout",
        category="payout",
        amount_minor=-9,
        fee_minor=0,
        currency="SEK",
        moved_at=clock.now(),
    )

    with clock.ahead_by(timedelta(days=15)):
        _, said = an_admin().get("money/exceptions/")

    found = {each["kind"]: (each["subject"], each["amount_minor"], each["why"]) for each in said["exceptions"]}
    assert found == {
        "stale_refund": (late.reference, 1_000, ""),
        "failed_refund": (returned.reference, 1_000, "It was sent back."),
        "bounced_credit": (credit.reference, 50, "The bank did not pay."),
        "short_payout_account": (f"payoutaccount:{account.pk}", -700, ""),
        "failed_bank_payout": (f"bankpayout:{bank_payout.pk}", 300, "account_closed"),
        "unmatched_movement": (f"stripemovement:{movement.pk}", None, ""),
        "negative_balance": ("loss of platform", -50, ""),
    }


def _refund_of(funding: Funding) -> Refund:
    """All of a funding on its way back, as if Stripe had taken it on."""
    (refund,) = request_refund(client_owner=funding.client_owner, amount=funding.amount, by=SOMEBODY)
    sending._begin(ERRAND, refund.pk)
    settle_refund(refund_id=refund.pk, seen=_seen(refund, RefundOutcome.PENDING))
    return refund


def _seen(refund: Refund, outcome: RefundOutcome) -> RefundState:
    return RefundState(
        f"re_{refund.pk}",
        outcome,
        refund.amount,
        refund.funding.payment_intent_id,
        refund.reference,
        "It was sent back.",
    )


def _bounced_credit(client: str) -> Credit:
    """A credit against a payment that its bank was bringing, and did not."""
    funding = request_funding(
        client_owner=client, email="a@assay.test", amount=usd(100), success_url="https://assay.test/paid", by=SOMEBODY
    )
    open_checkout(funding_id=funding.pk, checkout=Checkout("cs_late", "https://stripe.test/pay", None))
    coming = CheckoutState(
        paid=False, amount_minor=100, currency="USD", payment_intent_id="pi_late", expired=False, processing=True
    )
    book_checkout(funding_id=funding.pk, checkout=coming)
    credit = grant_credit(
        client_owner=client, amount=usd(50), reason="To begin with.", by=SOMEBODY, funding_id=funding.pk
    )
    book_checkout(funding_id=funding.pk, checkout=replace(coming, processing=False, failure="The bank did not pay."))
    return credit


def test_payouts_on_their_way_are_listed_with_their_age() -> None:
    payout = a_payout()

    with clock.ahead_by(timedelta(hours=1)):
        status, page = an_admin().get("money/in-flight/")

    (row,) = page["results"]
    assert (status, row["id"], row["state"], row["amount_minor"]) == (200, str(payout.pk), "requested", 2_000)
    assert 3_600 <= row["age_seconds"] < 3_700


def test_only_finance_and_auditors_look() -> None:
    worker = Person(a_worker().user)

    assert code_of(worker.get("money/exceptions/")) == (403, "not_allowed")
    assert code_of(worker.get("money/in-flight/")) == (403, "not_allowed")

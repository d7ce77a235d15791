"""The operators' console for money: rows cannot be edited, what was left behind can be driven on."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from billing.demo.stripe_double import DoubleControl
from billing.models import (
    BankPayout,
    Credit,
    Dispute,
    Funding,
    LedgerAccount,
    LedgerEntry,
    Payout,
    PayoutAccount,
    PayoutSchedule,
    Posting,
    Refund,
    StripeEvent,
    StripeMovement,
)
from billing.services.bank_payouts import follow_bank_payout
from billing.services.credits import grant_credit
from billing.services.disputes import follow_dispute
from billing.services.payout_schedules import set_schedule
from billing.services.reconciliation import reconcile
from billing.services.refunds import request_refund
from billing.services.stripe_inbox import store_event
from kernel.models import AuditEvent
from tests.billing.builders import SOMEBODY, a_client, usd
from tests.billing.flows import a_payout, now_of, paid_in, run_relay
from tests.billing.test_stripe_inbox import signed
from tests.kernel.people import an_operator, console_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]

MONEY = [LedgerAccount, Posting, LedgerEntry, Funding, Credit, Refund, Dispute]
TABLES = [*MONEY, PayoutAccount, PayoutSchedule, Payout, BankPayout, StripeEvent, StripeMovement]


@pytest.fixture
def operator() -> Client:
    return console_of(an_operator())


def act(operator: Client, row: Payout | StripeEvent, action: str) -> list[str]:
    address = reverse(f"admin:billing_{row._meta.model_name}_changelist")
    answer = operator.post(address, {"action": action, "_selected_action": [str(row.pk)]}, follow=True)
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_shown_and_not_edited(operator: Client, stripe: DoubleControl, table: type[Payout]) -> None:
    request_refund(client_owner=a_client(1_000), amount=usd(100), by=SOMEBODY)
    paid_in(stripe, 10_000)
    payout = a_payout(stripe)
    run_relay()
    for sent_on in stripe.settle():
        follow_bank_payout(stripe_payout_id=sent_on["id"], stripe_account_id=payout.payout_account.stripe_account_id)
    grant_credit(client_owner="client:1", amount=usd(100), reason="To look at.", by=SOMEBODY)
    follow_dispute(stripe_dispute_id=stripe.dispute(paid_in(stripe, 500).payment_intent_id)["id"])
    reconcile()
    set_schedule(owner=payout.owner, every=PayoutSchedule.Every.WEEK, minimum_minor=100, by=SOMEBODY)
    store_event(**signed("invoice.finalized", {"id": "in_1", "object": "invoice"}))
    row = table.objects.order_by("pk")[0]
    name = f"admin:billing_{table._meta.model_name}"

    listed, shown = operator.get(reverse(f"{name}_changelist")), operator.get(reverse(f"{name}_change", args=[row.pk]))

    assert (listed.status_code, shown.status_code) == (200, 200)
    assert admin.site.is_registered(table)
    assert operator.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
    assert operator.get(reverse(f"{name}_add")).status_code == 403
    assert operator.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_an_operator_drives_a_payout_on(operator: Client, stripe: DoubleControl) -> None:
    payout = a_payout(stripe, 5_000)
    run_relay()
    paid_in(stripe, 10_000)

    assert act(operator, payout, "drive_on") == ["1 payouts are on their way."]
    run_relay()

    assert now_of(payout).state == "settled"
    assert AuditEvent.objects.get(action="payout.driven_again").actor_kind == "user"
    assert act(operator, payout, "drive_on") == [f"Payout {payout.pk} is settled: there is nothing left to send."]


@pytest.mark.usefixtures("stripe")
def test_an_operator_processes_a_parked_event_again(operator: Client) -> None:
    event = store_event(**signed("transfer.created", {"id": "tr_unknown", "object": "transfer"}))
    run_relay()

    assert act(operator, event, "process_again") == ["1 events will be processed again."]
    assert now_of(event).state == "stored"

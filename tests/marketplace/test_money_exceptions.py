"""What finance has to look at, with its evidence; and what is on its way."""

from datetime import timedelta

import pytest

from billing.demo.stripe_double import DoubleControl
from billing.models import Payout, StripeEvent
from billing.services.credits import grant_credit
from billing.services.payouts import request_payout
from kernel import clock
from kernel.models import OutboxMessage
from kernel.money import Money
from kernel.services.audit import Actor
from tests.billing.builders import a_ready_account, earn, usd
from tests.billing.flows import run_relay
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

"""One's own money over HTTP, and the door for Stripe's webhooks."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from billing.demo.stripe_double import DoubleControl
from billing.models import Payout, PayoutAccount, StripeEvent
from billing.services.payout_accounts import refresh_payout_account
from kernel import clock
from tests.billing.builders import Kind, a_ready_account, earn, held
from tests.billing.flows import an_open_page, now_of, onboarded, run_relay
from tests.billing.stripe_double.world import SECRET
from tests.billing.test_stripe_inbox import signed
from tests.kernel.people import a_user, browser_of, error_of
from tests.marketplace.api_people import Person, code_of
from tests.workforce.people import a_worker as approved
from workforce.models import Worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]

CHANGE = "/api/v1/payout-account/change/"
PAYOUTS, ACCOUNT, LINK = "/api/v1/payouts/", "/api/v1/payout-account/", "/api/v1/payout-account/onboarding-link/"
EARNINGS, STATEMENT = "/api/v1/earnings/", "/api/v1/earnings/statement/"


def a_worker(minor: int = 0, *, ready: bool = False) -> tuple[Worker, APIClient]:
    """A signed-in worker who has earned so much."""
    user = a_user()
    worker = approved(user=user)
    if minor:
        earn(worker.billing_owner, minor)
    if ready:
        a_ready_account(worker.billing_owner)
    return worker, browser_of(user)


def post(browser: APIClient, address: str, body: dict[str, Any], **headers: str) -> Any:
    return browser.post(address, body, format="json", headers=headers)


@pytest.mark.parametrize(
    "address", [EARNINGS, STATEMENT, PAYOUTS, ACCOUNT, f"{PAYOUTS}8ba5778a-708a-497f-bb5b-8c7ed41c78f2/"]
)
def test_who_is_no_worker_has_no_earnings_here(address: str) -> None:
    assert error_of(browser_of().get(address)) == (401, "not_signed_in")
    assert error_of(browser_of(a_user()).get(address)) == (403, "not_allowed")
    assert error_of(browser_of(a_user(admin=True)).get(address)) == (403, "not_allowed")


def test_a_payout_is_requested_shown_and_listed() -> None:
    _, browser = a_worker(5_000, ready=True)

    asked = post(browser, PAYOUTS, {"amount_minor": 2_000})

    assert asked.status_code == 201
    shown = asked.json()
    assert {name: shown[name] for name in shown if name not in ("id", "created_at")} == {
        "state": "requested",
        "amount_minor": 2_000,
        "returned_minor": 0,
        "currency": "USD",
        "failure": "",
        "sent_at": None,
        "finished_at": None,
        "held_until": None,
    }
    assert browser.get(f"{PAYOUTS}{shown['id']}/").json() == shown
    assert browser.get(PAYOUTS).json() == {"results": [shown], "next_cursor": None}
    assert browser.get(PAYOUTS, {"state": "settled"}).json()["results"] == []


def test_without_an_amount_all_is_paid_out() -> None:
    _, browser = a_worker(5_000, ready=True)

    assert post(browser, PAYOUTS, {}).json()["amount_minor"] == 5_000


def test_one_key_makes_one_payout() -> None:
    _, browser = a_worker(5_000, ready=True)
    headers = {"Idempotency-Key": "withdraw-1"}

    first = browser.post(PAYOUTS, {"amount_minor": 2_000}, format="json", headers=headers)
    again = browser.post(PAYOUTS, {"amount_minor": 2_000}, format="json", headers=headers)
    other = browser.post(PAYOUTS, {"amount_minor": 2_001}, format="json", headers=headers)

    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert error_of(other) == (409, "idempotency_key_reused")
    assert Payout.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"amount_minor": -1},
        {"amount_minor": 1.5},
        {"amount_minor": "100"},
        {"amount_minor": True},
        {"amount_minor": None},
        {"amount_minor": 10**15 + 1},
        {"amount_minor": 500, "currency": "usd"},
        {"amount_minor": 500, "currency": "BTC"},
        {"amount_minor": 500, "state": "settled"},
        {"amount_minor": 500, "owner": "client:1"},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(body: dict[str, Any]) -> None:
    worker, browser = a_worker(5_000, ready=True)

    assert error_of(post(browser, PAYOUTS, body)) == (400, "invalid")
    assert held(Kind.WORKER_EARNINGS, worker.billing_owner) == 5_000


def test_what_cannot_be_paid_out_is_refused_with_its_reason() -> None:
    _, without_account = a_worker(5_000)
    _, ready = a_worker(5_000, ready=True)

    assert error_of(post(without_account, PAYOUTS, {})) == (409, "payout_account_missing")
    assert error_of(post(ready, PAYOUTS, {"amount_minor": 5_001})) == (409, "insufficient_funds")
    assert error_of(post(ready, PAYOUTS, {"amount_minor": 99})) == (409, "payout_below_minimum")
    assert error_of(post(ready, PAYOUTS, {"currency": "EUR"})) == (409, "payout_below_minimum")


def test_a_payout_is_called_off() -> None:
    worker, browser = a_worker(5_000, ready=True)
    address = f"{PAYOUTS}{post(browser, PAYOUTS, {}).json()['id']}/cancel/"

    first, again = post(browser, address, {}), post(browser, address, {})

    assert (first.status_code, first.json()["state"], again.json()) == (200, "cancelled", first.json())
    assert held(Kind.WORKER_EARNINGS, worker.billing_owner) == 5_000


def test_somebody_elses_payout_is_not_there() -> None:
    _, mine = a_worker(5_000, ready=True)
    _, other = a_worker(5_000, ready=True)
    address = f"{PAYOUTS}{post(mine, PAYOUTS, {}).json()['id']}/"

    assert error_of(other.get(address)) == (404, "not_found")
    assert error_of(post(other, f"{address}cancel/", {})) == (404, "not_found")
    assert other.get(PAYOUTS).json()["results"] == []
    assert Payout.objects.get().state == "requested"


def test_a_payout_account_is_opened_once() -> None:
    worker, browser = a_worker()
    assert error_of(browser.get(ACCOUNT)) == (409, "payout_account_missing")

    first, again = post(browser, ACCOUNT, {}), post(browser, ACCOUNT, {})

    assert (first.status_code, again.json()) == (201, first.json())
    account = PayoutAccount.objects.get()
    assert (account.owner, account.country, account.prefill_email) == (
        worker.billing_owner,
        worker.country,
        worker.user.email,
    )
    shown = browser.get(ACCOUNT).json()
    assert {name: shown[name] for name in shown if name != "opened_at"} == {
        "country": worker.country,
        "is_ready": False,
        "transfers_active": False,
        "payouts_enabled": False,
        "requirements_due": [],
        "disabled_reason": "",
        "failure": "",
        "refreshed_at": None,
        "held_until": None,
        "held_because": "",
    }


def test_an_onboarding_link_leads_to_stripes_page(stripe: DoubleControl) -> None:
    _, browser = a_worker()
    assert error_of(post(browser, LINK, {})) == (409, "payout_account_missing")
    post(browser, ACCOUNT, {})

    link = post(browser, LINK, {"return_url": "https://assay.test/done"})

    assert (link.status_code, sorted(link.json())) == (201, ["expires_at", "url"])
    assert stripe.press(link.json()["url"]) == (303, "https://assay.test/done")


def test_a_changed_payout_account_says_until_when_and_why_payouts_wait(stripe: DoubleControl) -> None:
    worker, browser = a_worker(5_000)
    onboarded(stripe, worker.billing_owner)
    assert [browser.get(ACCOUNT).json()[name] for name in ("is_ready", "held_until", "held_because")] == [
        True,
        None,
        "",
    ]

    changed = post(browser, CHANGE, {})

    assert (changed.status_code, changed.json()["is_ready"], changed.json()["held_because"]) == (
        201,
        False,
        "new_account",
    )
    assert error_of(post(browser, PAYOUTS, {})) == (409, "payout_account_not_ready")
    assert error_of(post(browser, CHANGE, {})) == (409, "wrong_state")
    stripe.press(post(browser, LINK, {}).json()["url"])
    refresh_payout_account(stripe_account_id=PayoutAccount.objects.get(replaced_at=None).stripe_account_id)
    payout = post(browser, PAYOUTS, {}).json()
    run_relay()
    shown = browser.get(ACCOUNT).json()
    assert (shown["is_ready"], shown["held_because"]) == (True, "new_account")
    waiting = browser.get(f"{PAYOUTS}{payout['id']}/").json()
    assert (waiting["state"], waiting["held_until"]) == ("requested", shown["held_until"])
    assert browser.get(PAYOUTS).json()["results"] == [waiting]
    with clock.ahead_by(timedelta(hours=72, minutes=1)):
        later = browser_of(worker.user)
        assert [later.get(ACCOUNT).json()[name] for name in ("held_until", "held_because")] == [None, ""]


def test_where_payouts_go_is_said_in_person(stripe: DoubleControl) -> None:  # [B033, B139]
    worker, _ = a_worker()
    onboarded(stripe, worker.billing_owner)
    program = Person(worker.user)

    for path in ("payout-account/change/", "payout-account/onboarding-link/"):
        assert code_of(program.post(path)) == (403, "not_allowed")
    assert PayoutAccount.objects.count() == 1


def test_while_stripe_is_down_there_is_no_link(stripe: DoubleControl) -> None:
    _, browser = a_worker()
    post(browser, ACCOUNT, {})
    stripe.fault("*", "drop_before", times=None)

    assert error_of(post(browser, LINK, {})) == (409, "stripe_unavailable")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "//assay.test",
        "ftp://assay.test/x",
        "https://user@assay.test",
        "https://assay.test:x",
        "https:\\\\assay.test",
        "done",
    ],
)
@pytest.mark.usefixtures("stripe")
def test_a_browser_is_sent_to_plain_addresses_only(address: str) -> None:
    _, browser = a_worker()
    post(browser, ACCOUNT, {})

    assert error_of(post(browser, LINK, {"return_url": address})) == (400, "invalid")


def test_an_onboarding_link_without_an_account_at_stripe_is_refused_with_what_is_missing(settings: Settings) -> None:
    settings.STRIPE_API_KEY = ""
    _, browser = a_worker()
    post(browser, ACCOUNT, {})

    answer = post(browser, LINK, {})

    assert error_of(answer) == (409, "stripe_not_set_up")
    assert answer.json()["message"].endswith("whoever runs this installation must set STRIPE_API_KEY.")


def test_a_webhook_that_is_too_large_is_answered_as_programs_read_it() -> None:
    answer = Browser().post("/webhooks/stripe/", b"{" + b" " * 2_700_000, content_type="application/json")

    assert (answer.status_code, answer.json()) == (
        413,
        {"code": "body_too_large", "message": "The body is larger than what is read here."},
    )


def test_without_a_webhook_secret_no_webhook_is_believed(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRET = ""
    hook = signed("invoice.finalized", {"id": "in_1", "object": "invoice"})

    answer = Browser().post(
        "/webhooks/stripe/",
        hook["raw_body"],
        content_type="application/json",
        headers={"Stripe-Signature": hook["signature"]},
    )

    assert error_of(answer) == (400, "webhook_refused")


@pytest.mark.usefixtures("stripe")
def test_a_signed_webhook_is_stored_and_answered() -> None:
    hook = signed("invoice.finalized", {"id": "in_1", "object": "invoice"})

    answers = [
        Browser().post(
            "/webhooks/stripe/",
            hook["raw_body"],
            content_type="application/json",
            headers={"Stripe-Signature": hook["signature"]},
        )
        for _ in range(2)
    ]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"received": True})] * 2
    assert StripeEvent.objects.get().type == "invoice.finalized"


@pytest.mark.usefixtures("stripe")
@pytest.mark.parametrize("signature", ["", "t=1,v1=00", "nonsense", "t=x,v1="])
def test_a_forged_webhook_is_refused_and_not_stored(signature: str) -> None:
    answer = Browser().post(
        "/webhooks/stripe/", b"{}", content_type="application/json", headers={"Stripe-Signature": signature}
    )

    assert error_of(answer) == (400, "webhook_refused")
    assert StripeEvent.objects.count() == 0
    assert Browser().get("/webhooks/stripe/").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_a_webhook_really_sent_credits_a_client(stripe: DoubleControl, live_server: LiveServer) -> None:
    stripe.webhooks(url=f"{live_server.url}/webhooks/stripe/", secret=SECRET, duplicated=0.5, shuffle_seconds=0.2)
    funding = an_open_page()

    stripe.press(funding.checkout_url)
    stripe.wait_for_webhooks()
    run_relay()

    assert (now_of(funding).state, held(Kind.CLIENT_FUNDS, "client:1")) == ("settled", 10_000)
    assert StripeEvent.objects.filter(state="processed").count() == 5

"""A payout account is made once at Stripe, and what it may do is what Stripe said last."""

from datetime import timedelta

import pytest

from billing.demo.stripe_double import DoubleControl
from billing.models import PayoutAccount
from billing.services.payout_accounts import (
    PayoutAccountMissing,
    PayoutAccountRefused,
    onboarding_link,
    open_payout_account,
    refresh_payout_account,
)
from billing.services.stragglers import drive_stragglers
from kernel import clock
from tests.billing.builders import SOMEBODY
from tests.billing.flows import onboarded, posts_to, run_relay, run_relay_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


def opened(*, country: str = "US", email: str = "worker@assay.test") -> PayoutAccount:
    return open_payout_account(owner="payee:1", email=email, country=country, by=SOMEBODY)


def the_account() -> PayoutAccount:
    return PayoutAccount.objects.get()


def test_an_account_is_opened_once_for_each_owner(stripe: DoubleControl) -> None:
    assert opened() == opened(country="DE")
    run_relay()
    assert opened() == the_account()
    run_relay()

    account = the_account()
    assert (account.country, account.stripe_account_id[:5], account.prefill_email) == ("US", "acct_", "")
    assert posts_to(stripe, "/v1/accounts") == [f"payout_account:{account.pk}:1"]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "html_after", "rate_limited", "server_error_after"])
def test_an_account_is_made_whatever_the_network_does(stripe: DoubleControl, kind: str) -> None:
    stripe.fault("POST /v1/accounts", kind, times=2)

    opened()
    run_relay_for(minutes=30)

    assert the_account().stripe_account_id != ""


def test_what_stripe_refuses_is_said_and_may_be_tried_otherwise(stripe: DoubleControl) -> None:
    opened(email="")
    run_relay()

    assert the_account().failure.startswith("You passed an empty string for 'email'.")
    with pytest.raises(PayoutAccountRefused, match="Stripe will not make this payout account: You passed an empty"):
        onboarding_link(owner="payee:1", return_url="https://assay.test/done")

    opened(country="DE")
    run_relay()
    assert (the_account().failure, the_account().country, the_account().stripe_account_id != "") == ("", "DE", True)


def test_a_link_does_not_wait_for_the_relay(stripe: DoubleControl) -> None:
    opened()

    link = onboarding_link(owner="payee:1", return_url="https://assay.test/done")
    run_relay()

    assert link.url.startswith(stripe.base_url)
    assert len(posts_to(stripe, "/v1/accounts")) == 1


def test_without_an_account_there_is_no_link() -> None:
    with pytest.raises(PayoutAccountMissing):
        onboarding_link(owner="payee:1", return_url="https://assay.test/done")


def test_an_account_says_what_is_missing_until_it_is_ready(stripe: DoubleControl) -> None:
    opened()
    run_relay()
    refresh_payout_account(stripe_account_id=the_account().stripe_account_id)
    assert the_account().requirements_due == [
        "external_account",
        "individual.dob.day",
        "individual.first_name",
        "tos_acceptance.date",
    ]
    assert the_account().is_ready is False

    assert onboarded(stripe, "payee:1").is_ready is True
    assert the_account().requirements_due == []


def test_an_older_answer_does_not_overwrite_a_later_one(stripe: DoubleControl) -> None:
    account = onboarded(stripe, "payee:1")
    stripe.set_capability(account.stripe_account_id, capability="transfers", status="inactive")

    with clock.ahead_by(timedelta(minutes=-5)):
        refresh_payout_account(stripe_account_id=account.stripe_account_id)
    assert the_account().is_ready is True

    refresh_payout_account(stripe_account_id=account.stripe_account_id)
    assert the_account().is_ready is False


def test_an_onboarding_whose_webhook_was_lost_is_noticed_by_the_sweep(stripe: DoubleControl) -> None:
    opened()
    stripe.press(onboarding_link(owner="payee:1", return_url="https://assay.test/done").url)

    drive_stragglers()

    assert the_account().is_ready is True

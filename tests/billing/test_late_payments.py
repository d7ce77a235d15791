"""Bank debits count when their bank has brought the money, and not before; a bounce counts for nothing."""

from datetime import timedelta

import pytest
from django.test import override_settings

from billing.demo.stripe_double import DoubleControl
from billing.models import Credit, Funding, Posting, StripeEvent
from billing.services.credits import CreditTooLarge, grant_credit, take_credit_back
from billing.services.funding import settle_funding
from billing.services.ledger import InsufficientFunds
from billing.services.refunds import CreditIsOpen, request_refund
from billing.services.stragglers import drive_stragglers
from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from kernel.models import AuditEvent, OutboxMessage
from tests.billing.builders import SOMEBODY, Kind, a_funding, a_job, held, usd
from tests.billing.flows import an_open_page, now_of, paid_in, run_relay, take_in
from tests.billing.stripe_double.world import Receiver, available, client_of
from tests.concurrency.crowd import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]

CLIENT = "client:1"


def debited(stripe: DoubleControl, minor: int = 10_000, *, card: str = "pm_usBankAccount_success") -> Funding:
    """A funding that its payer's bank is bringing, and that we know of."""
    funding = an_open_page(minor)
    stripe.press(funding.checkout_url, card=card)
    settle_funding(funding_id=funding.pk)
    processing: Funding = now_of(funding)
    return processing


def money() -> tuple[int, int]:
    """The client's funds, and what the platform bears."""
    return held(Kind.CLIENT_FUNDS, CLIENT), held(Kind.LOSS, "platform")


def a_credit(minor: int, *, funding: Funding | None = None) -> Credit:
    return grant_credit(
        client_owner=CLIENT,
        amount=usd(minor),
        reason="Their bank is slow.",
        by=SOMEBODY,
        funding_id=funding.pk if funding else None,
    )


def test_a_bank_debit_counts_when_it_has_settled(stripe: DoubleControl) -> None:
    funding = debited(stripe)
    assert (funding.state, money(), Posting.objects.count()) == ("processing", (0, 0), 0)

    stripe.end_debits()
    settle_funding(funding_id=funding.pk)

    assert (now_of(funding).state, money()) == ("settled", (10_000, 0))


def test_a_bank_debit_that_bounces_counts_for_nothing_and_says_why(stripe: DoubleControl) -> None:
    funding = debited(stripe, card="pm_usBankAccount_accountClosed")

    stripe.end_debits()
    settle_funding(funding_id=funding.pk)

    failed = now_of(funding)
    assert (failed.state, failed.failure) == ("failed", "The bank account could not be debited (account_closed).")
    assert (money(), OutboxMessage.objects.filter(event="FundingFailed").count()) == ((0, 0), 1)
    assert AuditEvent.objects.filter(action="funding.failed", subject_id=str(funding.pk)).count() == 1


@pytest.mark.parametrize(
    ("failure", "state", "funds"), [(None, "settled", 10_000), ("insufficient_funds", "failed", 0)]
)
def test_webhooks_bring_what_became_of_it(
    stripe: DoubleControl, webhooks: Receiver, failure: str | None, state: str, funds: int
) -> None:
    funding = an_open_page()
    stripe.press(funding.checkout_url, card="pm_usBankAccount_success")
    stripe.wait_for_webhooks()
    take_in(webhooks, 1)
    run_relay()
    assert now_of(funding).state == "processing"

    stripe.end_debits(failure_code=failure)
    stripe.wait_for_webhooks()
    take_in(webhooks, 1)
    run_relay()

    assert (now_of(funding).state, money()) == (state, (funds, 0))
    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"processed"}


def test_without_webhooks_the_stragglers_find_it(stripe: DoubleControl) -> None:
    funding = debited(stripe)
    stripe.end_debits()

    with clock.ahead_by(timedelta(minutes=11)):
        drive_stragglers()

    assert (now_of(funding).state, money()) == ("settled", (10_000, 0))


def test_what_came_by_bank_debit_can_go_back(stripe: DoubleControl) -> None:
    funding = debited(stripe)
    stripe.end_debits()
    settle_funding(funding_id=funding.pk)

    (refund,) = request_refund(client_owner=CLIENT, amount=usd(4_000), by=SOMEBODY)
    run_relay()

    assert (now_of(refund).state, money()) == ("settled", (6_000, 0))


def test_what_is_charged_is_pending_first_and_sent_on_when_it_is_available(stripe: DoubleControl) -> None:
    stripe.keep_pending(seconds=2 * 86_400)
    paid_in(stripe, 10_000)
    api = client_of(stripe)
    assert (available(api), api.v1.balance.retrieve().pending[0].amount) == (0, 10_000)

    stripe.advance(seconds=2 * 86_400)

    assert (available(api), api.v1.balance.retrieve().pending[0].amount) == (10_000, 0)
    assert [txn.status for txn in api.v1.balance_transactions.list().data] == ["available"]


def test_a_credit_can_be_spent_at_once_and_is_borne_by_the_platform() -> None:
    credit = a_credit(5_000)
    a_job(CLIENT, 3_000)

    assert (credit.state, money()) == ("granted", (2_000, -5_000))
    assert AuditEvent.objects.get(action="credit.granted").why == "Their bank is slow."


def test_a_credit_against_a_payment_goes_back_when_it_settles(stripe: DoubleControl) -> None:
    funding = debited(stripe)
    credit = a_credit(8_000, funding=funding)
    a_job(CLIENT, 8_000)

    stripe.end_debits()
    settle_funding(funding_id=funding.pk)

    assert (now_of(credit).state, money()) == ("taken_back", (2_000, 0))


def test_a_credit_whose_payment_bounces_stays_with_the_platform(stripe: DoubleControl) -> None:
    funding = debited(stripe)
    credit = a_credit(8_000, funding=funding)
    a_job(CLIENT, 8_000)

    stripe.end_debits(failure_code="insufficient_funds")
    settle_funding(funding_id=funding.pk)

    assert (now_of(credit).state, now_of(funding).state, money()) == ("granted", "failed", (0, -8_000))


def test_a_credit_is_taken_back_once_and_only_while_it_is_there() -> None:
    credit = a_credit(5_000)
    a_job(CLIENT, 1)

    def take(client: str = CLIENT) -> Credit:
        return take_credit_back(credit_id=credit.pk, client_owner=client, why="They paid by cheque.", by=SOMEBODY)

    with pytest.raises(InsufficientFunds):
        take()
    a_credit(1)
    take()
    with pytest.raises(WrongState):
        take()
    with pytest.raises(NotFound):
        take("client:2")

    assert money() == (0, -1)


def test_what_is_left_covers_what_was_advanced_before_anything_goes_back() -> None:
    a_funding(CLIENT, 10_000)
    credit = a_credit(3_000)
    a_job(CLIENT, 4_000)

    with pytest.raises(CreditIsOpen) as refusal:
        request_refund(client_owner=CLIENT, amount=usd(6_001), by=SOMEBODY)
    request_refund(client_owner=CLIENT, amount=usd(6_000), by=SOMEBODY)
    with pytest.raises(CreditIsOpen):
        request_refund(client_owner=CLIENT, amount=usd(1), by=SOMEBODY)

    assert refusal.value.details == {"asked_minor": 6_001, "free_minor": 6_000, "currency": "USD"}
    take_credit_back(credit_id=credit.pk, client_owner=CLIENT, why="It was paid in another way.", by=SOMEBODY)
    assert money() == (0, 0)


def test_credits_have_a_reason_a_cap_and_a_payment_of_the_same_client(stripe: DoubleControl) -> None:
    funding, settled = debited(stripe, 1_000), paid_in(stripe, 500)
    with override_settings(CREDIT_CAP_MINOR=3_000):
        a_credit(2_500)
        with pytest.raises(CreditTooLarge, match=r"5\.00 USD of that is left"):
            a_credit(501)
        a_credit(500)
    with pytest.raises(CreditTooLarge, match="on its way"):
        a_credit(1_001, funding=funding)
    with pytest.raises(WrongState):
        a_credit(100, funding=settled)
    with pytest.raises(NotFound):
        grant_credit(client_owner="client:2", amount=usd(1), reason="No.", by=SOMEBODY, funding_id=funding.pk)
    with pytest.raises(Invalid):
        grant_credit(client_owner=CLIENT, amount=usd(1), reason=" ", by=SOMEBODY)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_credits_at_once_stay_within_the_cap(db: None) -> None:
    with override_settings(CREDIT_CAP_MINOR=3_000):
        outcomes = at_once([lambda: a_credit(1_000)] * 8)

    assert sum(isinstance(outcome, Credit) for outcome in outcomes) == 3
    assert {type(outcome) for outcome in outcomes} == {Credit, CreditTooLarge}
    assert money() == (3_000, -3_000)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_payment_that_settles_while_its_credit_is_taken_back_ends_it_once(stripe: DoubleControl) -> None:
    funding = debited(stripe)
    credit = a_credit(8_000, funding=funding)
    stripe.end_debits()

    def settle() -> None:
        settle_funding(funding_id=funding.pk)

    def take_back() -> None:
        take_credit_back(credit_id=credit.pk, client_owner=CLIENT, why="By hand.", by=SOMEBODY)

    outcomes = at_once([settle, take_back, settle, take_back])

    assert {type(outcome) for outcome in outcomes} <= {type(None), WrongState}
    assert (now_of(credit).state, now_of(funding).state, money()) == ("taken_back", "settled", (10_000, 0))

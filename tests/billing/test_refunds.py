"""What a client did not spend goes back once, along the payments it came by."""

import pytest

from billing.demo.stripe_double import DoubleControl
from billing.events import RefundRequested
from billing.models import Funding, Refund
from billing.services import escrow
from billing.services.ledger import InsufficientFunds
from billing.services.refunds import request_refund, send_refund, settle_refund
from billing.services.sending import Unexplained
from billing.stripe_gateway import RefundOutcome, RefundState, find_refunds
from kernel.errors import Invalid
from kernel.flow import move
from kernel.models import OutboxMessage
from kernel.money import Money
from tests.billing.builders import SOMEBODY, Kind, a_client, a_funding, a_job, held, usd
from tests.billing.flows import now_of, paid_in, posts_to, run_relay, run_relay_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]

CLIENT = "client:1"


def money_of(client: str) -> tuple[int, int, int]:
    """Funds, in flight, and what has come in less what has gone back."""
    outside = -held(Kind.OUTSIDE_WORLD, client)
    return held(Kind.CLIENT_FUNDS, client), held(Kind.REFUNDS_IN_FLIGHT, client), outside


def refund(minor: int, *, client: str = CLIENT) -> list[Refund]:
    return request_refund(client_owner=client, amount=usd(minor), by=SOMEBODY)


def refunded(stripe: DoubleControl) -> int:
    return stripe.totals()["usd"]["refunded"]


def said(row: Refund, outcome: RefundOutcome, **changes: object) -> RefundState:
    values = {
        "refund_id": row.stripe_refund_id or "re_1",
        "outcome": outcome,
        "amount": row.amount,
        "payment_intent_id": row.funding.payment_intent_id,
        "refund_group": row.reference,
        "failure_reason": "",
    }
    return RefundState(**{**values, **changes})  # type: ignore[arg-type]  # the fields are as typed above


def begun(row: Refund) -> Refund:
    """As it stands between asking Stripe and hearing of it."""
    row.attempt, row.attempt_began_at = 1, row.created_at
    move(row, Refund.State.SENDING, by=SOMEBODY, why="begun", fields=["attempt", "attempt_began_at"])
    begun_row: Refund = now_of(row)
    return begun_row


def test_what_stripe_does_not_move_is_not_set_aside() -> None:
    client = a_client(10_000, currency="KWD")

    with pytest.raises(Invalid, match="its last digit has to be 0"):
        request_refund(client_owner=client, amount=Money(1_234, "KWD"), by=SOMEBODY)

    assert Refund.objects.count() == 0


def test_a_refund_sets_funds_aside_at_once() -> None:
    client = a_client(1_000)

    (row,) = refund(400, client=client)

    assert (row.state, row.amount, money_of(client)) == ("requested", usd(400), (600, 400, 1_000))
    assert row.funding.refunded_minor == 400


def test_the_newest_payments_go_back_first() -> None:
    client = "client:many"
    fundings = [a_funding(client, minor) for minor in (300, 200, 100)]

    first, second = refund(250, client=client), refund(100, client=client)

    assert [(row.funding, row.amount_minor) for row in first] == [(fundings[2], 100), (fundings[1], 150)]
    assert [(row.funding, row.amount_minor) for row in second] == [(fundings[1], 50), (fundings[0], 50)]
    assert [now_of(funding).refunded_minor for funding in fundings] == [50, 200, 100]


def test_what_is_held_for_a_job_is_not_refunded() -> None:
    client = a_client(1_000)
    job = a_job(client, 700)

    with pytest.raises(InsufficientFunds, match=r"4\.00 USD are needed and 3\.00 USD are there"):
        refund(400, client=client)
    assert (Refund.objects.count(), money_of(client)) == (0, (300, 0, 1_000))

    escrow.release_all_but(job_owner=job, client_owner=client, keep=usd(0))
    refund(1_000, client=client)
    assert money_of(client) == (0, 1_000, 1_000)


def test_more_than_was_paid_in_is_not_refunded() -> None:  # [B198]
    client = a_client(1_000)
    refund(900, client=client)

    with pytest.raises(InsufficientFunds, match=r"only 1\.00 USD of what was paid in have not been refunded yet"):
        refund(101, client=client)

    assert money_of(client) == (100, 900, 1_000)


@pytest.mark.parametrize("minor", [0, -1])
def test_a_refund_is_a_positive_amount(minor: int) -> None:
    with pytest.raises(ValueError, match="A refund is a positive amount"):
        refund(minor, client=a_client(1_000))


def test_a_refund_is_sent_and_settled(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)

    (row,) = refund(4_000)
    run_relay()

    settled = now_of(row)
    assert (settled.state, settled.stripe_refund_id[:3]) == ("settled", "re_")
    assert (money_of(CLIENT), refunded(stripe)) == ((6_000, 0, 6_000), 4_000)


def test_a_refund_over_two_payments_is_two_refunds(stripe: DoubleControl) -> None:
    paid_in(stripe, 3_000)
    paid_in(stripe, 2_000)

    rows = refund(4_500)
    run_relay()

    assert [(row.amount_minor, now_of(row).state) for row in rows] == [(2_000, "settled"), (2_500, "settled")]
    assert (money_of(CLIENT), refunded(stripe)) == ((500, 0, 500), 4_500)


@pytest.mark.parametrize(
    "kind",
    [
        "drop_before",
        "drop_after",
        "html_after",
        "rate_limited",
        "conflict",
        "server_error_before",
        "server_error_after",
    ],
)
def test_a_refund_goes_back_once_whatever_the_network_does(stripe: DoubleControl, kind: str) -> None:
    paid_in(stripe, 10_000)
    stripe.fault("POST /v1/refunds", kind, times=2)

    (row,) = refund(4_000)
    run_relay_for(minutes=30)

    assert (now_of(row).state, refunded(stripe)) == ("settled", 4_000)
    assert len(find_refunds(payment_intent_id=row.funding.payment_intent_id, refund_group=row.reference)) == 1


def test_a_refund_is_sent_once_however_often_the_reaction_runs(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    (row,) = refund(4_000)

    for _ in range(3):
        send_refund(RefundRequested(refund_id=str(row.pk)))

    assert posts_to(stripe, "/v1/refunds") == [f"refund:{row.pk}:1"]


def test_what_stripe_refuses_is_available_again(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    Funding.objects.filter(pk=funding.pk).update(payment_intent_id="pi_unknown")

    (row,) = refund(4_000)
    run_relay()

    failed = now_of(row)
    assert (failed.state, money_of(CLIENT)) == ("failed", (10_000, 0, 10_000))
    assert "No such payment_intent" in failed.failure
    assert now_of(funding).refunded_minor == 0


def test_a_refund_that_stripe_has_not_finished_is_sent_but_not_settled() -> None:
    (row,) = refund(400, client=a_client(1_000))

    sent = settle_refund(refund_id=row.pk, seen=said(begun(row), RefundOutcome.PENDING))

    assert (sent.state, sent.stripe_refund_id) == ("sent", "re_1")
    assert money_of(row.funding.client_owner) == (600, 400, 1_000)


@pytest.mark.parametrize(
    ("outcome", "state", "money"),
    [(RefundOutcome.SUCCEEDED, "settled", (600, 0, 600)), (RefundOutcome.FAILED, "failed", (1_000, 0, 1_000))],
)
def test_a_sent_refund_ends_as_stripe_says(outcome: RefundOutcome, state: str, money: tuple[int, int, int]) -> None:
    (row,) = refund(400, client=a_client(1_000))
    sent = settle_refund(refund_id=row.pk, seen=said(begun(row), RefundOutcome.PENDING))

    for _ in range(2):
        settle_refund(refund_id=row.pk, seen=said(sent, outcome))

    assert (now_of(row).state, money_of(row.funding.client_owner)) == (state, money)


@pytest.mark.parametrize(
    "changes",
    [{"amount": usd(399)}, {"payment_intent_id": "pi_other"}, {"refund_group": "refund:other"}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_refund_at_stripe_that_does_not_fit_is_not_booked(changes: dict[str, object]) -> None:  # [B179]
    (row,) = refund(400, client=a_client(1_000))

    with pytest.raises(Unexplained, match="does not fit refund"):
        settle_refund(refund_id=row.pk, seen=said(begun(row), RefundOutcome.SUCCEEDED, **changes))

    assert money_of(row.funding.client_owner) == (600, 400, 1_000)


def test_nothing_is_owed_to_the_relay_when_a_refund_is_refused() -> None:
    client = a_client(1_000)
    before = OutboxMessage.objects.count()

    with pytest.raises(InsufficientFunds):
        refund(1_001, client=client)

    assert OutboxMessage.objects.count() == before

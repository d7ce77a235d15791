"""The promises about the money that is paid for work, and whose it is: what breaks one is seen."""

from collections.abc import Callable

import pytest

from billing.models import LedgerAccount, Posting
from billing.services import escrow, ledger
from billing.services.payouts import cancel_payout, request_payout
from kernel.models import IdempotencyRecord
from kernel.money import Money
from kernel.services.audit import Actor
from marketplace.models import Job
from marketplace.services.allocation import claim_task
from marketplace.services.completion import cancel_job
from marketplace.services.settlement import accept_due_assignments
from tests.billing.builders import SOMEBODY, a_ready_account, earn
from tests.marketplace.breaking import broken, broken_of, one_resolved_and_paid, sql, the_first_turn
from tests.marketplace.builders import a_client, a_draft, a_submitted_answer, a_worker, an_open_job, owner_of
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

BY_CLIENT = "funded is everything, client by client"
AGREED = "what is earned is what was agreed at the claim, lifts, bonuses and time"
PAID = "every accepted turn is paid once, as it was agreed, and no other is"
QUOTED = "every turn bears a price that its job quoted for its band"


def test_money_of_one_client_in_a_job_of_another_is_seen() -> None:
    job, other = an_open_job(), a_client(funds_minor=500)
    escrow.hold(job_owner=job.billing_owner, client_owner=other.billing_owner, amount=Money(30, "USD"), key="wrong")

    assert [fault for fault in broken() if "wrong" in fault[2]] == [
        (BY_CLIENT, other.billing_owner, f"30 USD of it went to {job.client.billing_owner} by wrong")
    ]


def test_a_reserve_that_an_ended_job_keeps_is_seen() -> None:
    job = an_open_job()
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    funds = ledger.AccountKey(LedgerAccount.Kind.CLIENT_FUNDS, job.client.billing_owner)
    reserve = ledger.AccountKey(LedgerAccount.Kind.PAY_RESERVE, job.billing_owner)
    entries = [ledger.Entry(funds, reserve, Money(70, "USD"))]
    ledger.post(key="reserve", kind=Posting.Kind.RESERVE_HELD, subject=job.billing_owner, entries=entries)

    promise = "an ended job that holds nothing for turns holds nothing for pay"
    assert broken() == [(promise, f"job {job.pk}", "is cancelled and holds 70 USD in reserve")]


def test_a_payout_of_a_suspended_worker_that_somebody_else_called_off_is_seen() -> None:
    job = one_resolved_and_paid()
    turn = the_first_turn()
    owner = turn.worker.billing_owner
    earn(owner, 200)
    a_ready_account(owner)
    payout = request_payout(owner=owner, amount=None, by=SOMEBODY)
    cancel_payout(payout_id=payout.pk, owner=owner, by=Actor.user(owner_of(job.client)))

    promise = "a suspended worker's balance stays payable"
    message = "of a worker who is active was called off by somebody else"
    assert broken_of(promise) == [(promise, f"payout {payout.pk}", message)]


def test_an_answer_kept_under_a_key_that_is_not_true_is_seen() -> None:
    user = a_user()
    body = {"id": str(user.pk), "amount_minor": 500, "currency": "USD"}
    kept = IdempotencyRecord.objects.create(
        user=user, key="k", path="/api/v1/payouts/", body_hmac="x", status=201, answer={"body": body}
    )

    promise = "an answer that is kept under a key is true"
    assert broken() == [(promise, f"answer {kept.pk}", f"tells of 500 USD as {user.pk}; there is nothing")]


def test_a_claim_that_may_be_changed_is_seen() -> None:
    sql("ALTER TABLE marketplace_assignment DISABLE TRIGGER a_claim_stands")

    assert broken() == [("the database guards what was agreed", "a_claim_stands", "It is not in force.")]


@pytest.mark.untrue("entries never change")
def test_an_accepted_turn_without_pay_is_seen() -> None:
    one_resolved_and_paid()
    turn = the_first_turn()
    sql("UPDATE billing_posting SET key = 'gone' WHERE key = %s", f"pay:{turn.pk}")

    assert [fault for fault in broken() if fault[0] == PAID] == [
        (PAID, f"assignment {turn.pk}", "is accepted, but not paid")
    ]


def test_pay_for_what_was_not_accepted_is_seen() -> None:
    job = one_resolved_and_paid()
    turn = the_first_turn()
    sql("UPDATE marketplace_assignment SET state = 'submitted', decided_at = NULL WHERE id = %s", turn.pk)

    assert (PAID, f"assignment {turn.pk}", "is submitted, but is paid") in broken()
    assert ("every assignment is what the audit says", f"assignment {turn.pk}",
            "is submitted, but the last that was told of it is accepted") in broken()  # fmt: skip
    assert job.state == "open"


def test_pay_of_another_amount_is_seen() -> None:
    job = one_resolved_and_paid()
    turn = the_first_turn()
    sql("UPDATE marketplace_assignment SET reward_minor = 11 WHERE id = %s", turn.pk)

    escrow, earnings = f"job_escrow job:{job.pk}", f"worker_earnings worker:{turn.worker_id}"
    moved = f"{escrow} > {earnings}: 10 USD, {escrow} > platform_fees job:{job.pk}: 2 USD"
    assert broken_of(PAID) == [(PAID, f"assignment {turn.pk}", f"is paid otherwise than agreed: {moved}")]
    assert {check for check, _, _ in broken()} == {PAID, BY_CLIENT, AGREED, QUOTED}


def test_pay_that_was_taken_back_is_seen() -> None:
    one_resolved_and_paid()
    turn = the_first_turn()
    ledger.reverse(posting_key=f"pay:{turn.pk}", key="undo")

    assert broken_of(PAID) == [(PAID, f"assignment {turn.pk}", "is accepted, but its pay was taken back")]
    assert {check for check, _, _ in broken()} == {PAID, BY_CLIENT, AGREED}


def move_money(job: Job, minor: int) -> None:
    entry = ledger.Entry(
        ledger.AccountKey(LedgerAccount.Kind.JOB_ESCROW, job.billing_owner),
        ledger.AccountKey(LedgerAccount.Kind.CLIENT_FUNDS, job.client.billing_owner),
        Money(abs(minor), "USD"),
    )
    entries = [entry if minor > 0 else ledger.Entry(entry.target, entry.source, entry.amount)]
    kind = Posting.Kind.ESCROW_RELEASED if minor > 0 else Posting.Kind.ESCROW_HELD
    ledger.post(key=f"move:{minor}", kind=kind, subject=job.billing_owner, entries=entries)


@pytest.mark.parametrize(
    "before",
    [
        lambda job: None,
        lambda job: claim_task(worker=a_worker(job), job_id=job.pk),
        a_submitted_answer,
    ],
    ids=["nothing done", "one turn taken", "one answered"],
)
def test_an_escrow_that_does_not_cover_the_worst_case_is_seen(before: Callable[[Job], object]) -> None:
    job = an_open_job(tasks=2)
    before(job)
    move_money(job, 1)

    promise = "a running job's escrow covers everything that it may come to cost"
    assert broken() == [(promise, f"job {job.pk}", "holds 71, and may cost 72 USD")]


def test_an_escrow_may_hold_more_than_is_still_needed_while_its_job_runs() -> None:
    job = an_open_job(tasks=2)
    a_submitted_answer(job)
    a_submitted_answer(job)
    accept_due_assignments()
    assert broken() == []


@pytest.mark.parametrize("minor", [1, -1])
def test_an_ended_job_that_holds_more_or_less_than_it_owes_is_seen(minor: int) -> None:
    job = an_open_job(tasks=3)
    claim_task(worker=a_worker(job), job_id=job.pk)
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    move_money(job, minor)

    promise = "a job that does not run holds what its turns may still cost, and no more"
    message = f"is cancelled and holds {12 - minor}; its turns may still cost 12 USD"
    assert broken() == [(promise, f"job {job.pk}", message)]


def test_a_draft_that_holds_money_is_seen() -> None:
    job = a_draft(client=a_client())
    move_money(job, -5)

    promise = "a job that does not run holds what its turns may still cost, and no more"
    assert broken() == [(promise, f"job {job.pk}", "is draft and holds 5; its turns may still cost 0 USD")]


@pytest.mark.untrue("balances equal their entries", "money in is money held, kept and out")
def test_books_that_do_not_add_up_are_seen() -> None:
    job = an_open_job()
    sql("UPDATE billing_ledgeraccount SET balance_minor = balance_minor + 1 WHERE owner = %s", job.billing_owner)

    adds_up = "money in is money held, kept and out"
    assert {check for check, _, _ in broken()} == {"balances equal their entries", adds_up, BY_CLIENT}

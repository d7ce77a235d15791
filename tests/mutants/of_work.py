"""Mutants of paying for work: of settlement, escrow and the end of a job."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from billing.models import Payout
from billing.queries.charges import Charge, ChargedFor
from billing.services import escrow, pay_reserve
from billing.services.bonuses import pay_bonus
from billing.services.escrow import Payment
from billing.services.pay_reserve import PayLift
from billing.services.payouts import cancel_payout, request_payout
from kernel import clock
from kernel.money import Money
from kernel.months import Month, month_of
from kernel.services.audit import Actor
from kernel.services.idempotency import Answer, answer_once
from marketplace.models import Assignment, Client, Invoice, Job
from marketplace.services import bonuses, completion, invoicing, posting, settlement, soft_rejections
from marketplace.services.allocation import claim_task
from marketplace.services.completion import cancel_job
from marketplace.services.interruptions import interrupt
from marketplace.services.pay_floors import set_pay_floor
from marketplace.services.pay_lifts import lift_pay_in
from marketplace.services.review import reject_assignment
from marketplace.services.settlement import accept_due_assignments
from tests.billing.builders import SOMEBODY, a_ready_account, usd
from tests.by_hand import by_hand
from tests.marketplace.builders import (
    a_client,
    a_draft,
    a_resolved_task,
    a_submitted_answer,
    a_worker,
    an_open_job,
    answer,
    owner_of,
)
from tests.mutants.frame import (
    AGREED,
    ANSWERS,
    BONUSES,
    BY_CLIENT,
    CLAIMS,
    COVERED,
    CUT_SHORT,
    IDLE,
    INVOICED,
    LIFTED,
    PAID,
    PAID_ONCE,
    PAYABLE,
    QUOTED,
    RESERVE,
    SOFTLY,
    mutant,
    without_constraint,
    without_trigger,
)
from tests.qualification.builders import a_user

REJECTION = {"reason": "wrong", "message": "This is a dog and not a cat, look again."}


def work_is_accepted() -> Job:
    job = an_open_job()
    a_resolved_task(job)
    accept_due_assignments()
    return job


def with_payments(patch: pytest.MonkeyPatch, change: Any) -> None:
    """Let settlement pay ``change(payment)`` for each payment that is due."""
    honest = escrow.pay_all
    patch.setattr(escrow, "pay_all", lambda payments: honest(payments=[change(payment) for payment in payments]))


def changed(payment: Payment, **changes: Any) -> Payment:
    return Payment(**{name: getattr(payment, name) for name in Payment.__slots__} | changes)


@mutant("the fee is forgotten", PAID, BY_CLIENT)
def _no_fee(patch: pytest.MonkeyPatch) -> None:
    with_payments(patch, lambda payment: changed(payment, fee=Money(0, "USD")))
    work_is_accepted()


@mutant("pay goes through floating point and is rounded down", PAID, AGREED, BY_CLIENT)
def _float_rounding(patch: pytest.MonkeyPatch) -> None:
    with_payments(patch, lambda payment: changed(payment, reward=usd(int(payment.reward.minor / 100 * 0.99 * 100))))
    work_is_accepted()


@mutant("accepted work is not paid", PAID, AGREED, BY_CLIENT)
def _not_paid(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(escrow, "pay_all", lambda payments: [])
    work_is_accepted()


@mutant("somebody else is paid for the work", PAID, AGREED)
def _anothers_pay(patch: pytest.MonkeyPatch) -> None:
    with_payments(patch, lambda payment: changed(payment, worker_owner="worker:of another"))
    work_is_accepted()


@mutant("the same work is paid again under another key", PAID_ONCE, AGREED, BY_CLIENT)
def _paid_again(patch: pytest.MonkeyPatch) -> None:
    honest = escrow.pay_all

    def twice(payments: list[Payment]) -> Any:
        honest(payments=payments)
        return honest(payments=[changed(payment, key=f"again:{payment.key}") for payment in payments])

    patch.setattr(escrow, "pay_all", twice)
    job = an_open_job()
    escrow.hold(job_owner=job.billing_owner, client_owner=job.client.billing_owner, amount=usd(100), key="more")
    a_resolved_task(job)
    accept_due_assignments()


@mutant("a rejected answer is paid", PAID, AGREED, BY_CLIENT)
def _rejected_paid(patch: pytest.MonkeyPatch) -> None:
    job = an_open_job(accept_on_resolution=False)
    a_resolved_task(job)
    turn = Assignment.objects.filter(state="submitted").order_by("pk")[0]
    reject_assignment(assignment_id=turn.pk, by=owner_of(job.client), **REJECTION)
    escrow.pay_all(payments=[settlement._payment_of(turn)])


@mutant("a new price touches turns that were claimed before it", PAID, AGREED, BY_CLIENT, CLAIMS, QUOTED)
def _price_not_frozen(patch: pytest.MonkeyPatch) -> None:
    work_is_accepted()
    without_trigger("marketplace_assignment", "a_claim_stands")
    without_constraint("marketplace_assignment", "assignment_price_was_quoted")
    with by_hand():
        Assignment.objects.update(reward_minor=11)


@mutant("a launch holds less than the worst case", COVERED)
def _held_too_little(patch: pytest.MonkeyPatch) -> None:
    honest = escrow.hold

    def hold(*, amount: Money, **rest: Any) -> Any:
        return honest(amount=Money(amount.minor - 1, amount.currency), **rest)

    patch.setattr(escrow, "hold", hold)
    job = a_draft()
    posting.launch_job(job_id=job.pk, by=owner_of(job.client))


@mutant("a cancelled job gives back what its turns under way may still cost", IDLE)
def _released_too_early(patch: pytest.MonkeyPatch) -> None:
    job = an_open_job(tasks=3)
    a_submitted_answer(job)
    patch.setattr(completion, "owed_at_most", lambda job: Money(0, job.currency))
    cancel_job(job_id=job.pk, by=owner_of(job.client))


@mutant("an ended job gives back the pay of an answer whose rejection may still be reversed", IDLE)
def _released_while_reversible(patch: pytest.MonkeyPatch) -> None:
    job = an_open_job(accept_on_resolution=False)
    a_resolved_task(job)
    turn = Assignment.objects.filter(state="submitted").order_by("pk")[0]
    reject_assignment(assignment_id=turn.pk, by=owner_of(job.client), **REJECTION)
    patch.setattr(completion, "owed_at_most", lambda job: Money(12, job.currency))
    cancel_job(job_id=job.pk, by=owner_of(job.client))


@mutant("an ended job keeps what it did not spend", IDLE)
def _not_given_back(patch: pytest.MonkeyPatch) -> None:
    job = an_open_job()
    patch.setattr(completion, "return_unspent", lambda job: None)
    cancel_job(job_id=job.pk, by=owner_of(job.client))


@mutant("what a job did not spend goes back to another client", BY_CLIENT)
def _given_to_another(patch: pytest.MonkeyPatch) -> None:
    job, other = an_open_job(), a_client()
    patch.setattr(Client, "billing_owner", property(lambda client: f"client:{other.pk}"))
    cancel_job(job_id=job.pk, by=owner_of(job.client))


def a_job_below_the_floor() -> Job:
    """A job in which somebody took twice as long for five answers as their pay is worth."""
    set_pay_floor(country="", currency="USD", hourly_minor=1200, by=a_user(is_staff=True))
    job = an_open_job(tasks=6, overlap_min=1, overlap_max=1, guess_seconds=30, reserve_basis_points=10_000)
    worker = a_worker(job)
    for _ in range(5):
        turn = claim_task(worker=worker, job_id=job.pk)
        with clock.ahead_by(timedelta(seconds=60)):
            answer(turn)
    with clock.ahead_by(timedelta(hours=1)):
        accept_due_assignments()
    return job


@mutant("an ended job keeps what it set aside to lift pay", RESERVE)
def _reserve_kept(patch: pytest.MonkeyPatch) -> None:
    job = a_job_below_the_floor()
    patch.setattr(completion, "_end_reserve", lambda job: None)
    cancel_job(job_id=job.pk, by=owner_of(job.client))


@mutant("pay is lifted by another amount than was reckoned", LIFTED)
def _lifted_by_more(patch: pytest.MonkeyPatch) -> None:
    job, honest = a_job_below_the_floor(), pay_reserve.pay_lifts

    def more(*, job_owner: str, lifts: list[PayLift]) -> Any:
        return honest(job_owner=job_owner, lifts=[replace(lift, amount=lift.amount + usd(1)) for lift in lifts])

    patch.setattr(pay_reserve, "pay_lifts", more)
    lift_pay_in(job_id=job.pk)


@mutant("work that is taken away is paid more than its time", CUT_SHORT)
def _time_paid_in_full(patch: pytest.MonkeyPatch) -> None:
    job, honest = an_open_job(), escrow.pay_for_time
    turn = claim_task(worker=a_worker(job), job_id=job.pk)
    patch.setattr(escrow, "pay_for_time", lambda amount, **rest: honest(amount=turn.reward, **rest))
    interrupt(assignment_id=turn.pk, why="taken away")


@mutant("a bonus is paid without the platform's share", BONUSES)
def _bonus_without_fee(patch: pytest.MonkeyPatch) -> None:
    job = work_is_accepted()
    patch.setattr(bonuses, "pay_bonus", lambda fee, **rest: pay_bonus(fee=usd(0), **rest))
    turn = Assignment.objects.filter(job=job).order_by("claimed_at")[0]
    bonuses.give_bonus(assignment_id=turn.pk, amount_minor=50, reason="Quick and right.", by=owner_of(job.client))


def one_of_two_paid_answers(job: Job) -> Assignment:
    a_resolved_task(job)
    accept_due_assignments()
    return Assignment.objects.filter(job=job).order_by("claimed_at")[0]


@mutant("one more answer is asked for in place of one that is not used, and is not set aside", COVERED)
def _one_more_for_nothing(patch: pytest.MonkeyPatch) -> None:
    job = an_open_job()
    turn = one_of_two_paid_answers(job)
    patch.setattr(soft_rejections, "set_aside_what_is_missing", lambda job: Money(0, "USD"))
    soft_rejections.reject_softly(assignment_id=turn.pk, by=owner_of(job.client), may_take_funds=True, **REJECTION)


@mutant("an answer is no longer used, and nobody says why", CLAIMS, SOFTLY)
def _left_out_silently(patch: pytest.MonkeyPatch) -> None:
    job = an_open_job()
    turn = one_of_two_paid_answers(job)
    without_trigger("marketplace_task", "a_label_stands")
    patch.setattr(soft_rejections, "insert", lambda row, beside: None)
    soft_rejections.reject_softly(assignment_id=turn.pk, by=owner_of(job.client), may_take_funds=True, **REJECTION)


def of_this_month(job: Job) -> None:
    month = month_of(clock.now())
    with clock.ahead_by(timedelta(days=40)):
        invoicing.issue_invoice(client=job.client, month=month, currency="USD", by=SOMEBODY)


@mutant("an invoice leaves the fees out", INVOICED)
def _invoice_without_fees(patch: pytest.MonkeyPatch) -> None:
    honest = invoicing.charges_in

    def pay_alone(client: Client, month: Month) -> list[Charge]:
        return [charge for charge in honest(client, month) if charge.charged_for is not ChargedFor.FEE]

    patch.setattr(invoicing, "charges_in", pay_alone)
    of_this_month(work_is_accepted())


@mutant("an invoice may be changed, and is", INVOICED, CLAIMS)
def _invoice_changed(patch: pytest.MonkeyPatch) -> None:
    of_this_month(work_is_accepted())
    without_trigger("marketplace_invoice", "marketplace_invoice_is_append_only")
    with by_hand():
        Invoice.objects.update(pay_minor=F("pay_minor") + 1, total_minor=F("total_minor") + 1)


def a_payout_of_earned(patch: pytest.MonkeyPatch) -> Payout:
    """Of the few cents that somebody has earned."""
    work_is_accepted()
    owner = Assignment.objects.order_by("claimed_at")[0].worker.billing_owner
    a_ready_account(owner)
    patch.setattr("billing.services.payouts.MINIMUM_MINOR", 1)
    return request_payout(owner=owner, amount=None, by=SOMEBODY)


@mutant("a payout is called off by somebody else than its worker", PAYABLE)
def _payout_stopped(patch: pytest.MonkeyPatch) -> None:
    payout = a_payout_of_earned(patch)
    cancel_payout(payout_id=payout.pk, owner=payout.owner, by=Actor.system("standing"))


@mutant("a repeated request is answered with something else than was done", ANSWERS)
def _another_answer(patch: pytest.MonkeyPatch) -> None:
    def effect() -> Answer:
        payout = a_payout_of_earned(patch)
        return Answer(201, {"id": str(payout.pk), "amount_minor": 11, "currency": "USD"})

    answer_once(user_id=a_user().pk, key="k", path="/api/v1/payouts/", body_sha256="x", effect=effect)


@mutant("a refused request keeps its answer", ANSWERS)
def _refusal_kept(patch: pytest.MonkeyPatch) -> None:
    user = a_user()
    patch.setattr("kernel.services.idempotency.transaction.set_rollback", lambda rollback: None)
    answer_once(user_id=user.pk, key="k", path="/api/v1/jobs/", body_sha256="x", effect=lambda: Answer(409, {}))

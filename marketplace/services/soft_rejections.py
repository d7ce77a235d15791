"""Soft rejection: an answer is paid and not used, and its task's label rests on the others, or on one more."""

from uuid import UUID

from django.db import transaction

from billing.services import escrow, ledger
from billing.services.ledger import AccountKey, Kind
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import WrongState
from kernel.models import User
from kernel.rows import insert
from kernel.services.audit import Actor, telling
from marketplace.models import Assignment, Certificate, Job, SoftRejection, Task
from marketplace.services.budgets import missing_in_escrow, set_aside_what_is_missing
from marketplace.services.certificate_orders import is_being_inspected, when_issued
from marketplace.services.resolution import resolve_without
from marketplace.services.review import CannotReject, lock_anothers, lock_job_of, message_of_substance
from marketplace.services.settlement import accept


class TakesFunds(Refused):
    """Who reviews a job that was shared with them spends what it holds, and no more of its client's funds."""

    code = "takes_funds"


@transaction.atomic
def reject_softly(*, assignment_id: UUID, reason: str, message: str, by: User, may_take_funds: bool) -> Assignment:
    """Pay an answer, if it is not paid yet, and use it for nothing.

    Where consensus labelled its task, the label stands if the others' answers alone make it sure enough; else the task
    is open again, and what it may still cost beyond what the job holds is set aside, if ``may_take_funds``. Raises
    Invalid, NotFound, OwnAnswer, WrongState, CannotReject, TakesFunds, or InsufficientFunds with what is missing; then
    nothing has changed.
    """
    if reason not in SoftRejection.Reason.values:
        raise Invalid(f"{reason!r} is not a reason. Possible: {', '.join(SoftRejection.Reason.values)}.")
    message = message_of_substance(message)
    job = lock_job_of(assignment_id)
    _lock_all_turns_beside(assignment_id)
    assignment = lock_anothers(assignment_id, by)
    _require_usable(assignment, job)
    task, actor, payments = assignment.task, Actor.user(by), list[escrow.Payment]()
    if assignment.state == Assignment.State.SUBMITTED:
        payments = accept([assignment], by=actor, why=lambda _: "paid, and not used")
    assignment.ordinal = None
    assignment.save(update_fields=["ordinal"])
    rejection = SoftRejection(assignment=assignment, reason=reason, message=message, rejected_by=by)
    why = f"{reason}: {message}"
    insert(rejection, beside=telling(action="assignment.rejected_softly", subject=assignment, by=actor, why=why))
    if task.state == Task.State.RESOLVED and task.method == Task.Method.CONSENSUS:
        resolve_without(task=task, job=job, by=actor, why=f"the answer of assignment {assignment.pk} is not used")
    _pay(payments, job)
    if task.state == Task.State.OPEN:
        _set_aside(job, may_take_funds=may_take_funds)
    return assignment


def _set_aside(job: Job, *, may_take_funds: bool) -> None:
    missing = missing_in_escrow(job)
    if missing.minor and not may_take_funds:
        raise TakesFunds(
            f"The answer in its place may cost {missing} more than the job holds, which would come from the client's "
            "funds. Ask somebody who acts for the client to set more aside for the job, or to reject the answer softly."
        )
    set_aside_what_is_missing(job)


def _lock_all_turns_beside(assignment_id: UUID) -> None:
    # Another label of its task is for others' answers to be accepted: so all are locked before any is, by ascending id.
    task = Task.objects.only("pk").select_for_update(no_key=True, of=("self",)).get(assignments=assignment_id)
    list(task.assignments.only("pk").select_for_update(no_key=True).order_by("pk"))


def _pay(payments: list[escrow.Payment], job: Job) -> None:
    # More may be set aside afterwards, and money is moved twice then: the client's funds are locked with the rest.
    accounts = {account for payment in payments for account in payment.draft.accounts}
    accounts |= {
        AccountKey(Kind.CLIENT_FUNDS, job.client.billing_owner),
        AccountKey(Kind.JOB_ESCROW, job.billing_owner),
    }
    ledger.lock_accounts(accounts=accounts, currency=job.currency)
    escrow.pay_all(payments=payments)


def _require_usable(assignment: Assignment, job: Job) -> None:
    """Refuse where the answer is not used anyway, is not known to the client yet, or labels have to stay."""
    task = assignment.task
    if task.gold_question_id is not None:
        raise NotFound("assignment")
    if assignment.state == Assignment.State.REJECTED:
        raise WrongState("This answer is rejected, and not used. To pay it all the same, reverse the rejection.")
    if assignment.state not in {Assignment.State.SUBMITTED, Assignment.State.ACCEPTED}:
        raise WrongState(f"Assignment {assignment.pk} is {assignment.state}; only an answer can be rejected softly.")
    if assignment.is_rejected_softly:
        raise CannotReject("This answer is rejected softly already: it is paid, and not used.")
    if job.state in Job.ENDED:
        raise CannotReject(f"The job is {job.state}; what its labels rest on can no longer change.")
    if assignment.state == Assignment.State.SUBMITTED and task.state != Task.State.RESOLVED:
        raise CannotReject(f"The task is {task.state}. An answer can be rejected softly once its task is resolved.")
    if is_being_inspected(job.pk):
        raise CannotReject(
            "Experts are looking at this job's labels for a certificate, and correct what they find wrong. Meanwhile, "
            f"and once it is issued, the labels stand. {when_issued(job)}"
        )
    if Certificate.objects.filter(job=job).exists():
        raise CannotReject("A certificate promises this job's labels: they stand as they are.")

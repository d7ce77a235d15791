"""Where quality buys answers: a job spends what people have set aside for it, whoever asks for more, in any order."""

import pytest

from billing.services.refunds import request_refund
from kernel.models import User
from kernel.services.audit import Actor
from marketplace.models import Assignment, Escalation, FittedWorker, Job, Reweighing, Task
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job
from marketplace.services.fitting import fit_job
from marketplace.services.second_looks import look_again
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.soft_rejections import reject_softly
from tests.billing.builders import usd
from tests.marketplace.builders import (
    a_client,
    a_share,
    a_worker,
    an_open_job,
    answer,
    available,
    earned,
    held,
    owner_of,
)
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

PRICE = 12  # a reward of 10 and a fee of 2
UNCLEAR = "We meant the animal in front, and did not say so."


def softly(turn: Assignment, *, by: User, may_take_funds: bool = False) -> Assignment:
    return reject_softly(assignment_id=turn.pk, reason="unclear", message=UNCLEAR, by=by, may_take_funds=may_take_funds)


def a_paid_task(job: Job) -> list[Assignment]:
    """The turns of two workers who said the same of one task, and were paid."""
    first = answer(claim_task(worker=a_worker(job), job_id=job.pk))
    second = answer(claim_task(worker=a_worker(job), job_id=job.pk, among=[first.task_id]))
    accept_due_assignments()
    return [first, second]


def doubted(job: Job) -> None:
    """A fit by which nobody is right often enough, and the look that follows from it."""
    fit = fit_job(job_id=job.pk)
    assert fit is not None
    FittedWorker.objects.filter(fit=fit).update(rates=[0.6])
    while look_again():
        pass


def test_what_a_guest_spends_by_soft_rejections_no_second_look_takes_from_the_clients_funds() -> None:
    job = an_open_job(tasks=3, client=a_client(funds_minor=1_000))
    guest = a_user()
    a_share(job, guest=guest, role="reviewer")
    first, _ = a_paid_task(job)
    a_paid_task(job)
    assert (held(job), available(job.client)) == (5 * PRICE, 1_000 - 9 * PRICE)
    softly(first, by=guest)  # one more answer, and a third if need be: all that the job had to spare
    answer(claim_task(worker=a_worker(job), job_id=job.pk, among=[first.task_id]))
    accept_due_assignments()

    doubted(job)

    # What is left is enough for the task that nobody has answered, and for one more answer to one of the two.
    assert sorted(Reweighing.objects.values_list("outcome", flat=True)) == ["asked", "reopened"]
    assert (held(job), available(job.client)) == (4 * PRICE, 1_000 - 9 * PRICE)
    assert Escalation.objects.filter(job=job, kind="no_consensus").count() == 1
    assert check_invariants() == []


def test_a_second_look_after_a_refund_of_everything_and_one_after_a_cancelled_job_cost_nothing() -> None:
    job = an_open_job(tasks=2, client=a_client(funds_minor=6 * PRICE + 500))
    task = a_paid_task(job)[0].task
    request_refund(client_owner=job.client.billing_owner, amount=usd(500), by=Actor.system("test"))

    doubted(job)
    assert (Task.objects.get(pk=task.pk).state, held(job), available(job.client)) == ("open", 4 * PRICE, 0)
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    doubted(job)

    assert (Task.objects.get(pk=task.pk).state, held(job), available(job.client)) == ("void", 0, 4 * PRICE)
    assert [earned(turn.worker) for turn in task.assignments.order_by("pk")] == [10, 10]
    assert check_invariants() == []

"""Where quality buys answers: a job spends what people have set aside for it, whoever asks for more, in any order."""

import contextlib
import random
from collections.abc import Callable

import pytest

from billing.services.refunds import request_refund
from kernel.errors import NotFound, Refused
from kernel.models import User
from kernel.services.audit import Actor
from marketplace.models import Assignment, Escalation, FittedWorker, Job, Reweighing, Task
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.fitting import fit_job
from marketplace.services.interruptions import interrupt
from marketplace.services.overlaps import raise_overlap
from marketplace.services.recall import recall_gold, replay_recalls
from marketplace.services.review import reject_assignment, reverse_rejection
from marketplace.services.second_looks import look_again
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.soft_rejections import reject_softly
from tests.billing.builders import usd
from tests.marketplace.builders import (
    ALWAYS_GOLD,
    NEVER_GOLD,
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
from workforce.models import Worker

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


class Crowd:
    """Everybody who moves money at one job, one step at a time, as chance has it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.job = an_open_job(tasks=3, gold=2, overlap_max=4, client=a_client(funds_minor=400))
        self.owner, self.guest = owner_of(self.job.client), a_user()
        a_share(self.job, guest=self.guest, role="reviewer")
        self.workers: list[Worker] = [a_worker(self.job) for _ in range(6)]

    def steps(self) -> list[Callable[[], object]]:
        """By people of the client, who may spend its funds; by machines, guests and admins, who may not."""
        often = [self.answer] * 12 + [self.accept] * 2 + [self.look] * 3
        return [*often, self.reject, self.reverse, self.by_guest, self.by_owner, self.interrupt, self.raise_overlap]

    def answer(self) -> None:
        chance = self.chance.choice([ALWAYS_GOLD, NEVER_GOLD])
        turn = claim_task(worker=self.chance.choice(self.workers), job_id=self.job.pk, chance=chance)
        answer(turn, self.chance.choice(["cat", "cat", "dog"]))

    def accept(self) -> None:
        accept_due_assignments()

    def look(self) -> None:
        before = available(self.job.client)
        fit = fit_job(job_id=self.job.pk)
        if fit is not None:
            for fitted in FittedWorker.objects.filter(fit=fit):
                FittedWorker.objects.filter(pk=fitted.pk).update(rates=[self.chance.choice([0.55, 0.75, 0.98])])
        look_again()
        assert available(self.job.client) == before

    def by_guest(self) -> None:
        before = available(self.job.client)
        with contextlib.suppress(Refused, NotFound):
            softly(self.a_turn(), by=self.guest)
        assert available(self.job.client) == before

    def by_owner(self) -> None:
        softly(self.a_turn(), by=self.owner, may_take_funds=True)

    def reject(self) -> None:
        said = {"reason": "wrong", "message": "This is a cat and not a dog, look again."}
        reject_assignment(assignment_id=self.a_turn("submitted").pk, by=self.owner, **said)

    def reverse(self) -> None:
        reverse_rejection(assignment_id=self.a_turn("rejected").pk, why="We were wrong ourselves.", by=self.owner)

    def interrupt(self) -> None:
        turn = claim_task(worker=self.chance.choice(self.workers), job_id=self.job.pk, chance=NEVER_GOLD)
        interrupt(assignment_id=turn.pk, why="what the task shows was withdrawn")

    def raise_overlap(self) -> None:
        raise_overlap(job_id=self.job.pk, overlap_max=5, by=self.owner)

    def recall(self) -> None:
        task = Task.objects.filter(job=self.job, gold_question__isnull=False, state="open").order_by("pk").first()
        if task is not None and task.gold_question_id is not None:
            recall_gold(gold_question_id=task.gold_question_id, why="Two answers are right.", by=self.owner)
            replay_recalls()

    def a_turn(self, *states: str) -> Assignment:
        turns = Assignment.objects.filter(job=self.job, state__in=states or ("submitted", "accepted"))
        found = list(turns.order_by("pk"))
        if not found:
            raise Refused("Nobody has answered yet.")
        return self.chance.choice(found)


@pytest.mark.parametrize("seed", range(3))
def test_in_any_order_escrow_covers_what_may_come_and_only_people_of_the_client_spend_its_funds(seed: int) -> None:
    crowd = Crowd(seed)
    for number in range(40):
        with contextlib.suppress(Refused, NotFound):
            crowd.chance.choice(crowd.steps())()
        if number == 20:
            crowd.recall()
        if number % 8 == 0:
            assert check_invariants() == [], number
    cancel_job(job_id=crowd.job.pk, by=crowd.owner)
    accept_due_assignments()
    complete_finished_jobs()

    assert check_invariants() == []

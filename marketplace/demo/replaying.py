"""A replay: recorded answers given again through the services that any job goes through, from post to payout.

One process does all of it, one step after the other, so that the same recording, terms and seed give the same outcome.
"""

import json
import random
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from itertools import count
from typing import Final
from uuid import UUID

from billing.demo.stripe_double import DoubleControl
from billing.models import LedgerAccount, Payout
from billing.services import ledger
from billing.services.payouts import MINIMUM_MINOR
from kernel.models import User
from kernel.money import Money
from kernel.services.admin_roles import create_admin
from kernel.services.audit import Actor
from marketplace.demo.in_process import pay_back, pay_in, pay_out
from marketplace.demo.recording import FIELD, RecordedAnswer, Recording, label_config, result_of
from marketplace.demo.story import Progress
from marketplace.models import Client, Escalation, Job, Task
from marketplace.queries.money import available_minor
from marketplace.services.adjudication import decide_task
from marketplace.services.allocation import claim_task
from marketplace.services.clients import create_client
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.fitting import fit_grown_jobs
from marketplace.services.gold import tend_waiting_gold
from marketplace.services.importing import import_tasks
from marketplace.services.posting import Order, launch_job, post_job
from marketplace.services.review import accept_all
from marketplace.services.second_looks import look_again
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.shapes import shape_of
from marketplace.services.submission import submit_annotation
from qualification.models import Skill
from qualification.services.certifications import grant_certification, request_certification
from qualification.services.skills import NO_EXAM, create_skill
from workforce.identity_data import IdentityData
from workforce.models import Worker
from workforce.services.applying import TERMS_VERSION, apply, approve_application

CURRENCY: Final = "USD"
SMALLEST_FUNDING_MINOR: Final = 100
FITTED_EVERY: Final = 25
"""After so many recorded answers the job is fitted, if it has grown: as a sweep would."""

UNDECIDED: Final = (Task.State.OPEN, Task.State.IN_ADJUDICATION)
INSTRUCTIONS: Final = "Answer as you answered this task when it was recorded."


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the job asks and pays. Shares and ``confidence`` from 0 to 1, the reward in minor units."""

    gold_share: float = 0.05
    overlap_min: int = 2
    overlap_max: int = 10
    confidence: float = 0.95
    when_unsure: str = Job.WhenUnsure.ESCALATE
    reward_minor: int = 4
    seed: int = 7


@dataclass
class Replay:
    """A recording on its way through the platform, and what has become of it so far."""

    recording: Recording
    terms: Terms
    stripe: DoubleControl
    tell: Progress
    client: Client = field(init=False)
    owner: User = field(init=False)
    job: Job = field(init=False)
    workers: dict[str, Worker] = field(default_factory=dict)
    """Each worker of the platform by the name that the recording has for them."""
    in_order: tuple[Sequence[RecordedAnswer], Mapping[str, Sequence[RecordedAnswer]]] = ((), {})
    """The answers to work in the order in which they are given, and those to gold, by worker."""
    waiting: deque[RecordedAnswer] = field(default_factory=deque)
    passed_by: dict[str, list[RecordedAnswer]] = field(default_factory=lambda: defaultdict(list))
    """Answers that settled tasks did not ask for, by task: they are given should it be asked again."""
    settled: set[str] = field(default_factory=set)
    payouts: list[Payout] = field(default_factory=list)
    left_over: dict[str, int] = field(default_factory=dict)
    """How many tasks got no label, by why."""
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.config = label_config(self.recording.labels)
        self._results = {label: result_of(label, config=self.config) for label in self.recording.labels}
        self._chance = random.Random(self.terms.seed)
        self.gold = _choose_gold(self.recording, share=self.terms.gold_share, chance=self._chance)

    def play(self) -> None:
        """All acts, one after the other."""
        with self._act("order"):
            self._order()
        with self._act("join"):
            self._join()
        with self._act("work"):
            self._work()
        with self._act("review"):
            self._adjudicate()
            while self._is_asked_again():
                self._give()
                self._adjudicate()
            self._end()
        with self._act("payouts"):
            self._pay_out()

    @contextmanager
    def _act(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began

    def _order(self) -> None:
        self.tell("The client posts, funds and launches a job", 0, 3)
        self.admin = create_admin(email="admin@replay.example", by=Actor.system("replay"))
        self.owner = User.objects.create_user("client@replay.example")
        self.client = create_client(name="Replay", country="US", owner=self.owner)
        self.job = post_job(client=self.client, order=self._terms_of_order(), by=self.owner)
        rows = "\n".join(json.dumps(self._row(task)) for task in self.recording.tasks)
        import_tasks(job_id=self.job.pk, stream=BytesIO(rows.encode()), format="jsonl", by=Actor.user(self.owner))
        self.tell("The client posts, funds and launches a job", 1, 3)
        amount = max(shape_of(self.job).worst_case, Money(SMALLEST_FUNDING_MINOR, CURRENCY))
        pay_in(client_owner=self.client.billing_owner, amount=amount, by=self.owner, stripe=self.stripe)
        self.tell("The client posts, funds and launches a job", 2, 3)
        self.job = launch_job(job_id=self.job.pk, by=self.owner)

    def _terms_of_order(self) -> Order:
        skill = create_skill(
            slug="replay",
            name="Replay",
            by=Actor.user(self.admin),
            grants_by=Skill.Grant.ADMIN,
            exam=NO_EXAM,
            certificate_valid_for=None,
        )
        return Order(
            title="Replay",
            instructions=INSTRUCTIONS,
            label_schema=self.config,
            currency=CURRENCY,
            reward_minor=self.terms.reward_minor,
            skill_id=skill.pk,
            overlap_min=self.terms.overlap_min,
            overlap_max=self.terms.overlap_max,
            confidence_basis_points=round(self.terms.confidence * 10_000),
            when_unsure=self.terms.when_unsure,
            gold_share_basis_points=round(self.terms.gold_share * 10_000),
        )

    def _row(self, task: str) -> dict[str, object]:
        row: dict[str, object] = {"external_id": task, "item": {FIELD: task}}
        if task in self.gold:
            return row | {
                "gold_answer": self._results[self.recording.truth[task]],
                "gold_reason": "The recorded truth.",
            }
        return row

    def _join(self) -> None:
        """Everybody applies, is approved and certified by an admin: a recording holds no exam."""
        names = self.recording.workers
        for number, name in enumerate(names, start=1):
            self.workers[name] = self._worker(number)
            self.tell("Workers apply, an admin approves and certifies", number, len(names))

    def _worker(self, number: int) -> Worker:
        person = User.objects.create_user(f"worker-{number}@replay.example")
        application = apply(
            user=person,
            country="US",
            languages=["en"],
            identity=IdentityData(f"Recorded Worker {number}", "Not recorded", date(1990, 1, 1)),
            terms_version=TERMS_VERSION,
        )
        worker = approve_application(application_id=application.pk, by=Actor.user(self.admin))
        request = request_certification(worker=worker, skill_id=self.job.skill_id)
        grant_certification(certification_id=request.pk, by=Actor.user(self.admin))
        return worker

    def _work(self) -> None:
        """Give the recorded answers to work in their order, as long as they are wanted; gold comes in between."""
        queue = [answer for answer in self.recording.answers if answer.task not in self.gold]
        if not self.recording.is_timed:
            self._chance.shuffle(queue)
        self._gold = self._gold_by_worker()
        self.in_order = tuple(queue), {worker: tuple(answers) for worker, answers in self._gold.items()}
        self.waiting.extend(queue)
        self._give()

    def _give(self) -> None:
        ids = dict(Task.objects.filter(job=self.job).values_list("external_id", "pk"))
        for place in count():
            if place % FITTED_EVERY == 0 or not self.waiting:
                self._is_asked_again()
            if not self.waiting:
                return
            answer = self.waiting.popleft()
            if answer.task in self.settled:
                self.passed_by[answer.task].append(answer)
            elif self._is_settled_by(answer, gold=self._gold[answer.worker], ids=ids):
                self.settled.add(answer.task)
                self.tell("Workers answer, consensus decides", len(self.settled), len(ids) - len(self.gold))

    def _is_asked_again(self) -> bool:
        """Fit the job if it has grown, and look at settled tasks again; whether any asks for what it was passed by."""
        if not fit_grown_jobs():
            return False
        look_again()
        opened = Task.objects.filter(job=self.job, state=Task.State.OPEN, external_id__in=self.settled)
        for task in list(opened.order_by("external_id").values_list("external_id", flat=True)):
            self.settled.discard(task)
            self.waiting.extend(self.passed_by.pop(task, ()))
        return bool(self.waiting)

    def _gold_by_worker(self) -> Mapping[str, deque[RecordedAnswer]]:
        answers = [answer for answer in self.recording.answers if answer.task in self.gold]
        if not self.recording.is_timed:
            self._chance.shuffle(answers)
        by_worker: dict[str, deque[RecordedAnswer]] = defaultdict(deque)
        for answer in answers:
            by_worker[answer.worker].append(answer)
        return by_worker

    def _is_settled_by(self, answer: RecordedAnswer, *, gold: deque[RecordedAnswer], ids: Mapping[str, UUID]) -> bool:
        """Let the worker of ``answer`` claim until they have given it; whether its task asks for no more then.

        They are offered this task and the next gold that they answered in the recording; chance says which it is.
        """
        worker = self.workers[answer.worker]
        while True:
            offered = {ids[recorded.task]: recorded for recorded in (answer, *list(gold)[:1])}
            claimed = claim_task(worker=worker, job_id=self.job.pk, chance=self._chance, among=offered)
            given = offered[claimed.task_id]
            result = self._results[given.label]
            submitted = submit_annotation(assignment_id=claimed.pk, worker=worker, result=result, chance=self._chance)
            if given is answer:
                gold.rotate(-1)  # should the turns at the gold in front be used up, the next is offered next time
                return submitted.task.state != Task.State.OPEN
            gold.popleft()
            tend_waiting_gold(chance=self._chance)  # so that answers are weighed by what is known of their workers

    def _adjudicate(self) -> None:
        """An admin, who reads the recorded truth, decides what consensus could not."""
        waiting = Escalation.objects.filter(
            job=self.job, kind=Escalation.Kind.NO_CONSENSUS, state=Escalation.State.OPEN
        )
        escalations = list(waiting.select_related("task").order_by("opened_at", "pk"))
        for number, escalation in enumerate(escalations, start=1):
            assert escalation.task is not None
            truth = self.recording.truth.get(escalation.task.external_id)
            if truth is not None:
                note = "Decided by the recorded truth."
                decide_task(escalation_id=escalation.pk, result=self._results[truth], note=note, by=self.admin)
            self.tell("An admin decides what consensus could not", number, len(escalations))

    def _end(self) -> None:
        """End the job, cancelled where tasks are left over; pay every answer, and take the rest of the money back."""
        self.tell("The job is settled", 0, 1)
        undecided = Task.objects.filter(job=self.job, gold_question__isnull=True, state__in=UNDECIDED)
        self.left_over = {
            "ran out of recorded answers": undecided.filter(state=Task.State.OPEN).count(),
            "escalated, no truth to decide by": undecided.filter(state=Task.State.IN_ADJUDICATION).count(),
        }
        if any(self.left_over.values()):
            cancel_job(job_id=self.job.pk, by=self.owner)
        accept_due_assignments()
        accept_all(job=self.job, by=self.owner)
        complete_finished_jobs()
        self.job.refresh_from_db()
        left = available_minor(self.client, CURRENCY)
        if left:
            pay_back(client_owner=self.client.billing_owner, amount=Money(left, CURRENCY), by=self.owner)
        self.tell("The job is settled", 1, 1)

    def _pay_out(self) -> None:
        paid = [worker for worker in self.workers.values() if self._earned(worker) >= MINIMUM_MINOR]
        for number, worker in enumerate(paid, start=1):
            self.payouts.append(pay_out(worker=worker, stripe=self.stripe))
            self.tell("Workers open payout accounts and are paid out", number, len(paid))

    def _earned(self, worker: Worker) -> int:
        return ledger.balance(LedgerAccount.Kind.WORKER_EARNINGS, worker.billing_owner, CURRENCY).minor


def _choose_gold(recording: Recording, *, share: float, chance: random.Random) -> frozenset[str]:
    """Tasks to be hidden gold: ``share`` of those whose truth is known, at least one, and never all there are."""
    known = [task for task in recording.tasks if task in recording.truth]
    if not share:
        return frozenset()
    number = min(max(1, round(share * len(known))), len(recording.tasks) - 1)
    return frozenset(chance.sample(known, number))

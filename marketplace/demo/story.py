"""The demo's story: one job from post to payout, told over HTTP to a running installation."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from marketplace.demo.api import Api
from marketplace.demo.client_and_admin import DemoAdmin, DemoClient, TookTooLong, wait_for
from marketplace.demo.crowd import crowd
from marketplace.demo.digits import Digit, digits_by_png, load_digits, to_data_url
from marketplace.demo.mailbox import Mailboxes
from marketplace.demo.people_at_work import WorkerAtWork
from marketplace.demo.task_shape import choose_gold, exam_digits, exam_rows, tasks_of

TERMS: Final = {
    "reward_minor": 4,
    "overlap_min": 2,
    "overlap_max": 5,
    "confidence_basis_points": 9500,
    "gold_share_basis_points": 500,
    "min_lower_bound": 0.6,
    "reservation_seconds": 600,
    "review_seconds": 86_400,
}
FUNDED_MINOR: Final = 60_000
AT_ONCE: Final = 8
HOPELESS_IN_ROW: Final = 5
FEWEST_TASKS: Final = 20
"""So many pictures have one among them that is hidden gold."""

STANDSTILL_SECONDS: Final = 120.0

Progress = Callable[[str, int, int], None]
"""Told of each step: what is being done, how much of it is done, out of how much."""


@dataclass
class Story:
    """Everybody who takes part, and what has happened so far."""

    url: str
    admin_email: str
    password: str
    mailboxes: Mailboxes
    seed: int
    size: int
    """How many workers."""
    tasks: int
    """How many pictures, hidden gold among them."""
    tell: Progress
    client: DemoClient = field(init=False)
    admin: DemoAdmin = field(init=False)
    workers: list[WorkerAtWork] = field(init=False)
    digits: list[Digit] = field(init=False)
    seconds: dict[str, float] = field(default_factory=dict)
    refunded_minor: int = 0
    payouts: dict[str, str] = field(default_factory=dict)
    """Id of each payout that was asked for, and its last state."""

    def __post_init__(self) -> None:
        everything = load_digits()
        self.digits = everything[: self.tasks]
        self.gold = choose_gold(self.digits, seed=self.seed)
        self.exam = exam_digits(everything, gold=self.gold, seed=self.seed)
        truth = {to_data_url(digit): digit.label for digit in (*self.digits, *self.exam)}
        self.client = DemoClient(Api(self.url), "Lumen Archive", "client@example.org", self.password, self.mailboxes)
        self.admin = DemoAdmin(Api(self.url), self.admin_email, self.password, truth)
        pictures, exam_pictures = digits_by_png(self.digits), digits_by_png(self.exam)
        self.workers = [
            WorkerAtWork(
                simulated,
                Api(self.url),
                pictures,
                exam_pictures,
                random.Random(self.seed + number),
                self.password,
                self.mailboxes,
            )
            for number, simulated in enumerate(crowd(seed=self.seed, size=self.size))
        ]

    def play(self) -> None:
        """All acts, one after the other."""
        with self._act("order"):
            self._order()
        with self._act("join and exam"):
            self._join()
        with self._act("work"):
            self._work()
        with self._act("review"):
            self._finish()
        with self._act("payouts"):
            self._pay_out()

    @property
    def certified(self) -> list[WorkerAtWork]:
        """Those who passed the exam."""
        return [worker for worker in self.workers if worker.certified]

    @contextmanager
    def _act(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began

    def _order(self) -> None:
        self.tell("The client signs up, funds and posts a job", 0, 4)
        self.admin.sign_in()
        self.admin.create_skill(exam_rows=exam_rows(self.exam))
        self.client.sign_up()
        self.tell("The client pays on Stripe's page", 1, 4)
        self.client.fund(FUNDED_MINOR)
        self.tell("The client imports its tasks", 2, 4)
        self.client.post_job(skill_id=self.admin.skill_id, terms=TERMS)
        self.client.import_tasks(tasks_of(self.digits, gold=self.gold))
        self.tell("The client launches; the worst case is held in escrow", 3, 4)
        self.client.launch()

    def _join(self) -> None:
        self._each("Workers apply", self.workers, WorkerAtWork.join)
        for number, worker in enumerate(self.workers, start=1):
            self.admin.approve(worker.application_id)
            self.tell("The admin approves applicants", number, len(self.workers))
        skill_id = self.admin.skill_id
        self._each("Workers sit the exam", self.workers, lambda worker: worker.take_exam(skill_id))

    def _work(self) -> None:
        """Everybody certified works side by side, while the admin decides what waits, until all tasks are settled."""
        stop = threading.Event()
        with ThreadPoolExecutor(max_workers=max(1, len(self.certified))) as threads:
            busy = [threads.submit(worker.work, self.client.job_id, stop=stop) for worker in self.certified]
            try:
                self._see_it_through(busy)
            finally:
                stop.set()
            for worker in busy:
                worker.result()

    def _see_it_through(self, busy: Sequence[Future[None]]) -> None:
        """Until all tasks are settled, and the job with them. Whoever of the workers fails, fails the story."""
        tasks = len(self.digits) - len(self.gold)
        seen, since = (-1, -1), time.monotonic()
        while (settled := self._settled()) < tasks:
            self.tell("Workers answer, consensus decides", settled, tasks)
            for worker in busy:
                if worker.done():
                    worker.result()
            done = (settled, sum(worker.answers for worker in self.workers))
            if done != seen:
                seen, since = done, time.monotonic()
            if all(worker.done() for worker in busy) or time.monotonic() > since + STANDSTILL_SECONDS:
                raise TookTooLong(f"Nobody answers any more, and {tasks - settled} tasks are open. Take more workers.")
            time.sleep(1.0)
        self.tell("Workers answer, consensus decides", tasks, tasks)
        self.client.review(is_hopeless=self._looks_hopeless())
        self.tell("The job is being settled", tasks, tasks)
        wait_for("The end of the job", self._has_ended, seconds=300)

    def _settled(self) -> int:
        """How many tasks have come to their end, once the admin has decided what waits."""
        self.admin.decide_what_waits()
        by_state = self.client.job()["progress"]["tasks"]
        return int(by_state.get("resolved", 0) + by_state.get("void", 0))

    def _has_ended(self) -> bool:
        """Whether the job has ended; until then, what a last look at its labels brings up is decided and accepted."""
        if self.client.job()["state"] == "completed":
            return True
        self.admin.decide_what_waits()
        self.client.accept_all()
        time.sleep(1.0)
        return False

    def _looks_hopeless(self) -> Callable[[Any], bool]:
        """The client's own rule for rejecting: answers of a worker of whom many wait because they were outvoted."""
        waiting = self.client.api.every(f"/api/v1/jobs/{self.client.job_id}/assignments/", state="submitted")
        outvoted: dict[str, int] = {}
        for assignment in waiting:
            outvoted[assignment["worker"]] = outvoted.get(assignment["worker"], 0) + 1
        worst = max(outvoted, key=lambda worker: outvoted[worker], default="")
        return lambda assignment: assignment["worker"] == worst and outvoted[worst] >= HOPELESS_IN_ROW

    def _finish(self) -> None:
        self.tell("The client takes back what was not spent", 0, 1)
        self.refunded_minor = self.client.take_the_rest_back()
        self.tell("The client takes back what was not spent", 1, 1)

    def _pay_out(self) -> None:
        paid = [worker for worker in self.certified if worker.answers]
        deadline = time.monotonic() + 120
        self._each("Workers open payout accounts", paid, lambda worker: worker.open_payout_account(deadline=deadline))
        waiting = {payout: worker for worker in paid if (payout := worker.take_pay())}
        while waiting and time.monotonic() < deadline + 60:
            for payout, worker in list(waiting.items()):
                self.payouts[payout] = worker.api.get(f"/api/v1/payouts/{payout}/")["state"]
                if self.payouts[payout] in {"settled", "failed"}:
                    del waiting[payout]
            self.tell("Payouts are sent and confirmed by webhooks", len(self.payouts) - len(waiting), len(self.payouts))
            time.sleep(0.2)
        self.admin.decide_what_waits()

    def _each(self, what: str, workers: Iterable[WorkerAtWork], do: Callable[[WorkerAtWork], object]) -> None:
        """Let several workers at a time do something, and tell how many have done it."""
        everybody = list(workers)
        self.tell(what, 0, len(everybody))
        with ThreadPoolExecutor(max_workers=AT_ONCE) as threads:
            for done, _ in enumerate(threads.map(do, everybody), start=1):
                self.tell(what, done, len(everybody))

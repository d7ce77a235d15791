"""A crowd works a job to its end through the services and the API; each worker notes everything that can be seen.

Time is the simulation's own. After every answer the sweeps come round, so nothing is blurred by waiting for them.
"""

import heapq
import itertools
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, Final

from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.services.audit import Actor
from marketplace.models import Assignment, Job, Slot
from marketplace.services.fitting import fit_grown_jobs
from marketplace.services.gold import tend_waiting_gold
from marketplace.services.importing import import_tasks
from marketplace.services.posting import Order, launch_job, post_job
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.slots import CHANCE
from tests.kernel.pictures import a_picture
from tests.marketplace.api_people import Person
from tests.marketplace.builders import a_client, a_worker, owner_of
from tests.marketplace.media_flows import a_media
from tests.qualification.builders import a_skill, an_answer
from workforce.models import Worker

SCHEMA: Final = """<View>
  <Image name="image" value="$image"/>
  <Text name="text" value="$text"/>
  <Choices name="animal" toName="text" required="true">
    <Choice value="cat"/>
    <Choice value="dog"/>
  </Choices>
</View>"""
REVIEW: Final = timedelta(days=2)
RETURNED_SHARE: Final = 0.03

SWEPT_AFTER: Final = 0.5
PAUSE_SECONDS: Final = (1.0, 4.0)
PICTURES: Final = 15
OFTEN_ENOUGH: Final = 3
"""A worker who was told so often that there is nothing goes home."""

Plant = Callable[[Assignment], None]


@dataclass
class Sighting:
    """What its worker saw of one turn: as it was handed out, around its answer, and when all was over."""

    shown: dict[str, Any]
    is_gold: bool
    claim_statements: int
    is_guess: bool = False
    submit_statements: int = 0
    row: dict[str, Any] = field(default_factory=dict)
    line: dict[str, Any] = field(default_factory=dict)


@dataclass
class Watcher:
    """A worker with habits, who writes everything down. ``pace`` is in seconds for an answer."""

    worker: Worker
    accuracy: float
    pace: float
    begins: float
    person: Person
    sightings: dict[str, Sighting] = field(default_factory=dict)
    refusals: int = 0


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be ``moment`` for the length of the block, give or take what the block takes."""
    with clock.ahead_by(moment - datetime.now(UTC)):
        yield


class WatchedCrowd:
    """The whole course: a job, its crowd, and all that was seen. The same seed gives the same course.

    ``plant`` is called after each answer, before the sweeps: to put a leak there that ought to be found.
    """

    def __init__(
        self, *, tasks: int, gold: int, workers: int, gold_share: float, seed: int, plant: Plant | None = None
    ) -> None:
        self.chance = random.Random(seed)
        for name in ("random", "getrandbits"):  # whatever else is drawn, wherever
            setattr(CHANCE, name, getattr(self.chance, name))
        self.plant = plant
        self.job = self._launched(tasks=tasks, gold=gold, gold_share=gold_share)
        self.began = datetime.now(UTC).replace(hour=6) + timedelta(days=1)
        with at(self.began):
            self.watchers = [self._watcher(number, workers) for number in range(workers)]

    def work(self) -> None:
        """Everybody claims and answers until there is nothing left; then the clock runs on until all is accepted."""
        number = itertools.count()
        due: list[tuple[float, int, Watcher, Assignment | None]]
        due = [(watcher.begins, next(number), watcher, None) for watcher in self.watchers]
        heapq.heapify(due)
        seconds = 0.0
        while due:
            seconds, _, watcher, held = heapq.heappop(due)
            moment = self.began + timedelta(seconds=seconds)
            if held is None:
                with at(moment):
                    held = self._claimed(watcher)
            else:
                with at(moment):
                    self._answer(watcher, held)
                with at(moment + timedelta(seconds=SWEPT_AFTER)):
                    tend_waiting_gold()
                    accept_due_assignments()
                    fit_grown_jobs()
                held = None
            if watcher.refusals < OFTEN_ENOUGH:
                heapq.heappush(due, (seconds + self._takes(watcher, held), next(number), watcher, held))
        waiting = Assignment.objects.filter(job=self.job, state=Assignment.State.SUBMITTED).order_by("review_due_at")
        while due_at := waiting.values_list("review_due_at", flat=True).first():
            with at(due_at + timedelta(seconds=SWEPT_AFTER)):
                accept_due_assignments()
        with at(self.began + timedelta(seconds=seconds) + 2 * REVIEW):
            for watcher in self.watchers:
                self._look_back(watcher)

    def _takes(self, watcher: Watcher, held: Assignment | None) -> float:
        """Seconds until the answer, or until the next claim."""
        if held is not None:
            return watcher.pace * self.chance.lognormvariate(0, 0.4)
        return self.chance.uniform(*PAUSE_SECONDS) + 30 * watcher.refusals

    def _claimed(self, watcher: Watcher) -> Assignment | None:
        with CaptureQueriesContext(connection) as said:
            status, shown = watcher.person.post("assignments/", {"job": str(self.job.pk)})
        if status == 409:
            watcher.refusals += 1
            return None
        assert status == 201
        watcher.refusals = 0
        turn = Assignment.objects.get(pk=shown["id"])
        if self.chance.random() < RETURNED_SHARE:
            watcher.person.post(f"assignments/{turn.pk}/return/")
            return None
        is_gold = turn.lane == Slot.Lane.GOLD
        watcher.sightings[str(turn.pk)] = Sighting(shown, is_gold=is_gold, claim_statements=len(said))
        return turn

    def _answer(self, watcher: Watcher, turn: Assignment) -> None:
        sighting = watcher.sightings[str(turn.pk)]
        sighting.is_guess = self.chance.random() >= watcher.accuracy
        answer = {"result": an_answer("dog" if sighting.is_guess else "cat")}
        with CaptureQueriesContext(connection) as said:
            status, _ = watcher.person.post(f"assignments/{turn.pk}/submit/", answer)
        assert status == 200
        sighting.submit_statements = len(said)
        if self.plant is not None:
            self.plant(turn)

    def _look_back(self, watcher: Watcher) -> None:
        """A key lasts a day, so they come in anew."""
        person = Person(watcher.worker.user)
        for row in person.every("assignments/", job=self.job.pk, state="accepted", limit=100):
            watcher.sightings[row["id"]].row = row
        for line in person.every("earnings/statement/", limit=100):
            watcher.sightings[line["subject"].removeprefix("assignment:")].line = line

    def _watcher(self, number: int, workers: int) -> Watcher:
        worker = a_worker(self.job)
        return Watcher(
            worker=worker,
            accuracy=self.chance.uniform(0.75, 0.97),
            pace=self.chance.uniform(8, 30),
            begins=self.chance.uniform(0, 60) if number < workers // 2 else self.chance.uniform(60, 1500),
            person=Person(worker.user),
        )

    def _launched(self, *, tasks: int, gold: int, gold_share: float) -> Job:
        client = a_client(funds_minor=10_000_000)
        order = Order(
            title="Animals",
            instructions="Say which animal it is.",
            label_schema=SCHEMA,
            currency="USD",
            reward_minor=10,
            skill_id=a_skill().pk,
            overlap_min=2,
            overlap_max=3,
            confidence_basis_points=9000,
            gold_share_basis_points=round(10_000 * gold_share),
            review_seconds=int(REVIEW.total_seconds()),
        )
        job = post_job(client=client, order=order, by=owner_of(client))
        self.pictures = [a_media(job, a_picture(size=(8 + n, 6)))["reference"] for n in range(PICTURES)]
        rows = [self._row(number) for number in range(tasks)]
        rows += [self._row(number) | {"gold_answer": "cat", "gold_reason": "It meows."} for number in range(gold)]
        self.chance.shuffle(rows)
        stream = BytesIO("\n".join(json.dumps(row) for row in rows).encode())
        import_tasks(job_id=job.pk, stream=stream, format="jsonl", by=Actor.user(owner_of(client)))
        with connection.cursor() as cursor:
            cursor.execute("SELECT setseed(%s)", [self.chance.uniform(-1, 1)])  # for the places of the slots
        return launch_job(job_id=job.pk, by=owner_of(client))

    def _row(self, number: int) -> dict[str, Any]:
        """Items differ, but gold no more from work than work from work: pictures and lengths go round."""
        words = " ".join(self.chance.choices(("fur", "paw", "ear"), k=3 + number % 7))
        return {"item": {"text": words, "image": self.pictures[number % PICTURES]}}

"""A crowd at work in a job, some of whom a person should look at: their answers as rows, claimed two days ago."""

import json
import random
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from typing import Final

from django.db.models import F

from kernel import clock
from kernel.services.audit import Actor
from marketplace.models import Annotation, Assignment, Band, Job, Price, Slot, Task
from marketplace.services.importing import import_tasks
from marketplace.services.posting import launch_job
from qualification.labels.results import Answer
from qualification.models import Skill
from tests.by_hand import by_hand
from tests.marketplace.builders import a_draft, owner_of
from tests.qualification.builders import a_worker
from workforce.models import Worker

BIRDS: Final = ("crow", "jay", "owl")
ASKED: Final = f"""<View>
  <Text name="text" value="$text"/>
  <Choices name="bird" toName="text" required="true">
    {"".join(f'<Choice value="{bird}"/>' for bird in BIRDS)}
  </Choices>
</View>"""
TASKS: Final = 90
GOLD: Final = 16
HONEST: Final = 10
SECONDS: Final = 10.0


@dataclass
class Crowd:
    """Who says what of which task, in the order in which everybody goes through the tasks; the first are gold.

    The truth of gold is the first choice, as the builders import it.
    """

    seed: int = 1
    people: tuple[str, ...] = ("honest",) * HONEST
    turns: list[tuple[int, int, int, float]] = field(default_factory=list)
    """Person, task, what was said, seconds."""

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        truth = [chance.randrange(len(BIRDS)) for _ in range(TASKS)]
        truth[:GOLD] = [0] * GOLD
        orders = [chance.sample(range(TASKS), TASKS) for _ in self.people]
        said: dict[tuple[int, int], int] = {}
        for place in range(TASKS):
            for person, kind in enumerate(self.people):
                task = orders[person][place]
                said[person, task] = self._says(kind, truth[task], place, chance)
                seconds = SECONDS * chance.lognormvariate(0, 0.4) / (8 if kind == "hasty" else 1)
                self.turns.append((person, task, said[person, task], seconds))
        self._copy(said, chance)

    def _says(self, kind: str, truth: int, place: int, chance: random.Random) -> int:
        if kind == "same":
            return 2
        guesses = kind == "hasty" or (kind == "drifting" and place >= TASKS // 2)
        right = 1 / 3 if guesses else 0.97 if kind == "drifting" else 0.7 if kind in ("source", "copier") else 0.88
        return truth if chance.random() < right else (truth + chance.randrange(1, 3)) % 3

    def _copy(self, said: dict[tuple[int, int], int], chance: random.Random) -> None:
        """What the copier says is mostly what the source says, whoever answered first."""
        if "copier" not in self.people:
            return
        source, copier = self.people.index("source"), self.people.index("copier")
        self.turns = [
            (person, task, said[source, task] if person == copier and chance.random() < 0.95 else says, seconds)
            for person, task, says, seconds in self.turns
        ]


ODD: Final = ("hasty", "same", "drifting", "source", "copier")


def at_work(
    crowd: Crowd, *, asked: str = ASKED, skill: Skill | None = None, workers: list[Worker] | None = None
) -> tuple[Job, list[Worker]]:
    """The crowd's answers as rows in a job of their own, claimed two days ago in the order of the turns."""
    job = a_draft(label_schema=asked, skill=skill, tasks=0, overlap_min=2, overlap_max=50, gold_share_basis_points=500)
    rows = [{"item": {"text": f"Bird {n}"}} for n in range(TASKS - GOLD)]
    known = [
        {"item": {"text": f"Known {n}"}, "gold_answer": [_chosen(BIRDS[0])], "gold_reason": "It caws."}
        for n in range(GOLD)
    ]
    lines = "\n".join(json.dumps(row) for row in rows + known)
    import_tasks(job_id=job.pk, stream=BytesIO(lines.encode()), format="jsonl", by=Actor.user(owner_of(job.client)))
    launch_job(job_id=job.pk, by=owner_of(job.client))
    workers = workers or [a_worker() for _ in crowd.people]
    answered(job, workers, crowd.turns)
    return job, workers


def answered(job: Job, workers: list[Worker], turns: list[tuple[int, int, int, float]], *, ordinal: int = 10) -> None:
    """Let these workers have answered; who has no turn yet takes up those from ``ordinal`` on."""
    tasks = list(Task.objects.filter(job=job).order_by(F("gold_question").asc(nulls_last=True), "pk"))
    version, price = job.versions.get(), Price.objects.get(job=job, band=Band.STANDARD)
    begun = clock.now() - timedelta(days=2)
    made = []
    for number, (person, task, says, seconds) in enumerate(turns):
        claimed_at = begun + timedelta(seconds=number)
        turn = Assignment(
            job=job,
            task=tasks[task],
            worker=workers[person],
            version=version,
            ordinal=ordinal + person,
            lane=Slot.Lane.GOLD if task < GOLD else Slot.Lane.WORK,
            state=Assignment.State.SUBMITTED,
            price=price,
            reward_minor=price.reward_minor,
            fee_minor=price.fee_minor,
            currency=price.currency,
            claimed_at=claimed_at,
            expires_at=claimed_at + timedelta(hours=1),
            submitted_at=claimed_at + timedelta(seconds=seconds),
            review_due_at=claimed_at + timedelta(days=9),
        )
        made.append((turn, _annotation(turn, BIRDS[says], seconds)))
    with by_hand():
        Assignment.objects.bulk_create([turn for turn, _ in made])
        Annotation.objects.bulk_create([said for _, said in made])


def _annotation(turn: Assignment, bird: str, seconds: float) -> Annotation:
    key = Answer.of({"bird": [bird]}).key
    assert turn.submitted_at is not None
    return Annotation(
        assignment=turn, result=[_chosen(bird)], answer_key=key, seconds=seconds, submitted_at=turn.submitted_at
    )


def _chosen(bird: str) -> dict[str, object]:
    return {"from_name": "bird", "to_name": "text", "type": "choices", "value": {"choices": [bird]}}

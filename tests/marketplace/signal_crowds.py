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
from marketplace.queries import current_schema_of
from marketplace.services.importing import import_tasks
from marketplace.services.posting import launch_job
from qualification.labels.results import validate_result
from qualification.labels.schema import LabelSchema
from qualification.models import Skill
from tests.by_hand import by_hand
from tests.marketplace.builders import a_draft, owner_of
from tests.qualification.builders import a_worker
from workforce.models import Worker

Result = list[dict[str, object]]

BIRDS: Final = ("crow", "jay", "owl")
ASKED: Final = f"""<View>
  <Text name="text" value="$text"/>
  <Choices name="bird" toName="text" required="true">
    {"".join(f'<Choice value="{bird}"/>' for bird in BIRDS)}
  </Choices>
</View>"""
SIDES: Final = ("left", "right")
COMPARED: Final = """<View>
  <Text name="text" value="$text"/><Text name="other" value="$text"/><Pairwise name="side" toName="text,other"/>
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
    choices: int = len(BIRDS)
    turns: list[tuple[int, int, int, float]] = field(default_factory=list)
    """Person, task, what was said, seconds."""

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        truth = [chance.randrange(self.choices) for _ in range(TASKS)]
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
            return self.choices - 1
        guesses = kind == "hasty" or (kind == "drifting" and place >= TASKS // 2)
        right = 1 / 3 if guesses else 0.97 if kind == "drifting" else 0.7 if kind in ("source", "copier") else 0.88
        return truth if chance.random() < right else (truth + chance.randrange(1, self.choices)) % self.choices

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
        {"item": {"text": f"Known {n}"}, "gold_answer": _said(current_schema_of(job.pk), 0), "gold_reason": "It caws."}
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
    begun, schema = clock.now() - timedelta(days=2), current_schema_of(job.pk)
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
        made.append((turn, _annotation(turn, _said(schema, says), schema, seconds)))
    with by_hand():
        Assignment.objects.bulk_create([turn for turn, _ in made])
        Annotation.objects.bulk_create([said for _, said in made])


def _annotation(turn: Assignment, result: Result, schema: LabelSchema, seconds: float) -> Annotation:
    key = validate_result(schema, result).key
    assert turn.submitted_at is not None
    return Annotation(assignment=turn, result=result, answer_key=key, seconds=seconds, submitted_at=turn.submitted_at)


def _said(schema: LabelSchema, place: int) -> Result:
    """The bird, or the side, that stands there."""
    [asked] = schema.controls
    is_bird = asked.name == "bird"
    value: dict[str, object] = {"choices": [BIRDS[place]]} if is_bird else {"selected": SIDES[place]}
    kind = "choices" if is_bird else "pairwise"
    return [{"from_name": asked.name, "to_name": asked.to_name, "type": kind, "value": value}]

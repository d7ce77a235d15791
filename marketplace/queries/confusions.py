"""What a worker says when each class is true, in one skill: from exams and from gold hidden in work."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from marketplace.models import Assignment
from marketplace.queries.turns import UNKNOWN
from qualification.labels.errors import ResultError
from qualification.labels.results import Answer, validate_result
from qualification.labels.schema import LabelSchema
from qualification.models import Exam, ExamAnswer
from qualification.queries import trusted_gold
from qualification.statistics.confusion import ClassConfusion, confusion_of

MOST_ANSWERS: Final = 20_000
"""The latest so many answers to hidden gold are looked at."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Of one list of choices: what was said when each was true."""

    choices: tuple[str, ...]
    by_class: tuple[ClassConfusion, ...]


def confusions_of(*, worker_id: UUID, skill_id: UUID) -> list[Confusion]:
    """One for each list of choices that gold of this skill asked of the worker, by a single choice; today's gold too.

    For admins: a worker's own view of hidden gold ends at the last midnight (`qualification.queries`). Gold that is
    retired tells nothing any more, and none that is doubted until a person has kept it.
    """
    pairs: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for choices, truth, said in (*_in_exams(worker_id, skill_id), *_in_work(worker_id, skill_id)):
        pairs[choices].append((truth, said))
    return [
        Confusion(choices, confusion_of(answers, classes=len(choices))) for choices, answers in sorted(pairs.items())
    ]


_Told = tuple[tuple[str, ...], int, int]
"""A list of choices, the place of the right one, and of what was said."""


def _in_exams(worker_id: UUID, skill_id: UUID) -> Iterator[_Told]:
    asked = ExamAnswer.objects.filter(
        exam__worker_id=worker_id,
        exam__skill_id=skill_id,
        exam__state__in=[Exam.State.PASSED, Exam.State.FAILED],
        answered_at__isnull=False,
        gold_question__in=trusted_gold(),
    ).select_related("gold_question__label_schema")
    for each in asked.order_by("pk"):
        schema = each.gold_question.label_schema.checked
        try:
            said = validate_result(schema, each.result).key
        except ResultError:  # one that was read by an earlier version of the rules
            continue
        yield from _told(schema, each.gold_question.answer_key, said)


def _in_work(worker_id: UUID, skill_id: UUID) -> Iterator[_Told]:
    turns = Assignment.objects.filter(
        worker_id=worker_id,
        job__skill_id=skill_id,
        annotation__late=False,
        task__gold_question__in=trusted_gold(),
    ).select_related("annotation", "task__gold_question__label_schema")
    for turn in turns.order_by("-claimed_at", "-pk")[:MOST_ANSWERS].iterator(chunk_size=1000):
        question = turn.task.gold_question
        assert question is not None
        yield from _told(question.label_schema.checked, question.answer_key, turn.annotation.answer_key)


def _told(schema: LabelSchema, true_key: str, said_key: str) -> Iterator[_Told]:
    control = schema.single_choice
    if control is None:
        return
    places = {Answer.of({control.name: [label]}).key: place for place, label in enumerate(control.labels)}
    truth, said = places.get(true_key, UNKNOWN), places.get(said_key, UNKNOWN)
    if UNKNOWN not in (truth, said):
        yield control.labels, truth, said

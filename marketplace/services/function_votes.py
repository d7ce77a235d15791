"""What labeling functions say of a job's tasks: each by itself as a report, and all together as one vote.

Loaded by what computes: it needs NumPy. Hidden gold is no part of it: a function that names one item would find out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet

from marketplace.models import Job, LabelingFunction, Prediction, Predictor, Task
from marketplace.queries import current_schema_of
from marketplace.queries.progress import work_tasks_of
from marketplace.services.labeling_functions import functions_of, question_of
from qualification.labels.parts import ChoicesControl
from qualification.labels.results import Answer
from qualification.statistics.fusion.answers import UNKNOWN, Answers, Indices
from qualification.statistics.fusion.em import expected, fit
from qualification.statistics.fusion.votes import OneCoin
from qualification.statistics.weak import functions as weak
from qualification.statistics.weak.voting import ABSTAINS, Report, label_items, report

MOST_TRIED: Final = 1_000
MOST_CHARACTERS: Final = 1_000_000
"""How many tasks functions are tried on, and how much text in all."""

MOST_CHARACTERS_OF_A_RUN: Final = 10_000_000
"""After which a run ends: its job stands still so long."""

AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Trial:
    """What each function of a job said of ``tasks`` of it, and on what share of them (0 to 1) any of them spoke."""

    tasks: int
    is_sample: bool
    coverage: float
    reports: list[tuple[LabelingFunction, Report]]


def tried(job: Job) -> Trial:
    """Each function on the tasks with the lowest ids, which are random; right and wrong by what people say of them.

    What people say is known where the label is paid for: an admin's label, or what more than half of the answers say.
    Predictions have no part in that. Raises NoSingleChoice.
    """
    question = question_of(current_schema_of(job.pk))
    functions = functions_of(job.pk)
    tasks = list(work_tasks_of(job).order_by("pk")[:MOST_TRIED])
    looked_at = _within(tasks, MOST_CHARACTERS)
    said = _said(job, functions, question, looked_at)
    places = {label: place for place, label in enumerate(question.labels)}
    truths = [places.get(_by_people(task, question), UNKNOWN) for task in looked_at]
    spoke = (said != ABSTAINS).any(axis=1)
    return Trial(
        tasks=len(looked_at),
        is_sample=len(tasks) == MOST_TRIED or len(looked_at) < len(tasks),
        coverage=float(spoke.mean()) if spoke.size else 0.0,
        reports=list(zip(functions, report(_read(functions, question), said, gold=truths), strict=True)),
    )


@dataclass(frozen=True, slots=True)
class Run:
    """What functions said together of some tasks: each with the class in front, and how far in front.

    ``looked_at`` tasks were looked at, up to the one of the id ``until``; none where nothing is left behind them.
    """

    said: list[tuple[UUID, str, float]]
    looked_at: int
    until: UUID | None


def fused(
    job: Job, functions: list[LabelingFunction], question: ChoicesControl, predictor: Predictor, most: int
) -> Run:
    """What is said of up to ``most`` tasks that wait for a label and this prediction, from where the last run ended on.

    Each function weighs by how often it agrees with the others, on the tasks with the lowest ids: one coin each, by EM.
    No answer of a worker and no gold has a part in it, so that these can tell how good it is.
    """
    sample = _within(list(work_tasks_of(job).order_by("pk")[:MOST_TRIED]), MOST_CHARACTERS)
    learnt = fit(OneCoin(), _answers(_said(job, functions, question, sample), question))
    waiting = work_tasks_of(job).filter(state=Task.State.OPEN)
    waiting = waiting.exclude(Exists(Prediction.objects.filter(predictor=predictor, task=OuterRef("pk"))))
    found: list[tuple[UUID, str, float]] = []
    looked_at, until = 0, predictor.looked_until
    for tasks in _stretch(waiting, behind=until, most=most):
        looked_at, until = looked_at + len(tasks), tasks[-1].pk
        said = _said(job, functions, question, tasks)
        nobody = np.full(len(tasks), UNKNOWN, dtype=np.int32)
        posterior, _ = expected(learnt.parameters, _answers(said, question), nobody)
        for task, row, spoken in zip(tasks, posterior, said, strict=True):
            order = np.sort(row)
            if (spoken != ABSTAINS).any() and (order.size < 2 or order[-1] > order[-2]):
                found.append((task.pk, question.labels[int(row.argmax())], float(row.max())))
    is_more_left = until is not None and waiting.filter(pk__gt=until).exists()
    return Run(found, looked_at, until if is_more_left else None)


def _stretch(waiting: QuerySet[Task], *, behind: UUID | None, most: int) -> Iterator[list[Task]]:
    """Up to ``most`` of these tasks, of so much text, by their ids, some at once: those behind one."""
    characters = MOST_CHARACTERS_OF_A_RUN
    rows = (waiting.filter(pk__gt=behind) if behind else waiting).order_by("pk")
    while characters > 0 and (tasks := list(rows[: min(AT_ONCE, most)])):
        yield _within(tasks, characters)
        characters -= sum(map(_length, tasks))
        most -= len(tasks)
        rows = rows.filter(pk__gt=tasks[-1].pk)


def _within(tasks: list[Task], characters: int) -> list[Task]:
    """The first of these tasks with so much text in all; one at least."""
    lengths = np.cumsum([_length(task) for task in tasks])
    return tasks[: max(1, int((lengths <= characters).sum()))]


def _length(task: Task) -> int:
    return sum(len(text) for text in task.item.values() if isinstance(text, str))


def _said(job: Job, functions: list[LabelingFunction], question: ChoicesControl, tasks: list[Task]) -> Indices:
    scores = _scores(job, functions, question, tasks)
    items: list[Mapping[str, object]] = [{**task.item, **scores.get(task.pk, {})} for task in tasks]
    return label_items(_read(functions, question), items, classes=question.labels)


def _read(functions: list[LabelingFunction], question: ChoicesControl) -> list[weak.LabelingFunction]:
    return [
        weak.read_function({**_placed(each.rule), "name": each.name}, classes=question.labels) for each in functions
    ]


def _placed(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """The rule, looking at a model's score of its own label where it is about scores."""
    return {**rule, "field": _score_field(rule["field"], rule["label"])} if rule["kind"] == "score" else rule


def _score_field(model: str, label: str) -> str:
    return f"\x00{model}\x00{label}"  # no field of an item can be called so


def _scores(
    job: Job, functions: list[LabelingFunction], question: ChoicesControl, tasks: list[Task]
) -> dict[UUID, dict[str, object]]:
    """What models say of these tasks, as fields of their items: each prediction's score, by model and label."""
    models = {each.rule["field"] for each in functions if each.rule["kind"] == "score"}
    if not models:
        return {}
    found: dict[UUID, dict[str, object]] = {}
    rows: QuerySet[Prediction] = Prediction.objects.filter(predictor__job=job, task__in=[task.pk for task in tasks])
    for each in rows.select_related("predictor").order_by("pk"):
        said = Answer.from_key(each.answer_key).chosen(question.name)
        if str(each.predictor) in models and said:
            found.setdefault(each.task_id, {})[_score_field(str(each.predictor), said[0])] = each.score
    return found


def _answers(said: Indices, question: ChoicesControl) -> Answers:
    task, column = np.nonzero(said != ABSTAINS)
    return Answers.of(
        task=task,
        worker=column,
        said=said[task, column],
        tasks=len(said),
        workers=said.shape[1],
        classes=len(question.labels),
    )


def _by_people(task: Any, question: ChoicesControl) -> str:
    """The class that people say, or nothing while that is not known or not paid for."""
    if not task.is_paid_for:
        return ""
    key = task.answer_key if task.method == Task.Method.ADJUDICATION else ""
    if task.method == Task.Method.CONSENSUS and (task.majority_share or 0.0) > 0.5:
        key = task.majority_key
    said = Answer.from_key(key).chosen(question.name) if key else ()
    return said[0] if said else ""

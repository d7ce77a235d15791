"""Learning how each worker answers what is no choice, from tasks that several answered (docs/adr/0050).

Each kind says what it sees in a worker's answers (`kinds.base.LearnsHabits`); where it says nothing, it is how alike
they are to what is right, and to those of others, and of regions also what is marked and what is not. What was learnt
of some tasks is tried on others, and counts only where it merges them better.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any, Final, Protocol
from uuid import UUID

import numpy as np

from qualification.labels.clusters import clusters_of
from qualification.labels.comparing import similarity_of
from qualification.labels.habits import DIGITS, Habit, Habits
from qualification.labels.kinds.base import LearnsHabits, Told
from qualification.labels.merging import meant_answer, merge_answers
from qualification.labels.parts import Control
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.labels.units import Question, Unit, asks_for_regions, question_of
from qualification.statistics.merging.crowds import weights_of
from qualification.statistics.merging.marks import UNKNOWN_COUNTS, weigh_marks

FOLDS: Final = 5
"""What was learnt of four fifths of the tasks is tried on the last fifth, in turn."""

MOST_TRIED: Final = 120
LEAST_TRIED: Final = 10
SURE: Final = 1.83
"""Standard errors by which merging must be better: a chance of one in twenty with ten tasks, by Student's t."""

MOST_COMPARED: Final = 1_000_000
"""Regions or values, each times the answers that it is compared with: all that a usual job has. Where answers mark
hundreds of things it takes minutes."""

OFFSET_TASKS: Final = 10.0
"""Answers to gold by which the gap between likeness to what is right and to others is drawn to none."""


@dataclass(frozen=True, slots=True)
class Said:
    """Who said what of a task, and what that weighs in a merge while nothing is learnt."""

    worker: str
    answer: Answer
    weight: float


@dataclass(frozen=True, slots=True)
class SharedTask:
    """A task that several answered, with what is right where that is known; tasks of one `fold` are tried together."""

    fold: int
    said: tuple[Said, ...]
    truth: Answer | None = None


@dataclass(frozen=True)
class ControlHabits:
    """What was learnt of one control: habits by worker, none where the merge by score stays.

    `without` has for each fold what all other tasks teach. `gain` is by how much merged answers came nearer to what is
    right (`by_gold`), or to an answer that was left out, on `tried` tasks.
    """

    control: str
    habits: Mapping[str, Habit]
    without: tuple[Mapping[str, Habit], ...]
    tried: int
    gain: float
    by_gold: bool

    @property
    def is_used(self) -> bool:
        """Whether they weigh answers."""
        return bool(self.habits)


def learn_habits(schema: LabelSchema, tasks: Sequence[SharedTask], *, most: int) -> tuple[ControlHabits, ...]:
    """How each worker answers each control that is no choice. The same tasks, in the same order, teach the same.

    Tasks have two answers at least, or a truth. Of what more of them have than `most`, as many as decide about a task,
    all teach and the first ones are tried.
    """
    return tuple(_learnt(schema, control, tasks, most) for control in schema.others)


def fold_of(task_id: UUID) -> int:
    """With which others a task is tried."""
    return task_id.int % FOLDS


def written_trials(learnt: Sequence[ControlHabits]) -> list[dict[str, Any]]:
    """Whether habits weigh answers and what was found for or against it, by control, as JSON values."""
    return [
        {
            "control": each.control,
            "is_used": each.is_used,
            "tried": each.tried,
            "by_gold": each.by_gold,
            "gain": round(each.gain, DIGITS),
        }
        for each in learnt
    ]


def habits_of(learnt: Sequence[ControlHabits], worker: str, *, without: int | None = None) -> Habits:
    """What is known of a worker, by control; as if the tasks of one fold had not been there."""
    found = {
        each.control: (each.habits if without is None else each.without[without]).get(worker)
        for each in learnt
        if each.is_used
    }
    return {control: habit for control, habit in found.items() if habit is not None}


def _learnt(schema: LabelSchema, control: Control, given: Sequence[SharedTask], most: int) -> ControlHabits:
    tasks = _in_minutes(control, given)
    way = _way_of(schema, control, tasks)
    without = tuple(_taught(way, tasks, [n for n, task in enumerate(tasks) if task.fold != f]) for f in range(FOLDS))
    tried = [replace(task, said=task.said[: most if task.truth else most + 1]) for task in tasks]
    gold, work = _gains(schema, control, tried, without)
    by_gold = len(gold) >= LEAST_TRIED
    gains = gold if by_gold else work
    is_better = _is_better(gains) and (by_gold or not gold or fmean(gold) >= 0)
    habits = _taught(way, tasks, range(len(tasks))) if is_better else {}
    gain = fmean(gains) if gains else 0.0
    return ControlHabits(control.name, habits, without, tried=len(gains), gain=gain, by_gold=by_gold)


def _in_minutes(control: Control, tasks: Sequence[SharedTask]) -> list[SharedTask]:
    """As many of the tasks as `MOST_COMPARED` lets be looked at, gold first, in the order in which they came."""
    left, taken = MOST_COMPARED, set()
    for place in sorted(range(len(tasks)), key=lambda place: tasks[place].truth is None):
        said = tasks[place].said
        left -= len(said) * sum(len(each.answer.chosen(control.name)) for each in said)
        if left < 0:
            break
        taken.add(place)
    return [task for place, task in enumerate(tasks) if place in taken]


class _Way(Protocol):
    """A way to learn habits, which has looked at all tasks once and is asked about some of them."""

    def habits(self, tasks: Sequence[int]) -> dict[str, Habit]: ...


def _way_of(schema: LabelSchema, control: Control, tasks: Sequence[SharedTask]) -> _Way:
    question = question_of(schema, control) if control.tag != "Relations" else None
    if question is not None and isinstance(question.kind, LearnsHabits):
        return _ByKind(question, question.kind, tasks)
    by_likeness = _ByLikeness(schema, control, tasks)
    return _ByMarks(question, by_likeness, tasks) if question is not None and asks_for_regions(control) else by_likeness


class _ByKind:
    """The kind's own."""

    def __init__(self, question: Question, kind: LearnsHabits[Any], tasks: Sequence[SharedTask]) -> None:
        self._kind, self._about = kind, question.about
        self._told = [
            Told(
                tuple((said.worker, unit.shape) for said in task.said for unit in _units(question, said.answer)),
                next((unit.shape for unit in _units(question, task.truth)), None),
            )
            for task in tasks
        ]

    def habits(self, tasks: Sequence[int]) -> dict[str, Habit]:
        return self._kind.habits([self._told[task] for task in tasks], self._about)


class _ByLikeness:
    """How alike somebody's answers are to what is right, and where that is not known to those of the others.

    Others are not right always, so by as much as answers are less alike to them they are taken for more.
    """

    def __init__(self, schema: LabelSchema, control: Control, tasks: Sequence[SharedTask]) -> None:
        self._near = [list(_nearness(schema, control, task)) for task in tasks]
        self._is_gold = [task.truth is not None for task in tasks]

    def habits(self, tasks: Sequence[int]) -> dict[str, Habit]:
        gold = [row for task in tasks if self._is_gold[task] for row in self._near[task]]
        work = [row for task in tasks if not self._is_gold[task] for row in self._near[task]]
        offset = 0.0
        if gold and work:
            gap = fmean(near for _, near in gold) - fmean(near for _, near in work)
            offset = gap * len(gold) / (len(gold) + OFFSET_TASKS)
        alike = [(worker, near, 1.0) for worker, near in gold]
        alike += [(worker, min(max(near + offset, 0.0), 1.0), UNKNOWN_COUNTS) for worker, near in work]
        return {worker: Habit.plain(weight) for worker, weight in weights_of(alike).items()}


def _nearness(schema: LabelSchema, control: Control, task: SharedTask) -> list[tuple[str, float]]:
    if task.truth is not None:
        truth = task.truth
        return [(said.worker, similarity_of(schema, control, said.answer, truth)) for said in task.said]
    size = len(task.said)
    if size < 2:
        return []
    near = np.zeros((size, size))
    for one in range(size):
        for other in range(one):
            alike = similarity_of(schema, control, task.said[one].answer, task.said[other].answer)
            near[one, other] = near[other, one] = alike
    means = near.sum(axis=1) / (size - 1)
    return [(said.worker, mean) for said, mean in zip(task.said, means.tolist(), strict=True)]


class _ByMarks:
    """By likeness, and by what it says that somebody marked a thing, or did not."""

    def __init__(self, question: Question, by_likeness: _ByLikeness, tasks: Sequence[SharedTask]) -> None:
        self._by_likeness = by_likeness
        self._things = [list(_things(question, task)) for task in tasks]

    def habits(self, tasks: Sequence[int]) -> dict[str, Habit]:
        things = [thing for task in tasks for thing in self._things[task]]
        names = sorted({worker for _, seen in things for worker, _ in seen})
        place = {worker: number for number, worker in enumerate(names)}
        rows = [(n, place[worker], marked) for n, (_, seen) in enumerate(things) for worker, marked in seen]
        plain = self._by_likeness.habits(tasks)
        if not rows:
            return plain
        marks = weigh_marks(
            thing=np.array([row[0] for row in rows], dtype=np.int64),
            worker=np.array([row[1] for row in rows], dtype=np.int64),
            is_marked=np.array([row[2] for row in rows], dtype=np.float64),
            truth=np.array([truth for truth, _ in things], dtype=np.float64),
            workers=len(names),
        )
        found = dict(zip(names, zip(marks.marked.tolist(), marks.silent.tolist(), strict=True), strict=True))
        return {worker: Habit(habit.weight, *found[worker]) for worker, habit in plain.items() if worker in found}


_Thing = tuple[float, list[tuple[str, bool]]]
"""1 where it is there, 0 where not, no number where nobody knows; and who marked it."""


def _things(question: Question, task: SharedTask) -> list[_Thing]:
    """What anybody marked in a task, or what is right."""
    known = [] if task.truth is None else [task.truth]
    units = [_units(question, answer) for answer in (*(said.answer for said in task.said), *known)]
    clusters = clusters_of(question, units, [*(said.weight for said in task.said), *(1.0 for _ in known)])
    right = len(task.said)
    return [
        (
            float(right in cluster.members) if known else math.nan,
            [(said.worker, place in cluster.members) for place, said in enumerate(task.said)],
        )
        for cluster in clusters
    ]


def _units(question: Question, answer: Answer | None) -> list[Unit]:
    return [] if answer is None else question.units_of(answer.chosen(question.control.name))


def _taught(way: _Way, tasks: Sequence[SharedTask], places: Sequence[int]) -> dict[str, Habit]:
    """What some tasks teach, on the scale of the weights by score: an average answer weighs the same either way.

    So those of whom nothing is learnt yet weigh neither too much nor too little beside the others.
    """
    habits = way.habits(places)
    answers = [said for place in places for said in tasks[place].said if said.worker in habits]
    if not answers:
        return {}
    typical = fmean(said.weight for said in answers)
    given = [habits[said.worker].scaled(weight=1.0, marks=1.0) for said in answers]
    weight = typical / fmean(habit.weight for habit in given)
    marks = typical / fmean((habit.marked + habit.silent) / 2 for habit in given)
    return {worker: habit.scaled(weight=weight, marks=marks) for worker, habit in habits.items()}


def _gains(
    schema: LabelSchema, control: Control, tasks: Sequence[SharedTask], without: Sequence[Mapping[str, Habit]]
) -> tuple[list[float], list[float]]:
    """By how much nearer habits that a task did not teach bring it: to what is right, and to an answer left out."""
    gold: list[float] = []
    work: list[float] = []
    for place, task in enumerate(sorted(tasks, key=lambda task: task.truth is None)):
        if len(gold) + len(work) >= MOST_TRIED:
            break
        if task.truth is not None:
            gold.append(_gain(schema, control, task.said, task.truth, without[task.fold]))
        elif len(task.said) > 2:
            left_out = place % len(task.said)
            rest = tuple(said for number, said in enumerate(task.said) if number != left_out)
            work.append(_gain(schema, control, rest, task.said[left_out].answer, without[task.fold]))
    return gold, work


def _gain(
    schema: LabelSchema, control: Control, said: Sequence[Said], aim: Answer, habits: Mapping[str, Habit]
) -> float:
    answers, weights = [each.answer for each in said], [each.weight for each in said]
    own: list[Habits] = [{control.name: habits[each.worker]} if each.worker in habits else {} for each in said]
    meant = [meant_answer(schema, answer, habit) for answer, habit in zip(answers, own, strict=True)]
    plain, weighed = merge_answers(schema, answers, weights), merge_answers(schema, meant, weights, own)
    return similarity_of(schema, control, weighed, aim) - similarity_of(schema, control, plain, aim)


def _is_better(gains: Sequence[float]) -> bool:
    return len(gains) >= LEAST_TRIED and fmean(gains) > SURE * stdev(gains) / math.sqrt(len(gains))

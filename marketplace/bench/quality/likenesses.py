"""What is believed of answers that are merged: how honest their confidence is with little gold, and what habits add.

Recorded boxes, spans and transcripts, each task with two to four answers drawn at random, as a running job has them
(docs/adr/0049, 0050).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any, Final, NamedTuple

import numpy as np

from marketplace.bench.quality.recordings import read_manifest, read_rows
from qualification.labels.errors import ResultError
from qualification.labels.learning import FOLDS, Said, SharedTask, habits_of, learn_habits
from qualification.labels.results import Answer, validate_result
from qualification.labels.schema import LabelSchema, parse_schema
from qualification.labels.similarity import similarity_by_control
from qualification.statistics.believing import (
    MergedVotes,
    is_right_but_for_choices,
    merge_votes,
    weight_of,
)
from qualification.statistics.consensus import Vote
from qualification.statistics.fusion.calibration import calibration_error
from qualification.statistics.fusion.resembling import Merged, learn_resemblance
from qualification.statistics.scoring import Score

ANSWERS: Final = (2, 3, 4)
GOLD: Final = (0, 10, 30)
"""Tasks of known truth that teach; where a set has not twice as many tasks, fewer are tried."""

GOLD_SHARE: Final = 0.1
"""Of the tasks, those whose truth teaches habits."""

MOST_TASKS: Final = 300
DRAWS: Final = 4
CANVAS: Final = 2_000
NEWCOMER: Final = Score().mean


@dataclass(frozen=True, slots=True)
class LikenessFindings:
    """One set: shares of merges that are right, by equal weights and by habits; how alike answers were to their merge.

    `likeness_error` is the calibration error if likeness were the confidence, `errors` that of the confidence, by how
    much gold taught it. `habits_used` says in how many draws a job would use habits.
    """

    name: str
    tasks: int
    right: float
    right_by_habits: float
    likeness: float
    likeness_error: float
    errors: dict[int, float]
    habits_used: int
    draws: int


class _Task(NamedTuple):
    """Who said what of a task, and what is right."""

    said: list[tuple[str, Answer]]
    truth: Answer


def measure_likenesses(folder: Path, *, quick: bool, tell: Callable[[str], None]) -> list[LikenessFindings]:
    """All sets of boxes, spans and texts in a folder that have truth and are there."""
    found = []
    for one in read_manifest(folder):
        is_there = (folder / one["name"] / "answers.jsonl.gz").is_file()
        if one["kind"] in _KINDS and one["truth_tasks"] and is_there:
            tell(f"{one['name']}: confidence of what is merged")
            found.append(_measured(folder / one["name"], _KINDS[one["kind"]], draws=1 if quick else DRAWS))
    return found


def _measured(folder: Path, kind: "_Kind", *, draws: int) -> LikenessFindings:
    schema = parse_schema(kind.config)
    tasks = _tasks_of(folder, schema, kind)
    drawn = [_Draw(schema, tasks, random.Random(seed)) for seed in range(draws)]  # noqa: S311  (by the seed)
    return LikenessFindings(
        name=folder.name,
        tasks=len(tasks),
        right=fmean(one.right for one in drawn),
        right_by_habits=fmean(one.right_by_habits for one in drawn),
        likeness=fmean(fmean(one.likeness) for one in drawn),
        likeness_error=fmean(_error(one.likeness, one.merged) for one in drawn),
        errors={gold: fmean(one.error_after(gold) for one in drawn) for gold in GOLD if 2 * gold <= len(tasks)},
        habits_used=sum(one.uses_habits for one in drawn),
        draws=draws,
    )


class _Draw:
    """Some answers to each task, in an order of tasks that is drawn: the first ones are gold when gold is wanted.

    Gold teaches after each of its first answers, as in a job (`marketplace.services.known_merges`).
    """

    def __init__(self, schema: LabelSchema, tasks: Sequence[_Task], chance: random.Random) -> None:
        [control] = schema.others
        self.merged: list[Merged] = []
        self.likeness: list[float] = []
        self.taught: list[list[Merged]] = []
        shared, at_work = list[SharedTask](), list[_Task]()
        for place, task in enumerate(chance.sample(tasks, len(tasks))):
            most = chance.sample(task.said, min(ANSWERS[-1], len(task.said)))
            said = most[: chance.choice(ANSWERS)]
            merge, one = _merged(schema, said, task.truth)
            near = [similarity_by_control(answer, merge.answer, schema)[control.name] for _, answer in said]
            self.merged.append(one)
            self.likeness.append(min(1.0, fmean(near)))
            if place < GOLD[-1]:
                sizes = range(ANSWERS[0], len(most) + 1)
                taught = (_merged(schema, most[:size], task.truth)[1] for size in sizes)
                self.taught.append([replace(each, weight=1 / len(sizes)) for each in taught])
            told = tuple(Said(worker, answer, weight_of(NEWCOMER)) for worker, answer in said)
            is_gold = place < GOLD_SHARE * len(tasks)
            shared.append(SharedTask(place % FOLDS, told, task.truth if is_gold else None))
            if not is_gold:
                at_work.append(_Task(said, task.truth))
        learnt = learn_habits(schema, shared, most=max(ANSWERS))
        self.uses_habits = any(each.is_used for each in learnt)
        by_habits = []
        for said, truth in at_work:
            votes = [Vote(answer, NEWCOMER, habits=habits_of(learnt, worker)) for worker, answer in said]
            by_habits.append(is_right_but_for_choices(merge_votes(schema, votes).answer, truth, schema))
        self.right_by_habits = fmean(by_habits)
        self.right = fmean(each.is_right for each in self.merged[-len(at_work) :])

    def error_after(self, gold: int) -> float:
        """The calibration error of the confidence of all other tasks, after so many have taught it."""
        curve = learn_resemblance(list(chain.from_iterable(self.taught[:gold]))).curve
        others = self.merged[gold:]
        return _error([curve.chance(each.closeness, each.answers) for each in others], others)


def _merged(schema: LabelSchema, said: Sequence[tuple[str, Answer]], truth: Answer) -> tuple[MergedVotes, Merged]:
    """These answers merged by equal weights, and what that teaches."""
    merge = merge_votes(schema, [Vote(answer, NEWCOMER) for _, answer in said])
    return merge, Merged(merge.closeness, len(said), is_right_but_for_choices(merge.answer, truth, schema))


def _error(confidence: Sequence[float], merged: Sequence[Merged]) -> float:
    return calibration_error(np.array(confidence), np.array([each.is_right for each in merged]))


class _Kind(NamedTuple):
    """What such sets ask for, and an annotation of one of their labels; none where it says nothing."""

    config: str
    result_of: Callable[[Any], list[dict[str, Any]] | None]


def _tasks_of(folder: Path, schema: LabelSchema, kind: _Kind) -> list[_Task]:
    """Tasks that two or more answered and whose truth is known, at most `MOST_TASKS`, by name.

    What could not be said on the platform is left out.
    """

    def read(label: Any) -> Answer | None:
        result = kind.result_of(label)
        try:
            return None if result is None else validate_result(schema, result)
        except ResultError:  # more regions than an answer may have
            return None

    truth = {row["task"]: read(row["label"]) for row in read_rows(folder / "truth.jsonl.gz")}
    said: dict[str, dict[str, Answer]] = {}
    for row in read_rows(folder / "answers.jsonl.gz"):
        answer = read(row["label"])
        if answer is not None and truth.get(row["task"]) is not None:
            said.setdefault(row["task"], {}).setdefault(row["worker"], answer)
    found = []
    for task in sorted(said):
        right = truth[task]
        if right is not None and len(said[task]) > 1:
            found.append(_Task(list(said[task].items()), right))
    return found[:MOST_TASKS]


def _box(label: Any) -> list[dict[str, Any]] | None:
    if not label:
        return None
    sides = zip(("x", "y", "width", "height"), label[0], strict=True)
    value = {name: 100 * side / CANVAS for name, side in sides} | {"rotation": 0}
    size = {"original_width": CANVAS, "original_height": CANVAS}
    return [_region("rectangle", value) | size]


def _spans(label: Any) -> list[dict[str, Any]] | None:
    return [
        _region("labels", {"start": start, "end": end, "labels": [word]}, place)
        for place, (start, end, word) in enumerate(label)
    ]


def _transcript(label: Any) -> list[dict[str, Any]] | None:
    return [_region("textarea", {"text": [label]})] if label.strip() else None


def _region(name: str, value: dict[str, Any], place: int = 0) -> dict[str, Any]:
    return {"id": f"{place}", "from_name": "c", "to_name": "o", "type": name, "value": value}


_TYPES: Final = "".join(f'<Label value="{name}"/>' for name in ("PER", "LOC", "ORG", "MISC"))
_KINDS: Final = {
    "boxes": _Kind('<View><Image name="o" value="$i"/><Rectangle name="c" toName="o"/></View>', _box),
    "spans": _Kind(f'<View><Text name="o" value="$t"/><Labels name="c" toName="o">{_TYPES}</Labels></View>', _spans),
    "text": _Kind('<View><Audio name="o" value="$a"/><TextArea name="c" toName="o"/></View>', _transcript),
}

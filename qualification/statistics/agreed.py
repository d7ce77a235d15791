"""How far people agree in one job, question by question: with the measures that fit what each question asks.

Choices and numbers have measures that take chance off; for everything else the mean likeness says the same, since what
two boxes have in common by chance is next to nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice
from typing import Final

import numpy as np

from qualification.labels.kinds.numbers import bounds_of
from qualification.labels.kinds.pairs import SIDES
from qualification.labels.parts import AnyControl, ChoicesControl
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import similarity_by_control
from qualification.labels.units import asks_for_regions, question_of
from qualification.statistics.agreement import (
    GivenValues,
    Interval,
    Metric,
    cohen_kappa,
    interval,
    krippendorff_alpha,
)
from qualification.statistics.likeness import Given, likeness
from qualification.statistics.resampling import mean_interval, nominal_agreement

DRAWS: Final = 300
FEWER_DRAWS: Final = 100
"""For measures that are computed draw by draw."""

LEVELS: Final = {"Rating": Metric.ORDINAL, "Number": Metric.INTERVAL}
"""The questions whose answers are numbers."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """How far answers to one question agree. `tasks` have two answers or more, `answers` are those to them.

    `level` says how alpha takes values apart; a measure that does not fit the question, or is not defined, is None.
    """

    tasks: int
    answers: int
    level: Metric | None = None
    percent: Interval | None = None
    alpha: Interval | None = None
    ac1: Interval | None = None
    fleiss: Interval | None = None
    kappa: Interval | None = None
    likeness: Interval | None = None


def questions_of(schema: LabelSchema) -> list[AnyControl]:
    """The questions that agreement is told of: all but those about single regions, which count with these."""
    return [control for control in schema.controls if not control.per_region]


def agreed_on(
    schema: LabelSchema,
    control: AnyControl,
    given: Sequence[Given],
    *,
    generator: np.random.Generator,
    numbers: Metric = Metric.INTERVAL,
) -> Agreed:
    """How far answers to one question agree; who left it out answered that.

    `numbers` is how numbers are taken apart. That 0 is none of something, as ratios need it, no schema says: who asks
    must know. They are taken only where the schema lets no answer be below 0, differences elsewhere.
    """
    tasks, answers = _counted(given)
    agreed = partial(Agreed, tasks, answers)
    if not tasks:
        return agreed()
    classes = _classes_of(control)
    if classes:
        values = _values(given, _said(control))
        found = nominal_agreement(values, classes=classes, generator=generator, draws=DRAWS)
        alike = _likeness(schema, control, given, generator) if control.multiple else None
        return agreed(Metric.NOMINAL, found.percent, found.alpha, found.ac1, found.fleiss, likeness=alike)
    if control.tag in LEVELS:
        level = _level(schema, control, numbers)
        values = _values(given, _number(schema, control))
        alpha = interval(partial(krippendorff_alpha, metric=level), values, generator=generator, draws=FEWER_DRAWS)
        return agreed(level, alpha=alpha, likeness=_likeness(schema, control, given, generator))
    return agreed(likeness=_likeness(schema, control, given, generator))


def agreed_by_label(
    schema: LabelSchema, control: AnyControl, given: Sequence[Given], *, most: int, generator: np.random.Generator
) -> dict[str, Agreed]:
    """How far answers agree about each label of one question (the first so many): whether it holds, or where its
    regions are."""
    tasks, answers = _counted(given)
    if isinstance(control, ChoicesControl):
        found = {}
        for label in control.labels[:most]:
            values = _values(given, partial(_says, control.name, label))
            one = nominal_agreement(values, classes=2, generator=generator, draws=DRAWS)
            found[label] = Agreed(tasks, answers, Metric.NOMINAL, one.percent, one.alpha, one.ac1, one.fleiss)
        return found
    if not asks_for_regions(control) or not tasks:
        return {}
    alike = likeness(schema, given, generator=generator, draws=DRAWS).by_label
    found = {
        label: Agreed(tasks, answers, likeness=one) for (name, label), one in alike.items() if name == control.name
    }
    return dict(islice(found.items(), most))


def agreed_by_pair(
    schema: LabelSchema, control: AnyControl, given: Sequence[Given], *, most: int, generator: np.random.Generator
) -> dict[tuple[str, str], Agreed]:
    """How far two workers agree in one question, for those pairs (at most so many) that share the most tasks."""
    shared: dict[tuple[str, str], list[tuple[Given, Given]]] = defaultdict(list)
    for own in _by_task(given).values():
        for first, second in combinations(sorted(own, key=lambda one: one.worker), 2):
            shared[first.worker, second.worker].append((first, second))
    busiest = sorted(shared, key=lambda pair: (-len(shared[pair]), pair))[:most]
    return {pair: _agreed_of_two(schema, control, shared[pair], generator) for pair in busiest}


def _agreed_of_two(
    schema: LabelSchema, control: AnyControl, both: list[tuple[Given, Given]], generator: np.random.Generator
) -> Agreed:
    alike = np.array([similarity_by_control(one.answer, other.answer, schema)[control.name] for one, other in both])
    agreed = partial(Agreed, len(both), 2 * len(both))
    found = mean_interval(alike, generator=generator, draws=DRAWS)
    if not _classes_of(control) or control.multiple:
        return agreed(likeness=found)
    values = _values([each for two in both for each in two], _said(control))
    kappa = interval(cohen_kappa, values, generator=generator, draws=FEWER_DRAWS)
    return agreed(Metric.NOMINAL, percent=found, kappa=kappa)


def _likeness(
    schema: LabelSchema, control: AnyControl, given: Sequence[Given], generator: np.random.Generator
) -> Interval | None:
    means = []
    for own in _by_task(given).values():
        near = [
            similarity_by_control(one.answer, other.answer, schema)[control.name] for one, other in combinations(own, 2)
        ]
        if near:
            means.append(sum(near) / len(near))
    return mean_interval(np.array(means), generator=generator, draws=DRAWS)


def _by_task(given: Iterable[Given]) -> Mapping[str, list[Given]]:
    by_task: dict[str, list[Given]] = defaultdict(list)
    for one in given:
        by_task[one.task].append(one)
    return by_task


def _counted(given: Iterable[Given]) -> tuple[int, int]:
    several = [len(own) for own in _by_task(given).values() if len(own) >= 2]
    return len(several), sum(several)


def _classes_of(control: AnyControl) -> int:
    """How many answers there are where each is one of a few: to choices, and to which of two is better. Else 0."""
    if isinstance(control, ChoicesControl):
        return max(2, min(control.possible_answers, 1_000))
    return len(SIDES) + (not control.required) if control.tag == "Pairwise" else 0


def _said(control: AnyControl) -> Callable[[Given], object]:
    return lambda one: one.answer.chosen(control.name)


def _says(control: str, label: str, one: Given) -> object:
    return label in one.answer.chosen(control)


def _level(schema: LabelSchema, control: AnyControl, numbers: Metric) -> Metric:
    level = LEVELS[control.tag]
    if level is Metric.INTERVAL and bounds_of(question_of(schema, control).about)[0] >= 0:
        return numbers
    return level


def _number(schema: LabelSchema, control: AnyControl) -> Callable[[Given], object]:
    question = question_of(schema, control)

    def read(one: Given) -> object:
        units = question.units_of(one.answer.chosen(control.name))
        return float(units[0].shape) if units else None

    return read


def _values(given: Sequence[Given], value: Callable[[Given], object]) -> GivenValues:
    """Answers as numbers: those that `value` gives, or the places of what it gives in the order of their texts."""
    read = [(one, value(one)) for one in given]
    told = [(one, said) for one, said in read if said is not None]
    different = sorted({said for _, said in told}, key=str)
    places = {said: said if isinstance(said, float) else place for place, said in enumerate(different)}
    tasks = {name: number for number, name in enumerate(sorted({one.task for one, _ in told}))}
    workers = {name: number for number, name in enumerate(sorted({one.worker for one, _ in told}))}
    return GivenValues.of(
        task=[tasks[one.task] for one, _ in told],
        worker=[workers[one.worker] for one, _ in told],
        value=[places[said] for _, said in told],
    )

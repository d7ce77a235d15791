"""One answer from several, whatever was asked: regions are clustered across answers, values merged by their kind."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from qualification.labels.errors import ResultError
from qualification.labels.habits import Habit, Habits
from qualification.labels.kinds.base import Bounded, LearnsHabits
from qualification.labels.kinds.voting import most_chosen
from qualification.labels.matching import Floats, overlaps_of, similarity_of_regions
from qualification.labels.parts import AnyControl, ChoicesControl
from qualification.labels.regions import relations_of
from qualification.labels.relations import End, Relation, made, relation_of
from qualification.labels.results import Answer, to_result
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import score_answer
from qualification.labels.units import Question, Unit, asks_for_regions, question_of

LABELS_COUNT: Final = 0.25
"""How much of being the same thing is being called the same, where several shapes overlap."""

TIE: Final = 1 + 1e-9

MOST_WORK: Final = 250_000
"""Points that are looked at to merge the shapes of up to `FEW_PAIRS` pairs of answers to a control, in proportion those
of more; of what is left then, the shape that has most weight stands."""

FEW_PAIRS: Final = 10


@dataclass
class Cluster:
    """Units of different answers that are the same thing, by the place of their answer, and their numbers in it."""

    members: dict[int, Unit] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def add(self, place: int, number: int, unit: Unit) -> None:
        self.members[place], self.numbers[place] = unit, number


@dataclass(frozen=True)
class Ballot:
    """Answers in an order of their own, with the weight of each: merging is the same in whatever order they came."""

    answers: tuple[Answer, ...]
    weights: tuple[float, ...]
    habits: tuple[Habits, ...]

    @classmethod
    def of(cls, answers: Sequence[Answer], weights: Sequence[float], habits: Sequence[Habits] = ()) -> "Ballot":
        if not answers:
            raise ValueError("There is nothing to merge.")
        if min(weights) <= 0:
            raise ValueError("The weight of an answer is above 0.")
        rows = zip(answers, weights, habits or [{}] * len(answers), strict=True)
        ordered = sorted(rows, key=lambda row: (row[0].key, row[1], sorted(row[2].items())))
        return cls(
            tuple(answer for answer, _, _ in ordered),
            tuple(weight for _, weight, _ in ordered),
            tuple(own for _, _, own in ordered),
        )

    @property
    def total(self) -> float:
        return math.fsum(self.weights)

    def about(self, control: AnyControl) -> "Ballot":
        """The same, each weighed as its worker answers this control, where that is known."""
        weights = (own[control.name].weight if control.name in own else w for own, w in self._pairs())
        return replace(self, weights=tuple(weights))

    def is_there(self, cluster: Cluster, control: AnyControl) -> tuple[bool, float]:
        """Whether those who marked a thing outweigh those who did not, and what the marks weigh."""
        own = [habits.get(control.name, Habit.plain(weight)) for habits, weight in self._pairs()]
        marked = math.fsum(habit.marked for place, habit in enumerate(own) if place in cluster.members)
        silent = math.fsum(habit.silent for place, habit in enumerate(own) if place not in cluster.members)
        return marked > (marked + silent) / 2 * TIE, marked

    def _pairs(self) -> Iterable[tuple[Habits, float]]:
        return zip(self.habits, self.weights, strict=True)


def merge_answers(
    schema: LabelSchema, answers: Sequence[Answer], weights: Sequence[float] = (), habits: Sequence[Habits] = ()
) -> Answer:
    """The answer that several, each with the weight of who gave it, make together; equal weights without.

    In place of the weight there are the habits of who gave it, for the controls of which these are known. A region is
    there where more than half of the weight marked it. Where what comes out does not fit the schema, as
    each part is possible but not all together, the answer that is nearest to all stands. Raises ValueError without
    answers.
    """
    ballot = Ballot.of(answers, weights or [1.0] * len(answers), habits)
    if len(set(ballot.answers)) == 1:
        return ballot.answers[0]
    merged: dict[str, list[str]] = {}
    ends: dict[tuple[int, End], End] = {}
    relations = relations_of(schema)
    for control in schema.controls:
        if control.per_region or control.tag == "Relations":
            continue
        question = question_of(schema, control)
        if asks_for_regions(control):
            merged[control.name] = _merged_regions(question, ballot.about(control), None if relations is None else ends)
        else:
            merged[control.name] = _merged_value(question, ballot.about(control))
    if relations is not None:
        merged[relations.name] = _merged_relations(relations, ballot.about(relations), ends)
    answer = Answer.of(merged)
    try:
        to_result(schema, answer)
    except ResultError:
        return _nearest_to_all(schema, ballot)
    return answer


def meant_answer(schema: LabelSchema, answer: Answer, habits: Habits) -> Answer:
    """What somebody with these habits meant, where their kind of answer can be corrected by them."""
    meant = dict(answer.selections)
    for control in schema.others:
        habit, texts = habits.get(control.name), answer.chosen(control.name)
        if habit is None or not texts or control.tag == "Relations":
            continue
        question = question_of(schema, control)
        if isinstance(question.kind, LearnsHabits):
            units = question.units_of(texts)
            shapes = (question.kind.corrected(unit.shape, habit, question.about) for unit in units)
            meant[control.name] = tuple(question.texts_of([Unit(shape) for shape in shapes]))
    return Answer.of(meant)


def _nearest_to_all(schema: LabelSchema, ballot: Ballot) -> Answer:
    def nearness(answer: Answer) -> float:
        pairs = zip(ballot.answers, ballot.weights, strict=True)
        return round(math.fsum(weight * score_answer(answer, other, schema) for other, weight in pairs), 9)

    return max(ballot.answers, key=nearness)


def _merged_value(question: Question, ballot: Ballot) -> list[str]:
    """The value that most weight stands for; none where most of it left an optional control out."""
    control = question.control
    given = [
        (question.units_of(answer.chosen(control.name)), weight)
        for answer, weight in zip(ballot.answers, ballot.weights, strict=True)
    ]
    if isinstance(control, ChoicesControl):
        sets = [units[0].shape if units else () for units, _ in given]
        chosen = most_chosen(sets, ballot.weights, order=control.labels, several=control.multiple)
        if not chosen and control.required:
            answered = [(own, weight) for own, weight in zip(sets, ballot.weights, strict=True) if own]
            chosen = max(answered, key=lambda pair: pair[1])[0]
        return list(chosen)
    answered_by = [(units[0], weight) for units, weight in given if units]
    weight_of_answers = math.fsum(weight for _, weight in answered_by)
    if not control.required and weight_of_answers * 2 <= ballot.total * (2 - TIE):
        return []
    if not answered_by:
        return []
    shapes = [unit.shape for unit, _ in answered_by]
    merged = question.kind.merge(shapes, [weight for _, weight in answered_by], question.about)
    return question.texts_of([Unit(merged)])


def _merged_regions(question: Question, ballot: Ballot, ends: dict[tuple[int, End], End] | None) -> list[str]:
    """The texts of the merged regions; `ends`, where given, learns which region of which answer became which."""
    units = [question.units_of(answer.chosen(question.control.name)) for answer in ballot.answers]
    name, texts = question.control.name, []
    clusters = clusters_of(question, units, ballot.weights)
    seen = [ballot.is_there(cluster, question.control) for cluster in clusters]
    if question.control.required and seen and not any(is_there for is_there, _ in seen):
        most = max(weight for _, weight in seen)  # something must be marked: what most of the weight marked
        seen = [(weight > most / TIE, weight) for _, weight in seen]
    work = MOST_WORK * max(1.0, len(units) * (len(units) - 1) / 2 / FEW_PAIRS)
    for cluster, (is_there, _) in zip(clusters, seen, strict=True):
        if not is_there:
            continue
        merged, spent = _merged_unit(question, cluster, ballot.weights, work)
        work -= spent
        text = question.text_of(merged)
        texts.append(text)
        if ends is None:
            continue
        for place, unit in cluster.members.items():
            ends[place, (name, question.text_of(unit))] = (name, text)
    return texts


def clusters_of(question: Question, units: Sequence[Sequence[Unit]], weights: Sequence[float]) -> list[Cluster]:
    """The things that all answers mark, each with the unit of every answer that marks it.

    The answer that is nearest to all others comes first, and the next nearest is matched to it; each unit joins the
    cluster to whose members it is nearest on average, at most one of an answer to each, or begins its own.
    """
    clusters: list[Cluster] = []
    for place in _nearest_first(question, units, weights):
        _join(question, clusters, place, units)
    return clusters


def _nearest_first(question: Question, units: Sequence[Sequence[Unit]], weights: Sequence[float]) -> list[int]:
    size = len(units)
    near = np.zeros((size, size))
    for one in range(size):
        for other in range(one):
            near[one, other] = near[other, one] = similarity_of_regions(question, units[one], units[other])
    nearness = near @ np.asarray(weights)
    return sorted(range(size), key=lambda place: (-round(float(nearness[place]), 9), -weights[place], place))


def _join(question: Question, clusters: list[Cluster], place: int, units: Sequence[Sequence[Unit]]) -> None:
    near = _nearness(question, clusters, place, units)
    rows, columns = linear_sum_assignment(near, maximize=True)
    taken = {int(c): int(r) for r, c in zip(rows, columns, strict=True) if near[r, c] > 0}
    for number, unit in enumerate(units[place]):
        if number not in taken:
            clusters.append(Cluster())
        clusters[taken.get(number, -1)].add(place, number, unit)


def _nearness(question: Question, clusters: Sequence[Cluster], place: int, units: Sequence[Sequence[Unit]]) -> Floats:
    """Clusters × units of an answer: how near a unit is to a cluster's members on average; 0 if it is another thing."""
    if not clusters or not units[place]:
        return np.zeros((len(clusters), len(units[place])))
    members = [(other, cluster.numbers[other]) for cluster in clusters for other in sorted(cluster.members)]
    sizes = np.array([len(cluster.members) for cluster in clusters])
    starts = np.cumsum(sizes) - sizes
    labels = [units[other][number].labels for other, number in members]
    names = {
        own: number for number, own in enumerate(dict.fromkeys([*labels, *(unit.labels for unit in units[place])]))
    }
    theirs, ours = (np.array([names[own] for own in all_]) for all_ in (labels, [unit.labels for unit in units[place]]))
    overlap, named = (
        np.add.reduceat(table, starts) / sizes[:, None]
        for table in (_overlaps_with(question, members, place, units), (theirs[:, None] == ours).astype(np.float64))
    )
    same = overlap >= question.kind.same
    return np.where(same, overlap * (1 - LABELS_COUNT + LABELS_COUNT * named), 0.0)


def _overlaps_with(
    question: Question, members: Sequence[tuple[int, int]], place: int, units: Sequence[Sequence[Unit]]
) -> Floats:
    """Members × units of an answer. Each two answers have been compared already, to see which comes first."""
    others, numbers = (np.array(column) for column in zip(*members, strict=True))
    found = np.empty((len(members), len(units[place])))
    for other in set(others.tolist()):
        rows = others == other
        found[rows] = overlaps_of(question, units[other], units[place])[numbers[rows]]
    return found


def _merged_unit(question: Question, cluster: Cluster, weights: Sequence[float], work: float) -> tuple[Unit, int]:
    """One unit from those of a cluster, and the work it was to merge their shapes."""
    places = sorted(cluster.members)
    units, own = [cluster.members[place] for place in places], [weights[place] for place in places]
    control: Any = question.control
    labels = most_chosen([unit.labels for unit in units], own, order=control.labels, several=control.multiple)
    shapes, spent = [unit.shape for unit in units], 0
    if isinstance(question.kind, Bounded):
        shape, spent = question.kind.merge_within(shapes, own, question.about, work=work)
    else:
        shape = question.kind.merge(shapes, own, question.about)
    said = (
        (asked.name, _merged_said(question, asked, units, own))
        for asked in question.schema.of_regions
        if asked.to_name == control.to_name
    )
    return Unit(shape, labels, tuple(sorted((name, texts) for name, texts in said if texts))), spent


def _merged_said(
    question: Question, control: AnyControl, units: Sequence[Unit], weights: Sequence[float]
) -> tuple[str, ...]:
    """What most weight says of a region, merged as the same control about a whole object would be."""
    inner = question_of(question.schema, control)
    told = [
        Answer.of({control.name: texts}) if (texts := dict(unit.attributes).get(control.name)) else Answer(())
        for unit in units
    ]
    ballot = Ballot.of(told, weights)
    return tuple(sorted(_merged_value(inner, ballot)))


def _merged_relations(control: AnyControl, ballot: Ballot, ends: dict[tuple[int, End], End]) -> list[str]:
    """The relations between merged regions that more than half of the weight sees, with the name most of it gives."""
    found: dict[Relation, list[tuple[tuple[str, ...], float]]] = {}
    for place, (answer, weight) in enumerate(zip(ballot.answers, ballot.weights, strict=True)):
        for text in answer.chosen(control.name):
            relation = relation_of(text)
            start, end = ends.get((place, relation.start)), ends.get((place, relation.end))
            if start is not None and end is not None and start != end:
                direction = "right" if relation.is_directed else "bi"
                bare = made(start, end, direction=direction, labels=())
                found.setdefault(bare, []).append((relation.labels, weight))
    merged: Any = control
    texts = []
    for bare, votes in sorted(found.items()):
        weights = [weight for _, weight in votes]
        if math.fsum(weights) * 2 > ballot.total * TIE:
            labels = most_chosen([own for own, _ in votes], weights, order=merged.labels, several=True)
            texts.append(Relation(bare.start, bare.end, bare.is_directed, labels).text)
    return texts

"""One answer from several, whatever was asked: regions are clustered across answers, values merged by their kind."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from qualification.labels.ballots import TIE, Ballot
from qualification.labels.clusters import Cluster, clusters_of
from qualification.labels.errors import ResultError
from qualification.labels.habits import Habits
from qualification.labels.kinds.base import LearnsHabits, MergesWithin
from qualification.labels.kinds.voting import most_chosen
from qualification.labels.parts import AnyControl, ChoicesControl
from qualification.labels.regions import relations_of
from qualification.labels.relations import End, Relation, made, relation_of
from qualification.labels.results import Answer, to_result
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import score_answer
from qualification.labels.units import Question, Unit, asks_for_regions, question_of

MOST_WORK: Final = 200_000
"""Points that are looked at to merge what up to `FEW_PAIRS` pairs of answers say to a control, or of its regions; in
proportion for more. Of what is left then, one that was given stands."""

FEW_PAIRS: Final = 10


@dataclass
class Allowance:
    """Work that merging may still be."""

    left: float

    @classmethod
    def of(cls, ballot: Ballot) -> "Allowance":
        answers = len(ballot.answers)
        return cls(MOST_WORK * max(1.0, answers * (answers - 1) / 2 / FEW_PAIRS))

    def merged(self, question: Question, shapes: Sequence[Any], weights: Sequence[float]) -> Any:
        """One shape from several."""
        kind = question.kind
        if not isinstance(kind, MergesWithin):
            return kind.merge(shapes, weights, question.about)
        shape, spent = kind.merge_within(shapes, weights, question.about, work=self.left)
        self.left -= spent
        return shape


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
            merged[control.name] = _merged_value(question, ballot.about(control), Allowance.of(ballot))
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


def _merged_value(question: Question, ballot: Ballot, allowance: Allowance) -> list[str]:
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
    merged = allowance.merged(question, shapes, [weight for _, weight in answered_by])
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
    shapes, said = Allowance.of(ballot), Allowance.of(ballot)
    for cluster, (is_there, _) in zip(clusters, seen, strict=True):
        if not is_there:
            continue
        text = question.text_of(_merged_unit(question, cluster, ballot.weights, shapes=shapes, said=said))
        texts.append(text)
        if ends is None:
            continue
        for place, unit in cluster.members.items():
            ends[place, (name, question.text_of(unit))] = (name, text)
    return texts


def _merged_unit(
    question: Question, cluster: Cluster, weights: Sequence[float], *, shapes: Allowance, said: Allowance
) -> Unit:
    """One unit from those of a cluster."""
    places = sorted(cluster.members)
    units, own = [cluster.members[place] for place in places], [weights[place] for place in places]
    control: Any = question.control
    labels = most_chosen([unit.labels for unit in units], own, order=control.labels, several=control.multiple)
    shape = shapes.merged(question, [unit.shape for unit in units], own)
    attributes = (
        (asked.name, _merged_said(question, asked, units, own, said))
        for asked in question.schema.of_regions
        if asked.to_name == control.to_name
    )
    return Unit(shape, labels, tuple(sorted((name, texts) for name, texts in attributes if texts)))


def _merged_said(
    question: Question, control: AnyControl, units: Sequence[Unit], weights: Sequence[float], allowance: Allowance
) -> tuple[str, ...]:
    """What most weight says of a region, merged as the same control about a whole object would be."""
    inner = question_of(question.schema, control)
    told = [
        Answer.of({control.name: texts}) if (texts := dict(unit.attributes).get(control.name)) else Answer(())
        for unit in units
    ]
    return tuple(sorted(_merged_value(inner, Ballot.of(told, weights), allowance)))


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

"""How near two answers to one control are, for every kind but choices about whole objects."""

from collections.abc import Mapping
from typing import Final

from qualification.labels.matching import Conflict, conflicts, match, similarity_of_regions
from qualification.labels.parts import Control
from qualification.labels.relations import End, Relation, made, relation_of
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.labels.units import Question, asks_for_regions, question_of

RELATIONS_RIGHT_FROM: Final = 0.8


def similarity_of(schema: LabelSchema, control: Control, first: Answer, second: Answer) -> float:
    """How near two answers to one control are, from 0 to 1."""
    if control.tag == "Relations":
        return _similarity_of_relations(schema, control, first, second)
    question = question_of(schema, control)
    ours, theirs = (question.units_of(answer.chosen(control.name)) for answer in (first, second))
    if asks_for_regions(control):
        return similarity_of_regions(question, ours, theirs)
    if not ours or not theirs:
        return float(ours == theirs)
    return question.kind.similarity(ours[0].shape, theirs[0].shape, question.about)


def right_from(schema: LabelSchema, control: Control) -> float:
    """From which similarity on an answer to gold counts as right."""
    return RELATIONS_RIGHT_FROM if control.tag == "Relations" else question_of(schema, control).kind.right


def conflicts_of(schema: LabelSchema, first: Answer, second: Answer) -> list[Conflict]:
    """Every region in which two answers differ, control by control, in the order of the schema."""
    found: list[Conflict] = []
    for control in schema.controls:
        if asks_for_regions(control):
            question = question_of(schema, control)
            ours, theirs = (question.units_of(answer.chosen(control.name)) for answer in (first, second))
            found += conflicts(question, ours, theirs)
    return found


def _similarity_of_relations(schema: LabelSchema, control: Control, first: Answer, second: Answer) -> float:
    """Relations in both over those in either, twice counted, once the regions of one answer are found in the other."""
    ours, theirs = ([relation_of(text) for text in answer.chosen(control.name)] for answer in (first, second))
    ends = _matched_ends(schema, first, second)
    known = {_bare(relation): set(relation.labels) for relation in theirs}
    shared = 0.0
    for relation in ours:
        start, end = ends.get(relation.start), ends.get(relation.end)
        if start is None or end is None:
            continue
        direction = "right" if relation.is_directed else "bi"
        named = known.get(made(start, end, direction=direction, labels=()))
        if named is not None:
            labels = set(relation.labels)
            shared += len(labels & named) / len(labels | named) if labels | named else 1.0
    return min(1.0, 2 * shared / (len(ours) + len(theirs)))


def _bare(relation: Relation) -> Relation:
    return Relation(relation.start, relation.end, relation.is_directed, ())


def _matched_ends(schema: LabelSchema, first: Answer, second: Answer) -> Mapping[End, End]:
    ends: dict[End, End] = {}
    for control in schema.controls:
        if asks_for_regions(control):
            question: Question = question_of(schema, control)
            ours, theirs = (question.units_of(answer.chosen(control.name)) for answer in (first, second))
            for pair in match(question, ours, theirs):
                ends[control.name, question.text_of(ours[pair.first])] = (
                    control.name,
                    question.text_of(theirs[pair.second]),
                )
    return ends

"""How near two answers under one schema are, and one answer from several: the door to all kinds.

Choices need nothing but this. What else there is computes with NumPy and SciPy, which are loaded when a schema first
asks for it: most processes never meet one.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from types import ModuleType

from qualification.labels.habits import Habits
from qualification.labels.parts import AnyControl, ChoicesControl
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema


def same_answer(first: Answer, second: Answer) -> bool:
    """Whether two answers say the same, in whatever order and form they were written."""
    return first == second


def is_correct(answer: Answer, gold: Answer, schema: LabelSchema) -> bool:
    """Whether an answer to a gold question is right in every control, as exactly as its kind can be expected to be.

    Choices are right in every choice, nothing less. For other kinds see `right` in docs/labels.md.
    """
    if same_answer(answer, gold):
        return True
    if schema.asks_only_choices:
        return False
    near = similarity_by_control(answer, gold, schema)
    return all(near[control.name] >= right_from(schema, control) for control in schema.controls if control.name in near)


def agrees(answer: Answer, label: Answer, schema: LabelSchema) -> bool:
    """Whether an answer says what a label says, as exactly as an answer to gold would have to."""
    return is_correct(answer, label, schema)


def score_answer(answer: Answer, gold: Answer, schema: LabelSchema) -> float:
    """How much of the gold answer was found, between 0 and 1: the mean over the controls of the schema.

    A single choice is right (1) or wrong (0). For a multiple choice it is the Jaccard index: labels in both over labels
    in either, and 1 when both are empty. Source: P. Jaccard, "The distribution of the flora in the alpine zone",
    New Phytologist 11 (1912). Each other kind has its own measure.
    """
    scores = list(similarity_by_control(answer, gold, schema).values())
    return sum(scores) / len(scores)


def similarity_by_control(first: Answer, second: Answer, schema: LabelSchema) -> dict[str, float]:
    """How near two answers are in each control, from 0 to 1; what is said of regions counts with these."""
    return {
        control.name: _similarity(schema, control, first, second)
        for control in schema.controls
        if not control.per_region
    }


def differences_of(first: Answer, second: Answer, schema: LabelSchema) -> dict[str, int]:
    """In how many regions the second answer differs from the first, by how: what it lacks is missing."""
    if schema.asks_only_choices or first == second:
        return {}
    return dict(Counter(str(each.difference) for each in _loaded("comparing").conflicts_of(schema, first, second)))


def merge_answers(
    schema: LabelSchema, answers: Sequence[Answer], weights: Sequence[float] = (), habits: Sequence[Habits] = ()
) -> Answer:
    """The answer that several, each with the weight above 0 of who gave it, make together; equal weights without.

    Habits of who gave it take the place of the weight, for the controls of which they are known. The same in whatever
    order they come, and the answer itself where all are equal. Raises ValueError without answers.
    """
    merged: Answer = _loaded("merging").merge_answers(schema, answers, weights, habits)
    return merged


def meant_answer(schema: LabelSchema, answer: Answer, habits: Habits) -> Answer:
    """What somebody with these habits meant: without what they add to numbers."""
    if not any(habit.shift for habit in habits.values()):
        return answer
    meant: Answer = _loaded("merging").meant_answer(schema, answer, habits)
    return meant


def _similarity(schema: LabelSchema, control: AnyControl, first: Answer, second: Answer) -> float:
    ours, theirs = first.chosen(control.name), second.chosen(control.name)
    if ours == theirs:
        return 1.0
    if isinstance(control, ChoicesControl):
        if not control.multiple:
            return 0.0
        return len(set(ours) & set(theirs)) / len(set(ours) | set(theirs))
    near: float = _loaded("comparing").similarity_of(schema, control, first, second)
    return near


def right_from(schema: LabelSchema, control: AnyControl) -> float:
    """From which similarity on an answer to gold counts as right in this control; all of it for choices."""
    if isinstance(control, ChoicesControl):
        return 1.0
    right: float = _loaded("comparing").right_from(schema, control)
    return right


@cache
def _loaded(name: str) -> ModuleType:
    return import_module(f"qualification.labels.{name}")

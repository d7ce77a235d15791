"""How near two answers under one schema are: for scoring against gold, and for comparing workers."""

from qualification.labels.parts import ChoicesControl
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema


def same_answer(first: Answer, second: Answer) -> bool:
    """Whether two answers say the same, in whatever order and form they were written."""
    return first == second


def is_correct(answer: Answer, gold: Answer) -> bool:
    """Whether an answer to a gold question is right: right in every control and every choice, nothing less."""
    return same_answer(answer, gold)


def score_answer(answer: Answer, gold: Answer, schema: LabelSchema) -> float:
    """How much of the gold answer was found, between 0 and 1: the mean over the controls of the schema.

    A single choice is right (1) or wrong (0). For a multiple choice it is the Jaccard index: labels in both over labels
    in either, and 1 when both are empty. Source: P. Jaccard, "The distribution of the flora in the alpine zone",
    New Phytologist 11 (1912).
    """
    scores = [_similarity(control, answer, gold) for control in schema.controls]
    return sum(scores) / len(scores)


def _similarity(control: ChoicesControl, first: Answer, second: Answer) -> float:
    ours, theirs = set(first.chosen(control.name)), set(second.chosen(control.name))
    if not control.multiple or not ours | theirs:
        return 1.0 if ours == theirs else 0.0
    return len(ours & theirs) / len(ours | theirs)

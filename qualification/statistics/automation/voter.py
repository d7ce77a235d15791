"""What a prediction's vote weighs: measured on truths that people gave, drawn to guessing, worth nothing before."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.statistics.consensus import MOST_RELIABLE, part_accuracy
from qualification.statistics.fitted import read_rates
from qualification.statistics.fusion.online import ErrorRates
from qualification.statistics.parts import MOST_CLASSES, Part, Rates, parts_of

SHRINKING: Final = 8.0
"""Checks by which a measured accuracy is drawn to guessing: eight right ones bring a model half of the way to them."""

NEVER_GUESSED: Final = 1_000_000
"""How many answers are possible where they are drawn or written: who guesses is not right."""

DIGITS: Final = 6

Check = tuple[str, str, int]
"""The key of the true answer, that of the predicted one, and how often it was so."""


def measured_accuracy(*, right: int, wrong: int, candidates: int) -> float:
    """How likely a prediction is right, 0 to 1: the mean of a Beta posterior whose prior is guessing.

    `candidates` is how many answers are possible. Without checks it is guessing, and a vote of that accuracy says
    nothing. What the model claims of itself is not asked: A. Gelman et al., "Bayesian Data Analysis", 3rd edition, 2.4.
    """
    if right < 0 or wrong < 0 or candidates < 1:
        raise ValueError(f"{right} right and {wrong} wrong of {candidates} candidates are no measurement.")
    return (right + SHRINKING / candidates) / (right + wrong + SHRINKING)


def candidates_of(schema: LabelSchema) -> int:
    """Among how many answers a model would guess."""
    return schema.possible_answers if schema.asks_only_choices else NEVER_GUESSED


def error_rates(counts: Sequence[Sequence[int]], *, accuracy: float, parts: int = 1) -> tuple[tuple[float, ...], ...]:
    """How likely a model says what when what is true, in one of so many parts of a label; rows need not sum to 1.

    `counts` has its checks by true class, then by the predicted one; whole answers are right with the `accuracy`. Each
    row is drawn to guessing by as much as an accuracy on all checks is, and then to the one accuracy by `SHRINKING`
    checks for each way to be wrong: by fewer, ten classes seem to be mixed up where they are not. So a class without
    checks errs as the model does on the whole, and so do all where errors fall alike. No chance is nearer to 0 or 1
    than that of somebody as reliable as anybody is believed to be.
    """
    classes, checks = len(counts), sum(map(sum, counts))
    coin = ErrorRates.of_coin(part_accuracy(accuracy, parts=parts, candidates=classes), classes=classes).chances
    most = MOST_RELIABLE ** (1 / parts)
    least, drawn = (1 - most) / (classes - 1), SHRINKING * (classes - 1)
    rows = []
    for row, plain in zip(counts, coin, strict=True):
        seen = sum(row)
        shown = [(count * checks + seen * SHRINKING / classes) / (checks + SHRINKING) for count in row]
        chances = [(each + drawn * by) / (seen + drawn) for each, by in zip(shown, plain, strict=True)]
        rows.append(tuple(min(max(chance, least), most) for chance in chances))
    return tuple(rows)


def written_rates(checks: Iterable[Check], *, schema: LabelSchema, accuracy: float) -> list[dict[str, Any]]:
    """The error rates of a model in each part that has at most `MOST_CLASSES` classes, as JSON values.

    A check with an answer that gives a part none of its classes, by an earlier schema, is no check of that part.
    """
    checks, parts = list(checks), parts_of(schema)
    answers = {key: Answer.from_key(key) for truth, said, _ in checks for key in (truth, said)} if parts else {}
    found = []
    for part in parts:
        if not 2 <= len(part.classes) <= MOST_CLASSES:
            continue
        places = {key: _place(part, answer) for key, answer in answers.items()}
        counts = [[0] * len(part.classes) for _ in part.classes]
        for truth, said, number in checks:
            row, column = places[truth], places[said]
            if row is not None and column is not None:
                counts[row][column] += number
        rates = error_rates(counts, accuracy=accuracy, parts=len(parts))
        found.append(
            {
                "control": part.control,
                "label": part.label,
                "classes": list(part.classes),
                "chances": [[round(chance, DIGITS) for chance in row] for row in rates],
            }
        )
    return found


def rates_read(rows: Iterable[Mapping[str, Any]]) -> dict[Part, Rates]:
    """What `written_rates` wrote."""
    return {Part(row["control"], row["label"], tuple(row["classes"])): read_rates(row["chances"]) for row in rows}


def _place(part: Part, answer: Answer) -> int | None:
    try:
        return part.said_in(answer)
    except ValueError:
        return None

"""What a prediction's vote weighs: measured on truths that people gave, drawn to guessing, worth nothing before."""

from collections.abc import Mapping
from typing import Final

from qualification.statistics.fusion.online import ErrorRates

SHRINKING: Final = 8.0
"""Checks by which a measured accuracy is drawn to guessing: eight right ones bring a model half of the way to them."""

Confusion = Mapping[str, Mapping[str, int]]
"""How often a model said what (inner keys) when what was true (outer keys)."""


def measured_accuracy(*, right: int, wrong: int, candidates: int) -> float:
    """How likely a prediction is right, 0 to 1: the mean of a Beta posterior whose prior is guessing.

    `candidates` is how many answers are possible. Without checks it is guessing, and a vote of that accuracy says
    nothing. What the model claims of itself is not asked: A. Gelman et al., "Bayesian Data Analysis", 3rd edition, 2.4.
    """
    if right < 0 or wrong < 0 or candidates < 1:
        raise ValueError(f"{right} right and {wrong} wrong of {candidates} candidates are no measurement.")
    return (right + SHRINKING / candidates) / (right + wrong + SHRINKING)


def error_rates(confusion: Confusion, *, classes: tuple[str, ...]) -> ErrorRates:
    """The model's confusion as `fusion.online` weighs it: each row drawn, by `SHRINKING` checks, to one accuracy.

    That one accuracy is itself drawn to guessing, so a model without checks has the rates of chance. Truths and
    predictions that are none of `classes` are left out.
    """
    counts = [[confusion.get(truth, {}).get(said, 0) for said in classes] for truth in classes]
    right = sum(row[place] for place, row in enumerate(counts))
    wrong = sum(map(sum, counts)) - right
    accuracy = measured_accuracy(right=right, wrong=wrong, candidates=len(classes))
    plain = ErrorRates.of_coin(accuracy, classes=len(classes)).chances
    return ErrorRates(
        tuple(
            tuple((count + SHRINKING * chance) / (sum(row) + SHRINKING) for count, chance in zip(row, by, strict=True))
            for row, by in zip(counts, plain, strict=True)
        )
    )

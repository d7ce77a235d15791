"""Words from several people who wrote down the same thing: aligned, and voted on place by place."""

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

NOTHING: Final = ""
"""The vote that nothing was said at a place."""

_INNER: Final = re.compile(r"\w(?:.*\w)?", re.DOTALL)
"""From the first letter or digit to the last, in time that grows with the word and no faster."""


class _Place:
    """One place in the network: how much weight each word has there, and how it was written."""

    def __init__(self, before: float) -> None:
        self.weights: dict[str, float] = {NOTHING: before} if before else {}
        self.written: dict[str, dict[str, float]] = {}
        self.total = before

    def add(self, key: str, word: str, weight: float) -> None:
        self.weights[key] = self.weights.get(key, 0.0) + weight
        self.total += weight
        if key:
            forms = self.written.setdefault(key, {})
            forms[word] = forms.get(word, 0.0) + weight

    def cost(self, key: str) -> float:
        """How little of the weight here says this word."""
        return 1 - self.weights.get(key, 0.0) / self.total


def vote_on_words(texts: Sequence[Sequence[str]], weights: Sequence[float]) -> list[str]:
    """The words that have most weight at each place, once all texts are aligned. The first text counts as the best.

    Texts are taken into a network one after the other, each aligned where it costs least; then every place is voted
    on, "nothing" included, and a tie goes to the word that came first, as the best text is taken in first. Words are
    the same whatever their case and the punctuation around them; of the ways in which the winner was written the one
    with most weight is taken.
    Source: J. G. Fiscus, "A post-processing system to yield reduced word error rates: recognizer output voting error
    reduction (ROVER)", ASRU (1997), with votes weighted by whoever wrote, and costs by the votes so far.
    """
    network: list[_Place] = []
    taken = 0.0
    for text, weight in zip(texts, weights, strict=True):
        network = _aligned(network, text, weight, taken)
        taken += weight
    words = []
    for place in network:
        best = max(place.weights, key=lambda key: round(place.weights[key], 9))
        if best:
            forms = place.written[best]
            words.append(max(forms, key=lambda form: round(forms[form], 9)))
    return words


def key_of(word: str) -> str:
    """What two words have in common that are the same word: no case, no punctuation around, compatible forms."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    inner = _INNER.search(folded)
    return inner[0] if inner else folded


def _aligned(network: list[_Place], text: Sequence[str], weight: float, taken: float) -> list[_Place]:
    keys = [key_of(word) for word in text]
    steps = _cheapest(network, keys)
    found: list[_Place] = []
    place, word = 0, 0
    for step in steps:
        if step == "insert":
            fresh = _Place(taken)
            fresh.add(keys[word], text[word], weight)
            found.append(fresh)
            word += 1
            continue
        if step == "match":
            network[place].add(keys[word], text[word], weight)
            word += 1
        else:
            network[place].add(NOTHING, NOTHING, weight)
        found.append(network[place])
        place += 1
    return found


def _cheapest(network: Sequence[_Place], keys: Sequence[str]) -> list[str]:
    """The steps of the cheapest alignment: match, skip (a place without a word) and insert (a word without a place)."""
    rows, columns = len(network), len(keys)
    costs = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for column in range(1, columns + 1):
        costs[0][column] = float(column)
    for row in range(1, rows + 1):
        place, above, own = network[row - 1], costs[row - 1], costs[row]
        skip = place.cost(NOTHING)
        own[0] = above[0] + skip
        weights, total = place.weights, place.total
        for column in range(1, columns + 1):
            matched = above[column - 1] + 1 - weights.get(keys[column - 1], 0.0) / total
            own[column] = min(matched, above[column] + skip, own[column - 1] + 1)
    steps: list[str] = []
    row, column = rows, columns
    while row or column:
        here = costs[row][column]
        if row and column and math.isclose(here, costs[row - 1][column - 1] + network[row - 1].cost(keys[column - 1])):
            steps.append("match")
            row, column = row - 1, column - 1
        elif row and math.isclose(here, costs[row - 1][column] + network[row - 1].cost(NOTHING)):
            steps.append("skip")
            row -= 1
        else:
            steps.append("insert")
            column -= 1
    return steps[::-1]

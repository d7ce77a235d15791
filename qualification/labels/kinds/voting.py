"""Votes on labels, by weight; ties fall in a stated order, so that no order of answers matters."""

import math
from collections.abc import Sequence

NEXT_TO_NOTHING = 1e-9


def most_chosen(
    sets: Sequence[tuple[str, ...]], weights: Sequence[float], *, order: Sequence[str], several: bool
) -> tuple[str, ...]:
    """What most of the weight says about a set of labels, in `order`, which also decides ties.

    One label: the one with most weight. Several: each by itself, those with more than half; where none has, the set
    with most weight. Empty where most of the weight says nothing.
    """
    total = math.fsum(weights)
    votes = {label: math.fsum(w for own, w in zip(sets, weights, strict=True) if label in own) for label in order}
    silent = math.fsum(w for own, w in zip(sets, weights, strict=True) if not own)
    if not several:
        best = max(order, key=lambda label: votes[label], default="")
        return (best,) if best and votes[best] > 0 and votes[best] >= silent else ()
    chosen = tuple(label for label in order if votes[label] > total / 2 + NEXT_TO_NOTHING)
    if chosen or silent > total / 2:
        return chosen
    whole: dict[tuple[str, ...], list[float]] = {}
    for own, weight in zip(sets, weights, strict=True):
        whole.setdefault(own, []).append(weight)
    place = {label: number for number, label in enumerate(order)}
    return min(whole, key=lambda own: (-round(math.fsum(whole[own]), 9), [place[label] for label in own]), default=())

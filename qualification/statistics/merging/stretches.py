"""Stretches on a line (of text, time, or the pixels of a picture): where most of the weight covers it."""

from collections.abc import Iterable, Sequence

Stretch = tuple[float, float]


def covered_by_most(stretches: Sequence[Sequence[Stretch]], weights: Sequence[float]) -> list[Stretch]:
    """The stretches that more than half of the weight covers. Each entry is one person's, which may overlap each other.

    The vote of each point of the line, without visiting every point: between two ends nothing changes.
    """
    changes: dict[float, list[float]] = {}
    for own, weight in zip(stretches, weights, strict=True):
        for start, end in joined(own):
            changes.setdefault(start, []).append(weight)
            changes.setdefault(end, []).append(-weight)
    half, level, opened = sum(sorted(weights)) / 2, 0.0, None
    tolerance = 1e-9 * half
    found: list[Stretch] = []
    for place in sorted(changes):
        level += sum(sorted(changes[place]))
        if level > half + tolerance and opened is None:
            opened = place
        elif level <= half + tolerance and opened is not None:
            found.append((opened, place))
            opened = None
    return found


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same points of the line as few stretches as possible, in order."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    return found


def length_of(stretches: Iterable[Stretch]) -> float:
    """How much of the line the stretches cover, when none overlaps another."""
    return sum(end - start for start, end in stretches)


def shared_length(first: Sequence[Stretch], second: Sequence[Stretch]) -> float:
    """How much of the line both cover; each is in order and does not overlap itself."""
    shared, ours, theirs = 0.0, 0, 0
    while ours < len(first) and theirs < len(second):
        start, end = max(first[ours][0], second[theirs][0]), min(first[ours][1], second[theirs][1])
        shared += max(0.0, end - start)
        if first[ours][1] <= second[theirs][1]:
            ours += 1
        else:
            theirs += 1
    return shared


def jaccard(first: Sequence[Stretch], second: Sequence[Stretch]) -> float:
    """What both cover over what either covers; 1 when neither covers anything."""
    shared = shared_length(first, second)
    either = length_of(first) + length_of(second) - shared
    return shared / either if either > 0 else 1.0

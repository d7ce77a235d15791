"""Choices: one label or a set of them. Choices about whole objects are weighed as classes; these are of regions."""

from collections.abc import Sequence
from typing import Final

from qualification.labels.errors import listed, quoted
from qualification.labels.kinds.base import About, OfWhole, Value
from qualification.labels.kinds.voting import most_chosen
from qualification.labels.parts import ChoicesControl

Labels = tuple[str, ...]


class ChoicesKind(OfWhole):
    """Shapes are the chosen labels in the order of the schema; near by Jaccard's index, merged label by label.

    Source: P. Jaccard, "The distribution of the flora in the alpine zone", New Phytologist 11 (1912).
    """

    right: Final = 1.0

    def read(self, value: Value, about: About) -> Labels:
        return labels_in(value.get("choices"), f"{value.path}.choices", about, value, "choice")

    def write(self, shape: Labels) -> dict[str, object]:
        return {"choices": list(shape)}

    def similarity(self, first: Labels, second: Labels, about: About) -> float:
        ours, theirs = set(first), set(second)
        return len(ours & theirs) / len(ours | theirs) if ours | theirs else 1.0

    def merge(self, shapes: Sequence[Labels], weights: Sequence[float], about: About) -> Labels:
        control = about.control
        assert isinstance(control, ChoicesControl)
        return most_chosen(shapes, weights, order=control.labels, several=control.multiple)


def labels_in(found: object, path: str, about: About, value: Value, word: str) -> Labels:
    """The labels that stand in a list, each known to the control, in the order of the schema."""
    control, key = about.control, path.rpartition(".")[2]
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        raise value.error(f"the {word}s are a list of texts.", key)
    if not found:
        raise value.error(f"there are no {word}s; leave the region out when nothing was chosen.", key)
    if len(found) > 1 and not control.multiple:
        raise value.error(f"control {quoted(control.name)} takes one {word}, not {len(found)}.", key)
    if len(set(found)) < len(found):
        raise value.error(f"a {word} is given twice.", key)
    for label in found:
        if label not in control.known_labels:
            known = f"{word.title()}s: {listed(control.labels)}."
            raise value.error(f"{quoted(label)} is no {word} of {quoted(control.name)}. {known}", key)
    chosen = set(found)
    return tuple(label for label in control.labels if label in chosen)


KIND = ChoicesKind()

"""The parts of a label that are classes: each single choice, and whether each choice of a multiple one holds."""

from dataclasses import dataclass
from typing import Final

from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema

LEFT_OUT: Final = ""
"""The candidate "not answered" of an optional single choice; no label is empty."""

Rates = float | tuple[tuple[float, ...], ...]
"""How somebody errs: one accuracy, or for each truth how likely each class is said (rows need not sum to 1)."""

MOST_CLASSES: Final = 20
"""Classes beyond which whoever errs has one accuracy and no matrix: a decision reads those of all who answered."""


@dataclass(frozen=True, slots=True)
class Part:
    """One question with classes: a single choice, or whether one `label` of a multiple choice holds."""

    control: str
    label: str
    classes: tuple[str, ...]

    def said_in(self, answer: Answer) -> int:
        """The place of the class that an answer gives here. Raises ValueError where it gives none of them."""
        chosen = answer.chosen(self.control)
        if self.label:
            return int(self.label in chosen)
        return self.classes.index(chosen[0] if chosen else LEFT_OUT)


def parts_of(schema: LabelSchema) -> tuple[Part, ...]:
    """All parts that a schema asks for, in its order; none where it asks for no choice."""
    parts: list[Part] = []
    for control in schema.choices:
        if control.multiple:
            parts += [Part(control.name, label, (LEFT_OUT, label)) for label in control.labels]
        else:
            parts.append(Part(control.name, "", control.labels if control.required else (*control.labels, LEFT_OUT)))
    return tuple(parts)

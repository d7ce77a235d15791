"""Labels that a result gives to shapes in entries of their own: the Labels of a picture, by the ids of its regions."""

from typing import Any

from qualification.labels.errors import ResultError, quoted
from qualification.labels.heads import sizes_in
from qualification.labels.kinds.base import About, Value
from qualification.labels.kinds.choices import labels_in
from qualification.labels.parts import Control
from qualification.labels.units import LENT_LABELS_KEY, Question


class LentLabels:
    """The entries of one result that label shapes, until each is given to the shape with its id."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[Control, dict[str, Any], str]] = {}

    def add(self, lender: Control, region: dict[str, Any], path: str) -> None:
        """Keep an entry that labels the region with its id."""
        region_id = region.get("id")
        if region_id is None:
            raise ResultError("labels say by the id of which region they are.", path=path)
        if region_id in self._entries:
            raise ResultError(f"region {quoted(region_id)} is labelled twice.", path=f"{path}.id")
        self._entries[region_id] = (lender, region, path)

    def given_to(self, question: Question, region: dict[str, Any], path: str) -> dict[str, object]:
        """The labels of a shape, as its value has them once it is read; nothing for one with labels of its own."""
        lender, shape = question.lender, region["value"]
        if lender is None or not isinstance(shape, dict):
            return {}
        by = f"an entry of control {quoted(lender.name)} with the same id"
        if LENT_LABELS_KEY in shape:
            raise ResultError(f"{by} gives the labels, not the shape.", path=f"{path}.value.{LENT_LABELS_KEY}")
        entry = self._entries.get(region.get("id", ""))
        if entry is None or entry[0].name != lender.name:
            raise ResultError(f"the region has no label; {by} gives it one.", path=path)
        del self._entries[region["id"]]
        return {LENT_LABELS_KEY: list(_labels_beside(shape, *entry))}

    def finish(self) -> None:
        """Refuse labels that no shape has taken."""
        for lender, region, path in self._entries.values():
            message = f"control {quoted(lender.name)} labels regions; there is none with the id {quoted(region['id'])}."
            raise ResultError(message, path=path)


def _labels_beside(shape: dict[str, Any], lender: Control, region: dict[str, Any], path: str) -> tuple[str, ...]:
    """The labels in an entry, which may repeat the shape as the editor does, but may not tell another."""
    sizes_in(region, path)
    value = Value(region["value"], f"{path}.value")
    labels = labels_in(value.get(LENT_LABELS_KEY), f"{value.path}.{LENT_LABELS_KEY}", About(lender), value, "label")
    for key, part in shape.items():
        if value.has(key) and value.get(key) != part:
            raise value.error("the region with this id has another shape.", key)
    value.finish()
    return labels

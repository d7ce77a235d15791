"""Relations between regions: which two, in which direction, and what they are called."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from qualification.labels.errors import ResultError, listed, quoted
from qualification.labels.heads import RELATION_TYPE, check_keys
from qualification.labels.parts import Control
from qualification.labels.units import compact

DIRECTIONS: Final = ("right", "left", "bi")

End = tuple[str, str]
"""The control of a region, and its text."""


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """From one region to another; written from left to right, or with its ends in order where it has no direction."""

    start: End
    end: End
    is_directed: bool
    labels: tuple[str, ...]

    @property
    def text(self) -> str:
        """The canonical text, which names both ends by theirs."""
        return compact(
            {"from": self.start, "to": self.end, "directed": self.is_directed, "labels": self.labels},
        )


def relation_of(text: str) -> Relation:
    """The relation with this text."""
    value = json.loads(text)
    start, end = ((end[0], end[1]) for end in (value["from"], value["to"]))
    return Relation(start, end, value["directed"], tuple(value["labels"]))


def made(start: End, end: End, *, direction: str, labels: tuple[str, ...]) -> Relation:
    """A relation in the one form in which equal relations are equal."""
    if direction == "left" or (direction == "bi" and end < start):
        start, end = end, start
    return Relation(start, end, direction != "bi", labels)


def read_relation(control: Control, region: dict[str, Any], ends: Mapping[str, End], path: str) -> Relation:
    """The relation that a region of a result stands for; `ends` are the regions by their ids."""
    check_keys(region, path, required=("type", "from_id", "to_id"), optional=("direction", "labels", "id"))
    for key in ("from_id", "to_id"):
        if not isinstance(region[key], str) or region[key] not in ends:
            raise ResultError(f"there is no region with this id: {quoted(str(region[key]))}.", path=f"{path}.{key}")
    if region["from_id"] == region["to_id"]:
        raise ResultError("a relation connects two regions.", path=f"{path}.to_id")
    direction = region.get("direction", DIRECTIONS[0])
    if direction not in DIRECTIONS:
        raise ResultError(f"is one of {listed(DIRECTIONS)}.", path=f"{path}.direction")
    labels = region.get("labels", [])
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ResultError("is a list of texts.", path=f"{path}.labels")
    for label in labels:
        if label not in control.known_labels:
            known = listed(control.labels) or "none"
            raise ResultError(f"{quoted(label)} is no relation here. Relations: {known}.", path=f"{path}.labels")
    ordered = tuple(label for label in control.labels if label in labels)
    return made(ends[region["from_id"]], ends[region["to_id"]], direction=direction, labels=ordered)


def write_relation(relation: Relation, ids: Mapping[End, str], *, path: str) -> dict[str, object]:
    """The region of a result that stands for a relation between regions with these ids."""
    for end in (relation.start, relation.end):
        if end not in ids:
            raise ResultError("a relation connects regions that the answer does not have.", path=path)
    direction = "right" if relation.is_directed else "bi"
    return {
        "type": RELATION_TYPE,
        "from_id": ids[relation.start],
        "to_id": ids[relation.end],
        "direction": direction,
        "labels": list(relation.labels),
    }

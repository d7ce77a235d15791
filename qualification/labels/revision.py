"""Whether a label schema may take the place of an older one: every answer given so far must still fit."""

from qualification.labels.errors import listed, quoted
from qualification.labels.parts import AnyControl, Control
from qualification.labels.schema import LabelSchema


def fault_of_revision(older: LabelSchema, newer: LabelSchema) -> str:
    """Why ``newer`` cannot replace ``older`` where answers exist, as a sentence; empty when it can.

    It may add choices and optional controls, and change how things are shown. It keeps each control with its target,
    its kind and its labels, demands nothing more, and shows no field that the tasks were not imported with.
    """
    added_fields = [
        field for field in newer.fields_needed if newer.fields_needed[field] != older.fields_needed.get(field)
    ]
    if added_fields:
        return f"The tasks were imported without {listed(added_fields)}."
    for control in older.controls:
        kept = newer.control(control.name)
        if kept is None:
            return f"The control {quoted(control.name)} has answers and cannot be taken away."
        fault = _fault_of_control(control, kept)
        if fault:
            return f"The control {quoted(control.name)} {fault}"
    demanded = [c.name for c in newer.controls if c.required and older.control(c.name) is None]
    if demanded:
        return f"The new control {quoted(demanded[0])} is required, and the answers so far do not have it."
    return ""


def _fault_of_control(older: AnyControl, newer: AnyControl) -> str:
    fault = _fault_of_kind(older, newer)
    if fault:
        return fault
    lost = [label for label in older.labels if label not in newer.known_labels]
    if lost:
        return f"loses {listed(lost)}, which may have been answered."
    if newer.to_name != older.to_name:
        return f"would be about {quoted(newer.to_name)} instead of {quoted(older.to_name)}."
    if older.multiple and not newer.multiple:
        return "took several choices and would take one."
    if newer.required and not older.required:
        return "could be left out and would be required."
    return ""


def _fault_of_kind(older: AnyControl, newer: AnyControl) -> str:
    if older.tag != newer.tag or older.per_region != newer.per_region:
        return f"would be another kind of question than {older.tag}."
    if not isinstance(older, Control) or not isinstance(newer, Control):
        return ""
    if older.settings != newer.settings:
        return "has bounds that answers were given within; they stay as they are."
    lost = [path for path in older.paths if path not in newer.known_paths]
    if lost:
        return f"loses {listed([' / '.join(path) for path in lost])}, which may have been answered."
    return ""

"""What every region of a result has, whatever its kind: which control it answers, about what, and an id."""

import re
from collections.abc import Mapping
from typing import Any, Final

from qualification.labels.elements import CONTROLS
from qualification.labels.errors import ResultError, listed, quoted
from qualification.labels.kinds.base import kind_word, number_in
from qualification.labels.parts import AnyControl, ChoicesControl
from qualification.labels.schema import LabelSchema

REQUIRED_KEYS: Final = ("from_name", "to_name", "type", "value")
NAMING_KEYS: Final = ("id", "origin")
FLAGS: Final = ("readonly", "hidden")
OPTIONAL_KEYS: Final = (*NAMING_KEYS, "score", *FLAGS)
"""What the editor and models add to a region; `score` and `FLAGS` say nothing of the answer."""

SIZES: Final = ("original_width", "original_height", "image_rotation", "original_length")
"""What the editor tells of the picture or recording, beside the value; only masks and sounds need it."""

ORIGINS: Final = ("manual", "prediction", "prediction-changed")
CHOICES_TYPE: Final = "choices"
RELATION_TYPE: Final = "relation"
LARGEST_SIDE: Final = 1_000_000

REGION_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def control_of(schema: LabelSchema, region: object, path: str) -> AnyControl:
    """The control that a region answers. Raises ResultError for a region that is not formed as one."""
    if not isinstance(region, dict):
        raise ResultError(f"a region is an object, not {kind_word(region)}.", path=path)
    optional = OPTIONAL_KEYS if schema.asks_only_choices else (*OPTIONAL_KEYS, *SIZES)
    check_keys(region, path, required=REQUIRED_KEYS, optional=optional)
    for key in ("from_name", "to_name", "type", *NAMING_KEYS):
        if key in region and not isinstance(region[key], str):
            raise ResultError(f"is a text, not {kind_word(region[key])}.", path=f"{path}.{key}")
    if "id" in region and not REGION_ID.fullmatch(region["id"]):
        raise ResultError("is 1 to 64 Latin letters, digits, _ or -.", path=f"{path}.id")
    _check_asides(region, path)
    if region.get("origin", ORIGINS[0]) not in ORIGINS:
        raise ResultError(f"is {quoted(region['origin'])}. Possible: {listed(ORIGINS)}.", path=f"{path}.origin")
    control = schema.control(region["from_name"]) or schema.lenders.get(region["from_name"])
    _check_type(schema, control, region["type"], f"{path}.type")
    if control is None:
        names = listed([control.name for control in schema.controls])
        message = f"there is no control {quoted(region['from_name'])} in the schema. Controls: {names}."
        raise ResultError(message, path=f"{path}.from_name")
    if region["to_name"] != control.to_name:
        message = f"control {quoted(control.name)} is about {quoted(control.to_name)}, not {quoted(region['to_name'])}."
        raise ResultError(message, path=f"{path}.to_name")
    return control


def _check_asides(region: Mapping[str, Any], path: str) -> None:
    """Raise ResultError where what does not matter to the answer is not what it is called."""
    number_in(region.get("score", 0), 0, 1, f"{path}.score")
    for flag in FLAGS:
        if not isinstance(region.get(flag, False), bool):
            raise ResultError(f"is true or false, not {kind_word(region[flag])}.", path=f"{path}.{flag}")


def _check_type(schema: LabelSchema, control: AnyControl | None, given: str, path: str) -> None:
    if schema.asks_only_choices or control is None:
        possible = CHOICES_TYPE if schema.asks_only_choices else given
    else:
        possible = type_of(control)
    if given != possible:
        raise ResultError(f"is {quoted(given)}; supported is {possible}.", path=path)


def type_of(control: AnyControl) -> str:
    """What the results of a control call themselves."""
    return CHOICES_TYPE if isinstance(control, ChoicesControl) else CONTROLS[control.tag].result_type


def sizes_in(region: Mapping[str, Any], path: str) -> dict[str, object]:
    """What a region says of the picture's or recording's size, checked."""
    for side in SIZES[:2]:
        found = region.get(side, 1)
        if type(found) is not int or not 1 <= found <= LARGEST_SIDE:
            raise ResultError(f"is a whole number of pixels from 1 to {LARGEST_SIDE:,}.", path=f"{path}.{side}")
    if region.get("image_rotation", 0) not in (0, 90, 180, 270) or region.get("image_rotation") is False:
        raise ResultError("is 0, 90, 180 or 270.", path=f"{path}.image_rotation")
    return {key: region[key] for key in SIZES if key in region}


def check_keys(given: dict[Any, object], path: str, *, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    """Refuse keys that are not known, and say which are missing."""
    for key in given:
        if key not in required and key not in optional:
            possible = listed(required + optional)
            raise ResultError(f"the key {quoted(str(key))} is not known here. Known: {possible}.", path=path)
    for key in required:
        if key not in given:
            raise ResultError(f"the key {quoted(key)} is missing.", path=path)

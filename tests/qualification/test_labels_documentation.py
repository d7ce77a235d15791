"""docs/labels.md says what the code does: the same tags and attributes, and examples that work."""

import json
import re
from pathlib import Path

from qualification.labels.reading import SUPPORTED_ATTRIBUTES
from qualification.labels.results import validate_result
from qualification.labels.schema import parse_schema

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "labels.md").read_text(encoding="utf-8")


def test_every_supported_attribute_is_documented_and_no_other() -> None:
    documented: dict[str, set[str]] = {}
    section = PAGE.partition("## Tags and attributes")[2].partition("\n## ")[0]
    for tag, attributes in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, re.MULTILINE):
        documented.setdefault(tag, set()).update(re.findall(r"`(\w+)`", attributes))

    assert documented == {tag: set(attributes) for tag, attributes in SUPPORTED_ATTRIBUTES.items()}


def test_the_documented_example_is_a_schema_that_takes_the_documented_annotation() -> None:
    config, result = (re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) for kind in ("xml", "json"))
    assert config is not None and result is not None

    schema = parse_schema(config[1])

    assert schema.fields_needed == {"image": "Image"}
    assert validate_result(schema, json.loads(result[1])).key == '{"digit":["1"]}'

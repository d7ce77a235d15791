"""The catalogue of bad inputs: what docs/bad-inputs.md lists is sent by tests, and what tests send is listed there."""

import re
from functools import cache
from typing import Final

from tests.architecture.project import ROOT

PAGE: Final = (ROOT / "docs" / "bad-inputs.md").read_text(encoding="utf-8")
TESTED: Final = re.findall(
    r"^\| (B\d{3}) \|.*\| ([^|]+) \|$", PAGE.partition("\n## What nothing meets yet")[0], re.MULTILINE
)
WAITING: Final = re.findall(r"^\| (B\d{3}) \|", PAGE.partition("\n## What nothing meets yet")[2], re.MULTILINE)


@cache
def carried() -> dict[str, set[str]]:
    """By file of tests, the ids that stand in it: in the name of a test, in that of a case, or beside it."""
    return {
        str(path.relative_to(ROOT)): {
            found.upper()[-4:] for found in re.findall(r"\bB\d{3}\b|_b\d{3}\b", path.read_text(encoding="utf-8"))
        }
        for path in (ROOT / "tests").rglob("*.py")
    } | {"tests/architecture/test_bad_inputs.py": set()}


def test_every_case_that_is_listed_as_met_is_sent_and_the_others_are_not() -> None:
    sent = set().union(*carried().values())

    assert sorted(sent - {case for case, _ in TESTED}) == []
    assert sorted({case for case, _ in TESTED} - sent) == []
    assert sorted(sent & set(WAITING)) == []


def test_the_files_that_are_named_carry_their_case() -> None:
    named = [(case, file) for case, files in TESTED for file in re.findall(r"`([^`]+)`", files)]

    assert [(case, file) for case, file in named if case not in carried().get(file, set())] == []
    assert sorted({case for case, _ in TESTED} - {case for case, _ in named}) == []


def test_each_case_stands_in_the_catalogue_once_and_in_order() -> None:
    listed = [case for case, _ in TESTED]

    assert listed == sorted(set(listed))
    assert sorted(WAITING) == sorted(set(WAITING))

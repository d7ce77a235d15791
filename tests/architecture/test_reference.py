"""docs/reference.md and docs/policy.md say what the code declares, line by line."""

import ast
import os
from typing import TypeGuard, get_args

import pytest

from qualification.queries import UnmetKind
from tests.architecture import reference
from tests.architecture.project import calls_in, sources
from workforce.models import Worker


class Text(ast.Constant):
    """A literal text in the code."""

    value: str


@pytest.fixture(scope="module", autouse=True)
def written_anew_on_request() -> None:
    if os.environ.get("WRITE_REFERENCE"):
        reference.write_all()


@pytest.mark.parametrize("name", reference.TABLES)
def test_each_table_of_the_reference_is_what_the_code_declares(name: str) -> None:
    in_code, in_docs = reference.TABLES[name](), reference.written(name)

    missing = "".join(f"\n+ {line}" for line in in_code if line not in in_docs)
    outdated = "".join(f"\n- {line}" for line in in_docs if line not in in_code)
    assert in_docs == in_code, f"The docs are behind the code: {reference.REFRESH}\n{missing}{outdated}"


def test_the_reference_tells_every_reason_why_there_is_no_work() -> None:
    section = (
        reference.REFERENCE.read_text(encoding="utf-8").partition("### Why there is no work")[2].partition("\n## ")[0]
    )
    told = {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")}

    assert told == reasons_given()


def reasons_given() -> set[str]:
    """The reasons in the code of the marketplace: given to NotEligible, or as `reason` among a refusal's details."""
    given = set(get_args(UnmetKind)) | {f"worker_{state}" for state in Worker.State if state != Worker.State.ACTIVE}
    for path, tree in sources().items():
        if path.parts[:2] == ("marketplace", "services"):
            given |= {call.args[0].value for call in calls_in(tree, "NotEligible") if is_text(call.args[0])}
            for node in ast.walk(tree):
                if isinstance(node, ast.Dict):
                    pairs = zip(node.keys, node.values, strict=True)
                    given |= {
                        word.value for key, word in pairs if is_text(key) and key.value == "reason" and is_text(word)
                    }
    return given


def is_text(node: ast.expr | None) -> TypeGuard[Text]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)

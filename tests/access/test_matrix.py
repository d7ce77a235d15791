"""The matrix: who is answered what by each operation of the API, about the things of one client and one worker.

`matrix.txt` beside this file is what was last looked at by a person, status by status and field by field; whatever
answers otherwise fails here. After a change that is meant, write it anew and read the difference:

    WRITE_MATRIX=1 python3 manage.py test --all tests/access -k matrix
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.test import override_settings

from kernel import policy
from kernel.api.served import Served, served
from kernel.policy import ANY, ANY_KEY, Kind, Rule
from tests.access.personas import Persona, personas
from tests.access.shared import undone
from tests.access.test_other_tenants import OPERATIONS, ask
from tests.access.world import a_side

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MATRIX: Final = Path(__file__).with_name("matrix.txt")
HEAD: Final = """\
What each operation answers to whom, asked about the things of client 1 and worker A.
Made by tests/access/test_matrix.py, which holds it equal; read its difference when it changes.
A line: the status, what the answer holds (its fields; or the code of a refusal), and for whom.
Asked by: {people}.
"""
Answers = dict[str, dict[str, tuple[int, str]]]
"""By operation and persona: the status, and the fields or the code."""


@pytest.fixture(scope="module")
def answers(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Answers, dict[str, Persona]]]:
    """Every operation asked by everybody, each time in a world that nobody has changed, as often as it takes."""
    with django_db_blocker.unblock(), undone(), override_settings(REQUESTS_A_MINUTE={}):
        one, other = a_side(), a_side()
        people = {persona.name: persona for persona in personas(one, other)}
        found: Answers = {name: {} for name in OPERATIONS}
        for name in OPERATIONS:
            for persona in people.values():
                found[name][persona.name] = _ask_and_undo(persona, name, one.ids)
        yield found, people


def _ask_and_undo(persona: Persona, name: str, ids: dict[str, Any]) -> tuple[int, str]:
    with undone():
        status, text = ask(persona.person, name, ids)
    return status, _told(status, text)


def _told(status: int, text: str) -> str:
    """The fields of an answer, those of its parts behind a dot; or the code of a refusal."""
    if not text:
        return "nothing"
    if text.startswith("%PDF"):
        return "a PDF"
    try:
        shown = json.loads(text)
    except json.JSONDecodeError:
        lines = text.splitlines()
        if not text.startswith("{"):
            return " ".join(sorted(lines[0].split(",")))  # CSV
        shown = [json.loads(line) for line in lines]
    return shown["code"] if status >= 400 else " ".join(sorted(_fields(shown)))


def _fields(shown: Any, above: str = "") -> set[str]:
    if isinstance(shown, list):
        return {name for each in shown for name in _fields(each, above)}
    if not isinstance(shown, dict):
        return set()
    found = set()
    for name, value in shown.items():
        path = f"{above}.{name}" if above else name
        found |= {path, *(() if name in FREE else _fields(value, path))}
    return found


FREE: Final = frozenset({"item", "label", "result", "details", "answer_keys", "by_state"})
"""Fields whose content is the client's or the crowd's own, or is told by name."""


def test_everybody_is_answered_as_was_last_looked_at(answers: tuple[Answers, dict[str, Persona]]) -> None:  # [B122]
    found, people = answers
    written = "\n".join([HEAD.format(people=", ".join(people)), *_paragraphs(found)])
    if os.environ.get("WRITE_MATRIX"):
        MATRIX.write_text(written, encoding="utf-8")
    assert written == MATRIX.read_text(encoding="utf-8")


def _paragraphs(answers: Answers) -> Iterator[str]:
    for name, by_persona in sorted(answers.items(), key=lambda each: re.sub(r"^\w+ ", "", each[0])):
        groups: dict[tuple[int, str], list[str]] = defaultdict(list)
        for persona, told in by_persona.items():
            groups[told].append(persona)
        most = max(map(len, groups.values()))
        lines = [
            f"  {status} {told}: {'everybody else' if len(people) == most > 3 else ', '.join(people)}"
            for (status, told), people in sorted(groups.items())
        ]
        yield "\n".join([name, *lines, ""])


BUT_FOR: Final = {
    ("DELETE clients/<client_id>/members/<member_id>/", "member of client 1"): "It is their own membership.",
    ("GET audit/checkpoint/", "access admin"): "Nothing is sealed in a transaction that goes on.",
    ("GET audit/checkpoint/", "auditor admin"): "Nothing is sealed in a transaction that goes on.",
    ("GET gold-questions/<gold_question_id>/recall/", "certification admin"): "The question was not recalled.",
    ("GET gold-questions/<gold_question_id>/recall/", "auditor admin"): "The question was not recalled.",
    ("GET skills/<skill_id>/media/<media_id>/", "certification admin"): "The media belong to a job.",
    ("GET skills/<skill_id>/media/<media_id>/", "auditor admin"): "The media belong to a job.",
    ("DELETE skills/<skill_id>/media/<media_id>/", "certification admin"): "The media belong to a job.",
    ("POST skills/<skill_id>/media/<media_id>/withdraw/", "certification admin"): "The media belong to a job.",
}
"""Where what is asked about is not what the table's condition means for this person, and why."""


def test_who_is_let_in_is_whom_the_table_lets_in(answers: tuple[Answers, dict[str, Persona]]) -> None:
    found, people = answers
    by_operation = {_name_of(each): each.action for each in served() if each.view is not None}
    wrong = set()
    for name, by_persona in found.items():
        for persona, (status, told) in by_persona.items():
            expected = _table_lets_in(
                by_operation[name], people[persona], is_about_something="<" in name.replace("<month>", "")
            )
            let_in = told != "not_signed_in" and status not in (403, 404)
            if expected is not None and expected is not let_in:
                wrong.add((name, persona))
    assert wrong == set(BUT_FOR)


def _name_of(each: Served) -> str:
    return f"{each.method.upper()} {re.sub('<[a-z]+:', '<', each.address.removeprefix('/api/v1/'))}"


def _table_lets_in(action: str, persona: Persona, *, is_about_something: bool) -> bool | None:
    """None where it depends on what is found: a list may be empty, and a body may name what is not theirs."""
    rules = policy.table().of(action)
    if any(rule.role in persona.asleep for rule in rules):
        return False
    if any(_applies(rule, persona, is_about_something) for rule in rules):
        return True
    depends = not is_about_something and "person" in persona.roles and any(map(_is_on_object, rules))
    return None if depends and persona.scopes is None else False


def _applies(rule: Rule, persona: Persona, is_about_something: bool) -> bool:  # noqa: FBT001  (all three are told)
    if rule.role not in persona.roles:
        return False
    if persona.scopes is not None and not (rule.role == "anyone" or rule.scope in (ANY_KEY, *persona.scopes)):
        return False
    return not is_about_something or rule.condition == ANY or rule.condition in persona.conditions


def _is_on_object(rule: Rule) -> bool:
    return policy.table().roles[rule.role].kind is Kind.ON_OBJECT

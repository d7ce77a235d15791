"""The tables of docs/reference.md and docs/policy.md as the code has them, written anew with `WRITE_REFERENCE=1`."""

import dataclasses
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from inspect import cleandoc
from types import ModuleType
from typing import Any, Final

from celery import current_app
from django.conf import settings
from django.core.management import get_commands, load_command_class
from drf_spectacular.generators import SchemaGenerator
from rest_framework.exceptions import APIException

from kernel import policy
from kernel.api.idempotency import HEADER
from kernel.api.served import served
from kernel.errors import Invalid, NotAllowed, NotFound, Refused
from kernel.services.outbox import Subscription, subscriptions
from tests.architecture import policy_tables
from tests.architecture.markdown import table
from tests.architecture.project import PACKAGES, ROOT, modules, stateful_models, states_of

REFERENCE, POLICY = ROOT / "docs" / "reference.md", ROOT / "docs" / "policy.md"
REFRESH: Final = "WRITE_REFERENCE=1 python3 manage.py test tests/architecture -k reference"

METHODS: Final = ("get", "post", "put", "patch", "delete")
STATUS: Final = {NotFound: 404, NotAllowed: 403, Invalid: 400}


@table("row", "in state", "may become")
def states() -> Iterator[Sequence[str]]:
    """Every state of every stateful model; the first is the one in which its rows are born."""
    for model, flow in stateful_models().items():
        for state in states_of(model):
            following = ", ".join(f"`{to}`" for to in states_of(model) if to != state and flow.allows(state, to))
            yield f"`{model.__name__}`", f"`{state}`", following or "–"


def events() -> dict[str, type]:
    """Every event of every app by its name."""
    declared = [module for module in modules() if module.__name__.endswith(".events")]
    return {
        name: event
        for module in declared
        for name, event in vars(module).items()
        if dataclasses.is_dataclass(event) and isinstance(event, type)
    }


@table("event", "announced by", "tells", "what follows")
def announcements() -> Iterator[Sequence[str]]:
    """Every event with its reactions."""
    for name, event in events().items():
        tells = re.sub(r" \(`[\w.]+`\)", "", first_sentences(event))
        following = [_reaction(s) for s in subscriptions() if s.event is event]
        yield f"`{name}`", f"`{event.__module__.partition('.')[0]}`", tells, ", ".join(following) or "–"


def _reaction(subscription: Subscription) -> str:
    reaction = subscription.reaction
    where = "" if subscription.in_transaction else " (over the network)"
    return f"`{reaction.__module__}.{reaction.__name__}`{where}"


@table("code", "status", "means", "raised as")
def codes() -> Iterator[Sequence[str]]:
    """Every code that a rule of ours answers with, those of the shell aside: docs/api.md has them."""
    found = [(_status_and_code(error), error) for error in _errors()]
    for (status, code), error in sorted(found, key=lambda pair: (pair[0][0], pair[0][1], pair[1].__module__)):
        yield f"`{code}`", str(status), first_sentences(error), f"`{error.__module__}.{error.__name__}`"


def _errors() -> list[type[Any]]:
    own = (value for module in modules() for value in vars(module).values() if isinstance(value, type))
    said = (Refused, Invalid, NotFound, NotAllowed, APIException)
    return sorted(
        {error for error in own if issubclass(error, said) and _is_a_rule_of_ours(error)},
        key=lambda error: error.__qualname__,
    )


def _is_a_rule_of_ours(error: type[Any]) -> bool:
    return error.__module__.partition(".")[0] in PACKAGES and error.__module__ != "kernel.errors"


def _status_and_code(error: type[Any]) -> tuple[int, str]:
    if issubclass(error, APIException):
        return error.status_code, error.default_code
    if issubclass(error, Refused):
        return error.status, error.code
    return next(status for base, status in STATUS.items() if issubclass(error, base)), error.code


@table("operation", "does", "for", "repeatable")
def endpoints() -> Iterator[Sequence[str]]:
    """Every operation of the API, in the order in which the published reference shows them."""
    schema = published_schema()
    actions = {(each.method, _as_published(each.address)): each.action for each in served()}
    for tag in schema["tags"]:
        for path, item in sorted(schema["paths"].items()):
            for method in METHODS:
                if method in item and tag["name"] in item[method]["tags"]:
                    yield _operation(path, method, item[method], actions[method, path])


def _operation(path: str, method: str, described: dict[str, Any], action: str) -> Sequence[str]:
    has_key = any(parameter["name"] == HEADER for parameter in described.get("parameters", []))
    name, repeatable = f"`{method.upper()} {path}`", "with a key" if has_key else ""
    return name, described["summary"], _for_whom(action), repeatable


@cache
def published_schema() -> dict[str, Any]:
    """The schema as it is served."""
    generator: Any = SchemaGenerator  # drf-spectacular leaves its methods without types
    made: dict[str, Any] = generator().get_schema(request=None, public=True)
    return made


def _as_published(address: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", address)


def _for_whom(action: str) -> str:
    rows = policy.table().of(action)
    roles = ", ".join(dict.fromkeys(f"`{rule.role}`" for rule in rows))
    is_for_programs_too = any(rule.scope or rule.role == "anyone" for rule in rows)
    return roles if is_for_programs_too else f"{roles}, in person"


@table("command", "does")
def commands() -> Iterator[Sequence[str]]:
    """Every command of our own."""
    for name, app in sorted(get_commands().items()):
        if app in PACKAGES:
            yield f"`{name}`", " ".join(str(load_command_class(str(app), name).help).split())


@table("every", "runs", "which does")
def sweeps() -> Iterator[Sequence[str]]:
    """What the clock wakes up, the most frequent first."""
    current_app.loader.import_default_modules()
    for name, seconds in sorted(settings.BEAT.values(), key=lambda pair: (pair[1], pair[0])):
        yield _spoken(seconds), f"`{name}`", first_sentences(type(current_app.tasks[name]))


def _spoken(seconds: int) -> str:
    units = {86_400: "d", 3_600: "h", 60: "min"}
    size, unit = next(((size, unit) for size, unit in units.items() if seconds % size == 0), (1, "s"))
    return f"{seconds // size} {unit}"


def first_sentences(thing: type | ModuleType) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(cleandoc(thing.__doc__ or "").split("\n\n", maxsplit=1)[0].replace("``", "`").split())


TABLES: Final[dict[str, Callable[[], list[str]]]] = {
    "states": states,
    "events": announcements,
    "codes": codes,
    "endpoints": endpoints,
    "commands": commands,
    "sweeps": sweeps,
    "roles": policy_tables.roles,
    "conditions": policy_tables.conditions,
    "scopes": policy_tables.scopes,
    **{f"rows of {part}": partial(policy_tables.rows_of, part) for part in policy_tables.PARTS},
}
"""Each table by the name between its marks in its page."""


def written(name: str) -> list[str]:
    """The table of this name as it stands in its page."""
    found = [
        re.search(_between_marks(name), page.read_text(encoding="utf-8"), re.DOTALL) for page in (REFERENCE, POLICY)
    ]
    (match,) = [match for match in found if match is not None]  # each table has one place
    return match[2].strip().splitlines()


def write_all() -> None:
    """Put every table between its marks, as the code has it now."""
    for page in (REFERENCE, POLICY):
        text = page.read_text(encoding="utf-8")
        for name, lines in TABLES.items():
            made = "\n".join(lines()).replace("\\", r"\\")
            text = re.sub(_between_marks(name), rf"\1\n\n{made}\n\n\3", text, flags=re.DOTALL)
        draft = page.with_name(
            f".{page.name}.{os.getpid()}"
        )  # two test processes may be at it, and readers beside them
        draft.write_text(text, encoding="utf-8")
        draft.replace(page)


def _between_marks(name: str) -> str:
    return rf"(<!-- {name} -->)(.*?)(<!-- end of {name} -->)"

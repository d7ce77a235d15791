"""One world for all tests of a module: those in it only ask for what is refused, or undo what they did."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction

from kernel import clock
from kernel.api.webauthn import ID as KEY_ID
from kernel.errors import Invalid
from kernel.services.access import open_session
from kernel.text import clean_line
from tests.access.test_other_tenants import address_of
from tests.access.world import PASSWORD, Side, a_side
from tests.marketplace.api_people import Person
from tests.qualification.builders import ANIMALS, a_user, an_answer
from workforce.services.applying import TERMS_VERSION


@dataclass(frozen=True)
class World:
    """A client and a worker with something of everything, an admin, somebody new, and a stranger."""

    side: Side
    people: dict[str, Person]
    values: dict[str, Any]
    """What is meant by the names that bodies and queries use, where no schema can tell."""


@contextmanager
def undone() -> Iterator[None]:
    """Nothing of what happens inside stays. The application does not see this transaction: it begins its own in it."""
    block: Any = transaction.atomic()
    block._from_testcase = True  # as Django marks the one that it wraps around each test
    with block:
        yield
        transaction.set_rollback(True)


def a_world() -> World:
    """Everybody signed in, each in a session of their own."""
    side = a_side()
    people = {
        "owner": side.owner,
        "worker": side.worker,
        "admin": an_admin_with_two_factors(),
        "somebody": Person(a_user()),
        "stranger": Person(),
    }
    return World(side, people, about(side, email=a_user().email))


def an_admin_with_two_factors() -> Person:
    """An admin with every role, who has just shown a second factor."""
    admin = Person()
    admin.user = a_user(is_staff=True)
    _, token = open_session(user=admin.user, through="api", second_factor="totp")
    admin.http.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return admin


def send(person: Person, world: World, name: str, *, body: Any = "", query: str = "", **how: Any) -> Any:
    """The answer to a raw request to the named operation, about what is in the world."""
    method, sent = how.pop("method", name.partition(" ")[0]), {"content_type": "application/json", **how}
    return person.http.generic(method, address_of(name, world.side.ids) + query, body, **sent)


def reader_of(world: World, name: str) -> Person | None:
    """Somebody whose body or question the operation looks at, or None when it turns everybody away before."""
    for person in world.people.values():
        answer = send(person, world, name, body='{"no_such_field": 1}', query="?no_such_question=1")
        if answer.status_code == 400 and answer.json()["code"] in ("invalid", "malformed"):
            return person
    return None


def about(side: Side, *, email: str) -> dict[str, Any]:
    """Values by the names that bodies and queries give them, where no schema tells which are meant."""
    soon = (clock.now() + timedelta(hours=1)).isoformat()
    return {
        **{name.removesuffix("_id"): str(value) for name, value in side.ids.items()},
        "email": email,
        "password": PASSWORD,
        "id": KEY_ID,
        "rawId": KEY_ID,
        "label_schema": ANIMALS,
        "xml": ANIMALS,
        "result": an_answer("cat"),
        "terms_version": TERMS_VERSION,
        "country": "GB",
        "languages": ["en", "pt-BR"],
        "birth_date": "1985-12-10",
        "tax_id": "AB 12 34 56 C",
        "expires_at": soon,
        "until": soon,
        "valid_from": soon,
    }


def filled(sent: Any, values: dict[str, Any]) -> Any:
    """What is sent, with the values that only we can know, and with letters for what the rules of texts refuse."""
    if isinstance(sent, dict):
        return {in_letters(name): value_of(name, inner, values) for name, inner in sent.items()}
    if isinstance(sent, list):
        return [filled(inner, values) for inner in sent]
    return in_letters(sent) if isinstance(sent, str) else sent


def in_letters(text: str) -> str:
    """The text, or as many letters where the rules of texts refuse it."""
    return text if is_typed(text) else "x" * len(text)


def value_of(name: str, sent: Any, values: dict[str, Any]) -> Any:
    """What we know under this name, if it is of the same kind as what is sent."""
    known = values.get(name)
    return known if type(known) is type(sent) or name == "result" else filled(sent, values)


def is_typed(text: str) -> bool:
    """Whether a text comes through the rules of `kernel.text` as it is."""
    try:
        return clean_line(text, what="text", longest=100_000) == text
    except Invalid:
        return False

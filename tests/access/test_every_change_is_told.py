"""Every operation that changes something leaves the events that docs/audit.md lists, in the same transaction."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from pytest_django import Settings

from billing.demo.stripe_double import StripeDouble
from kernel.models import AuditEvent
from tests.access.asked import PREPARED, Asked, answer_to, requests
from tests.access.shared import World, undone
from tests.access.test_other_tenants import OPERATIONS
from tests.access.watched import Changes, is_told, transactions_watched
from tests.billing.stripe_double.world import API_KEY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_is_slowed_down")]

DOCS: Final = Path(__file__).parents[2] / "docs" / "audit.md"

LEAVES_NONE: Final = {
    "POST label-schemas/check/": "reads what was sent, and keeps nothing",
    "POST assignments/<assignment_id>/heartbeat/": "many a minute, and nothing rests on them",
    "POST session/step-up/begin/": "a challenge opens nothing; answering it leaves session.stepped_up",
    "POST second-factors/totp/begin/": "a challenge opens nothing; answering it leaves second_factor.added",
    "POST second-factors/webauthn/begin/": "a challenge opens nothing; answering it leaves second_factor.added",
}
"""Operations that leave no event, with the reason."""

BY_THE_SYSTEM: Final = {
    "POST payout-account/onboarding-link/": "the account at Stripe is made when it is needed, if the relay has not yet",
}
"""Operations of which a part of the system is named, and not the person, with the reason."""

ON_THE_WAY: Final = {"subject_key.made"}
"""Events of what is made when it is needed for the first time, by whatever operation."""

EXPORTS: Final = {"GET jobs/<job_id>/results/", "GET tax-reports/1099-nec/<year>/", "GET tax-reports/dac7/<year>/"}
"""Reading that has to be told."""

CHANGING: Final = [name for name in OPERATIONS if not name.startswith("GET ") or name in EXPORTS]
"""What may change something, and what is told all the same."""


def documented() -> dict[str, set[str]]:
    """What the docs say that each operation leaves."""
    rows = re.findall(r"^\| `([A-Z]+ \S+)` \| (.*) \|$", DOCS.read_text(), flags=re.MULTILINE)
    return {re.sub(r"\{(\w+)\}", r"<\1>", name): set(events.split(", ")) for name, events in rows}


@pytest.fixture
def stripe(settings: Settings) -> Iterator[None]:
    """Some Stripe of our own to speak to."""
    with StripeDouble() as double:
        settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = API_KEY, double.base_url
        yield


def attempt(name: str, asked: Asked, world: World) -> tuple[int, str, set[str], list[Changes]]:
    """The status and the answer, the actions that were told, and what each transaction changed."""
    before = AuditEvent.objects.latest("id").id
    with transactions_watched() as seen:
        answer = answer_to(asked, name, world)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    events = AuditEvent.objects.filter(id__gt=before).exclude(action__in=ON_THE_WAY)
    told = set(events.values_list("action", flat=True))
    if answer.status_code < 300 and name in CHANGING and name not in LEAVES_NONE | BY_THE_SYSTEM:
        assert events.filter(actor_id=asked.actor()).exists(), f"{name} names somebody else than who asked."
    return answer.status_code, content.decode(errors="replace")[:300], told, seen


def done(name: str, world: World) -> tuple[set[str], list[Changes]]:
    """What the operation left and changed when somebody did it. Nothing of it stays."""
    refusals = []
    for number in range(1 if name in PREPARED else len(world.people)):
        with undone():
            status, text, told, seen = attempt(name, requests(name, world)[number], world)
        if status < 300:
            return told, seen
        refusals.append(text)
    pytest.fail(f"Nobody could do {name}: {refusals}")


@pytest.mark.usefixtures("stripe")
def test_every_operation_leaves_the_events_that_the_docs_list_in_the_transaction_of_its_change(world: World) -> None:
    left, untold = {}, []
    for name in CHANGING:
        told, seen = done(name, world)
        left[name] = told
        untold += [(name, sorted(changed)) for changed in seen if not is_told(changed)]
        assert bool(told) != (name in LEAVES_NONE), name

    assert untold == []
    assert {name: told for name, told in left.items() if told} == documented()


def test_the_exceptions_are_operations_that_there_are() -> None:
    assert (LEAVES_NONE | BY_THE_SYSTEM | PREPARED).keys() <= set(CHANGING)
    assert set(LEAVES_NONE).isdisjoint(documented())


def test_reading_changes_nothing_and_is_not_told(world: World) -> None:
    changed = []
    for name in sorted(set(OPERATIONS) - set(CHANGING)):
        for person in world.people.values():
            with undone():
                _, _, told, seen = attempt(name, Asked(person), world)
            changed += [(name, told, sorted(each)) for each in seen if told or not is_told(each)]
    assert changed == []

"""The application holds what its published schema promises: requests made out of it, sent by each kind of person.

Nothing is answered by a 5xx or by what the schema does not have; what the schema forbids is refused, and what it allows
is taken; nothing is answered without a sign-in that needs one. Each case is sent in a transaction that is undone.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from pytest_django import Settings
from schemathesis import checks

from billing.demo.stripe_double import StripeDouble
from tests.access import generated
from tests.access.shared import World, undone
from tests.billing.stripe_double.world import API_KEY, SECRET
from tests.marketplace.api_people import Person

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SAYS_MORE_THAN_ITS_SCHEMA: Final = {
    "GET /api/v1/jobs/": "Some parameters are for one side only.",
    "POST /api/v1/assignments/{assignment_id}/bonuses/": "How large a bonus may be depends on the answer's reward.",
    "POST /api/v1/clients/{client_id}/fees/": "The first tier holds from 0 on, and no two from the same spending.",
    "POST /api/v1/clients/{client_id}/fundings/": "What can be paid at once depends on the currency.",
    "POST /api/v1/escalations/{escalation_id}/decision/": "What decides an escalation depends on its kind.",
    "POST /api/v1/gold-questions/": "Items fit the label schema that comes with them.",
    "POST /api/v1/jobs/": "The most overlap is no less than the least; only its members post for a client.",
    "GET /api/v1/jobs/{job_id}/what-if/": "The most overlap is no less than the least.",
    "POST /api/v1/jobs/{job_id}/functions/": "A rule is of one kind, about fields and labels that the job has.",
    "POST /api/v1/jobs/{job_id}/overlap/": "It is raised from what it is, and never lowered.",
    "POST /api/v1/jobs/{job_id}/predictions/": "The rows of a file name tasks and answers that the job has.",
    "POST /api/v1/jobs/{job_id}/priorities/": "The rows of a file name tasks that the job has.",
    "POST /api/v1/jobs/{job_id}/reprice/": "No price stands twice, and the standard one is not another.",
    "POST /api/v1/jobs/{job_id}/tasks/": "The rows of a file fit the label schema of the job.",
    "POST /api/v1/skills/": "The rules of an exam must not contradict each other.",
}
"""Where a body may be well formed and still be refused: what the fields say together, or about what is there."""


@pytest.fixture
def stripe_of_ours(settings: Settings) -> Iterator[None]:
    """A Stripe that answers."""
    with StripeDouble() as double:
        settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = API_KEY, double.base_url
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        yield


@pytest.fixture
def api(stripe_of_ours: None, nobody_is_slowed_down: None) -> Iterator[Any]:
    """The served schema. As with Django's own test client, no request ends the connection that the test is in."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield generated.loaded_schema()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def signed(person: Person) -> dict[str, str]:
    """The headers of this person's requests."""
    credentials: dict[str, str] = person.http._credentials  # type: ignore[attr-defined]  # the stubs leave it out
    return {"Authorization": credentials["HTTP_AUTHORIZATION"]} if credentials else {}


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
def test_what_the_schema_promises_is_held(case: Any, world: World) -> None:
    generated.make_meaningful(case, ids=world.side.ids, values=world.values)
    excluded = [checks.positive_data_acceptance] if case.operation.label in SAYS_MORE_THAN_ITS_SCHEMA else []
    for person in world.people.values():
        headers = signed(person)
        with undone():
            response = case.call(headers=headers)
            case.validate_response(response, headers=headers, excluded_checks=excluded)

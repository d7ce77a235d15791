"""Requests that nobody sends by accident, to every operation of the API: each is refused, and never by a 5xx."""

from typing import Any, Final

import pytest

from kernel.api.uploads import UploadView
from tests.access.test_other_tenants import OPERATIONS, address_of
from tests.access.world import Side, a_side, in_person
from tests.marketplace.api_people import Person
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

WITH_BODY: Final = [
    name
    for name, (method, _, view) in OPERATIONS.items()
    if getattr(view, method).body is not None and not issubclass(view, UploadView) and name != "POST users/"
]
READS: Final = [name for name in OPERATIONS if name.startswith("GET ")]


def everybody(side: Side) -> list[Person]:
    return [side.owner, side.worker, in_person(a_user(is_staff=True))]


def send(person: Person, name: str, side: Side, *, body: str = "", query: str = "", **how: Any) -> int:
    """The status of the answer to a raw request about the side's own."""
    method = how.pop("method", name.partition(" ")[0])
    sent = {"content_type": "application/json", **how}
    answer: Any = person.http.generic(method, address_of(name, side.ids) + query, body, **sent)
    return int(answer.status_code)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param("[" * 100_000, "application/json", id="B001"),
        pytest.param('{"a": 1, "a": 100}', "application/json", id="B005"),
        pytest.param('{"a": NaN}', "application/json", id="B006"),
        pytest.param('{"a": 1e999}', "application/json", id="B007"),
        pytest.param('{"a": "\\u0000"}', "application/json", id="B009"),
        pytest.param('{"a": "\\ud800"}', "application/json", id="B010"),
        pytest.param("[]", "application/json", id="B013-list"),
        pytest.param("null", "application/json", id="B013-null"),
        pytest.param("{}", "text/plain", id="B014"),
        pytest.param('{"is_staff": true, "balance_minor": 1, "state": "accepted"}', "application/json", id="B015-B117"),
    ],
)
def test_no_operation_takes_a_body_that_cannot_be_meant(body: str, content_type: str) -> None:
    side = a_side()
    people = everybody(side)
    for name in WITH_BODY:
        statuses = {send(person, name, side, body=body, content_type=content_type) for person in people}
        assert statuses <= {400, 403, 404, 415}, name
        assert statuses & {400, 415}, name


def test_no_operation_takes_another_method() -> None:  # [B017]
    side = a_side()
    for name in OPERATIONS:
        statuses = {send(side.owner, name, side, method=method) for method in ("TRACE", "PROPFIND", "PATCH")}
        assert statuses == {405}, name
        assert send(side.owner, name, side, method="OPTIONS") == 204, name


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("?user__password__startswith=a", id="B113"),
        pytest.param("?ordering=user__password&fields=*&expand=worker", id="B114"),
        pytest.param("?cursor=x", id="B018-cursor"),
        pytest.param("?limit=1000000000000000000", id="B018-limit"),
        pytest.param("?limit=%D9%A3", id="B023"),
        pytest.param("?cursor=%00&state=%00&job=%00&name=%00", id="B009"),
        pytest.param("?state=a&state=b&job[]=1", id="twice"),
    ],
)
def test_no_list_takes_a_question_that_it_does_not_know(query: str) -> None:
    side = a_side()
    people = everybody(side)
    for name in READS:
        statuses = {send(person, name, side, query=query) for person in people}
        assert statuses <= {400, 403, 404}, name
        assert 400 in statuses, name

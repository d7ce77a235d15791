"""What comes in from outside before any view is asked, and what goes out with every page."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.test import Client, RequestFactory
from drf_spectacular.generators import SchemaGenerator

from marketplace.services.settlement import accept_due_assignments
from marketplace.wsgi import application
from tests.marketplace.api_people import Person, an_admin
from tests.marketplace.builders import a_client, a_draft, a_resolved_task, a_share, an_open_job, owner_of
from tests.qualification.builders import ANIMALS, a_skill, a_user, an_answer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("content_type", ["application/json; x*=nope''%41", "application/json; charset=utf-8\x00"])
def test_a_content_type_that_cannot_be_read_is_none(content_type: str) -> None:  # [B014, B017]
    environment = RequestFactory().generic("POST", "/api/v1/session/", b"{}").environ
    answered: list[str] = []

    def start_response(status: str, *_: object) -> Any:
        answered.append(status)

    application({**environment, "CONTENT_TYPE": content_type, "wsgi.input": BytesIO(b"{}")}, start_response)

    assert answered == ["415 Unsupported Media Type"]


def test_the_schema_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(more: str = "", accept: str = "*/*") -> Any:
        return Client().get(f"/api/v1/schema/{more}", headers={"Accept": accept})

    in_json = "application/vnd.oai.openapi+json"
    first, first_in_json = get(), get(accept=in_json)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("The schema was made again.")

    monkeypatch.setattr(SchemaGenerator, "get_schema", refuse)
    assert get("?lang=de&version=9&format=json").content == first.content
    assert get("?x=1", in_json).content == first_in_json.content
    assert first.content.startswith(b"openapi: 3")
    assert json.loads(first_in_json.content)["info"]["title"] == "Assay"


def test_a_body_gets_in_with_an_idempotency_key_when_it_gets_in_without() -> None:
    row = {"item": {"text": "x" * 1_000_000}, "result": an_answer("cat"), "reason": "Only cats meow."}
    body = {"skill": str(a_skill(bank=0).pk), "label_schema": ANIMALS, "questions": [row] * 3}

    status, said = an_admin().post("gold-questions/", body, key="k")

    assert (status, said.get("code")) != (413, "body_too_large")


def test_who_was_let_onto_one_job_is_not_told_of_its_clients_money() -> None:  # [B122]
    client = a_client(funds_minor=123_456)
    job = a_draft(client=client, tasks=2)
    guest = a_user()
    a_share(job, guest=guest)

    _, to_guest = Person(guest).get(f"jobs/{job.pk}/estimate/")
    _, to_owner = Person(owner_of(client)).get(f"jobs/{job.pk}/estimate/")

    assert {"available_minor", "missing_minor"} & to_guest.keys() == set()
    assert (to_owner["available_minor"], to_owner["missing_minor"]) == (123_456, 0)
    assert to_guest["worst_cost_minor"] == to_owner["worst_cost_minor"]


def test_a_refusal_for_want_of_funds_does_not_tell_it_either() -> None:
    job = an_open_job(client=a_client(funds_minor=3 * 48 + 47), reward_minor=40)
    turn = a_resolved_task(job).assignments.earliest("claimed_at")
    accept_due_assignments()
    reviewer, manager = (Person(a_share(job, role=role).user) for role in ("reviewer", "manager"))
    softly = f"assignments/{turn.pk}/reject-softly/", {"reason": "wrong", "message": "It is a dog; you answered cat."}
    asked = [
        (manager.post(f"jobs/{job.pk}/escrow/", {"amount_minor": 1000}), 1000),
        (manager.upload(f"jobs/{job.pk}/tasks/", json.dumps([{"item": {"text": "More"}}]), "application/json"), 2 * 48),
    ]

    for (status, said), needed in asked:
        assert (status, said["code"]) == (409, "insufficient_funds") and "0.47" not in said["message"]
        assert said["details"].keys() == {"needed_minor", "currency"}
        assert said["details"]["needed_minor"] == needed
    to_reviewer = reviewer.post(*softly)[1]
    assert to_reviewer.keys() == {"code", "message"}
    assert to_reviewer["code"] == "takes_funds" and "0.47" not in to_reviewer["message"]
    to_owner = Person(owner_of(job.client)).post(*softly)[1]
    assert to_owner["message"] == "0.48 USD are needed and 0.47 USD are there: 0.01 USD are missing."

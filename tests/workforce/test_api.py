"""Workforce over HTTP: applying, deciding, one's own standing, and the one way to see an identity."""

import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from kernel import clock
from kernel.models import AuditEvent, IdempotencyRecord, User
from kernel.scopes import SCOPES
from kernel.services.access import create_api_key
from kernel.services.audit import Actor
from tests.kernel.people import made_admin, token_of
from tests.workforce.people import LEGAL_NAME, a_person, a_worker, an_admin, an_application, an_identity
from workforce.models import Application, Identity, Worker
from workforce.services.applying import TERMS_VERSION
from workforce.services.standing import offboard_worker

pytestmark = pytest.mark.django_db

APPLICATIONS, WORKERS = "/api/v1/applications/", "/api/v1/workers/"
BODY: Mapping[str, Any] = {
    "country": "GB",
    "languages": ["en", "pt-BR"],
    "note": "I read old handwriting.",
    "terms_version": TERMS_VERSION,
    "identity": {"legal_name": LEGAL_NAME, "address": "12 St James's Square\nLondon", "birth_date": "1985-12-10"},
}


class Caller:
    """Somebody who is signed in."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.token = token_of(user)

    def get(self, path: str) -> tuple[int, Any]:
        answer = Client().get(path, headers={"Authorization": f"Bearer {self.token}"})
        return answer.status_code, answer.json()

    def post(self, path: str, body: Mapping[str, Any], *, key: str = "", method: str = "post") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        answer = getattr(Client(), method)(path, body, content_type="application/json", headers=headers)
        return answer.status_code, answer.json() if answer.content else None


def a_caller() -> Caller:
    return Caller(a_person())


def an_admin_calling() -> Caller:
    return Caller(an_admin())


def test_a_person_applies_and_follows_their_application() -> None:
    caller = a_caller()

    status, told = caller.post(APPLICATIONS, BODY)

    application = Application.objects.get()
    assert (status, told) == (
        201,
        {
            "id": str(application.pk),
            "user": str(caller.user.pk),
            "state": "submitted",
            "country": "GB",
            "languages": ["en", "pt-BR"],
            "note": "I read old handwriting.",
            "terms_version": TERMS_VERSION,
            "submitted_at": application.submitted_at.isoformat().replace("+00:00", "Z"),
            "decided_at": None,
            "decision_reason": "",
        },
    )
    assert caller.get(f"{APPLICATIONS}{application.pk}/") == (200, told)
    assert caller.get(APPLICATIONS) == (200, {"results": [told], "next_cursor": None})
    assert caller.get(f"{WORKERS}me/") == (
        403,
        {
            "code": "not_allowed",
            "message": "Only a worker may do this. Apply to become one at /api/v1/applications/.",
        },
    )


def test_an_application_sent_twice_under_one_key_is_one() -> None:
    caller = a_caller()

    first, again = caller.post(APPLICATIONS, BODY, key="once"), caller.post(APPLICATIONS, BODY, key="once")

    assert first == again
    assert Application.objects.count() == 1
    assert LEGAL_NAME not in json.dumps(list(IdempotencyRecord.objects.values_list("answer", flat=True)))
    assert caller.post(APPLICATIONS, BODY)[1]["code"] == "already_applied"


def test_what_is_wrong_is_told_by_field_and_never_repeated() -> None:
    identity = {"legal_name": "Ada\nBcc: all", "address": "Street", "birth_date": "2020-02-30", "passport": "C01X00T47"}

    status, told = a_caller().post(APPLICATIONS, {**BODY, "identity": identity})

    assert (status, told["code"]) == (400, "invalid")
    assert told["errors"] == [
        {
            "field": "identity.passport",
            "message": "There is no such field here. Known fields: address, birth_date, legal_name, tax_id.",
        }
    ]
    del identity["passport"]
    status, told = a_caller().post(APPLICATIONS, {**BODY, "identity": identity})
    assert [fault["field"] for fault in told["errors"]] == ["identity.legal_name", "identity.birth_date"]
    assert "Bcc" not in json.dumps(told)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"country": "XX"}, "country"),
        ({"country": 49}, "country"),
        ({"languages": "en"}, "languages"),
        ({"languages": []}, "languages"),
        ({"languages": ["english"]}, "languages"),
        ({"note": "\u202eevil"}, "note"),
        ({"state": "approved"}, "state"),
        ({"identity": None}, "identity"),
        ({"identity": {**BODY["identity"], "birth_date": "2020-01-01"}}, "birth_date"),
        ({"identity": {**BODY["identity"], "birth_date": "0001-01-01"}}, "birth_date"),
        ({"identity": {**BODY["identity"], "tax_id": "none"}}, "tax_id"),
        ({"identity": {**BODY["identity"], "legal_name": "x" * 900_000}}, "identity.legal_name"),
    ],
)
def test_an_application_that_cannot_be_meant_is_refused(changed: Mapping[str, Any], field: str) -> None:
    status, told = a_caller().post(APPLICATIONS, {**BODY, **changed})

    assert (status, [fault["field"] for fault in told["errors"]]) == (400, [field])
    assert (Application.objects.count(), Identity.objects.count()) == (0, 0)


def test_everybody_sees_their_own_applications_and_an_admin_sees_all_by_state() -> None:
    caller, admin = a_caller(), an_admin_calling()
    own, foreign = an_application(user=caller.user), an_application(identity=an_identity(tax_id="123456789"))
    twin = an_application(identity=an_identity(tax_id="123-456-789"))
    approved = a_worker().application

    assert [row["id"] for row in caller.get(APPLICATIONS)[1]["results"]] == [str(own.pk)]
    not_found = (404, {"code": "not_found", "message": "There is no such application."})
    assert caller.get(f"{APPLICATIONS}{foreign.pk}/") == not_found
    assert caller.get(f"{APPLICATIONS}{uuid4()}/") == not_found

    rows = admin.get(APPLICATIONS)[1]["results"]
    assert {row["id"]: row["shares_tax_id"] for row in rows} == {
        str(approved.pk): False,
        str(twin.pk): True,
        str(foreign.pk): True,
        str(own.pk): False,
    }
    only = admin.get(f"{APPLICATIONS}?state=approved")[1]["results"]
    assert [row["id"] for row in only] == [str(approved.pk)]
    assert admin.get(f"{APPLICATIONS}?state=lost")[0] == 400


def test_pages_of_applications_meet_without_gap_or_overlap() -> None:
    admin = an_admin_calling()
    applications = [str(an_application().pk) for _ in range(5)]

    pages = [admin.get(f"{APPLICATIONS}?limit=2")[1]]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(admin.get(f"{APPLICATIONS}?limit=2&cursor={cursor}")[1])

    assert [[row["id"] for row in page["results"]] for page in pages] == [
        applications[:2:-1],
        applications[2:0:-1],
        applications[:1],
    ]


def test_an_admin_approves_and_the_person_sees_their_standing() -> None:
    caller, admin = a_caller(), an_admin_calling()
    application = an_application(user=caller.user)

    status, told = admin.post(f"{APPLICATIONS}{application.pk}/approve/", {}, key="approve")

    assert (status, told["standing"], told["standing_reason"]) == (201, "active", "")
    assert admin.post(f"{APPLICATIONS}{application.pk}/approve/", {}, key="approve") == (status, told)
    assert caller.get(f"{WORKERS}me/") == (200, told)
    assert admin.get(f"{WORKERS}{told['id']}/") == (200, told)
    assert admin.post(f"{APPLICATIONS}{application.pk}/approve/", {})[1]["code"] == "wrong_state"


def test_an_admin_declines_with_a_reason_that_the_person_reads() -> None:
    caller, admin = a_caller(), an_admin_calling()
    path = f"{APPLICATIONS}{an_application(user=caller.user).pk}/"

    assert admin.post(f"{path}decline/", {})[0] == 400
    assert admin.post(f"{path}decline/", {"reason": "\u200b"})[0] == 400
    status, told = admin.post(f"{path}decline/", {"reason": "The document is not readable."})

    assert (status, told["state"], told["decision_reason"]) == (200, "declined", "The document is not readable.")
    assert caller.get(path)[1]["decision_reason"] == "The document is not readable."


def test_nobody_decides_about_themselves() -> None:
    worker = a_worker()
    offboard_worker(worker_id=worker.pk, why="Joins the staff.", by=Actor.user(an_admin()))
    admin = Caller(made_admin(worker.user, "certification"))

    status, told = admin.post(f"{WORKERS}{worker.pk}/reinstate/", {"reason": "I trust myself."})

    assert (status, told) == (
        409,
        {"code": "own_case", "message": "This is about yourself; another admin has to decide it."},
    )


def test_an_admin_cannot_apply() -> None:
    status, told = an_admin_calling().post(APPLICATIONS, BODY)

    assert (status, told["code"]) == (409, "is_admin")


def test_an_admin_changes_a_standing_step_by_step_and_the_worker_reads_why() -> None:
    caller, admin = a_caller(), an_admin_calling()
    path = f"{WORKERS}{a_worker(user=caller.user).pk}/"
    until = (clock.now() + timedelta(hours=24)).isoformat().replace("+00:00", "Z")

    assert admin.post(f"{path}pause/", {"reason": "Too fast.", "until": until})[0] == 200
    told = caller.get(f"{WORKERS}me/")[1]
    assert (told["standing"], told["standing_reason"], told["paused_until"]) == ("paused", "Too fast.", until)

    for action, standing in [
        ("resume", "active"),
        ("suspend", "suspended"),
        ("reinstate", "active"),
        ("offboard", "offboarded"),
    ]:
        status, told = admin.post(f"{path}{action}/", {"reason": f"To {action}."})
        assert (status, told["standing"], told["standing_reason"]) == (200, standing, f"To {action}.")
        signed_in_again = Caller(caller.user)  # two of these steps sign them out
        assert signed_in_again.get(f"{WORKERS}me/")[1] == told

    status, told = admin.post(f"{path}reinstate/", {"reason": "Again."})
    assert (status, told["code"]) == (409, "wrong_state")


@pytest.mark.parametrize(
    "until", ["tomorrow", "2026-05-19T12:00:00", "9999-12-31T23:59:59Z", "2001-01-01T00:00:00Z", 1, None]
)
def test_a_pause_without_a_real_end_is_refused(until: object) -> None:
    worker = a_worker()

    status, told = an_admin_calling().post(f"{WORKERS}{worker.pk}/pause/", {"reason": "Too fast.", "until": until})

    assert (status, [fault["field"] for fault in told["errors"]]) == (400, ["until"])


def test_admins_list_workers_by_standing_and_country() -> None:
    admin = an_admin_calling()
    first, second = a_worker(), a_worker()
    admin.post(f"{WORKERS}{second.pk}/suspend/", {"reason": "Two accounts."})

    def listed(query: str) -> list[str]:
        return [row["id"] for row in admin.get(f"{WORKERS}{query}")[1]["results"]]

    assert listed("") == [str(second.pk), str(first.pk)]
    assert listed("?standing=active") == [str(first.pk)]
    assert listed("?standing=suspended&country=GB") == [str(second.pk)]
    assert listed("?country=DE") == []


def test_only_admins_see_workers_and_decide() -> None:
    worker, caller = a_worker(), Caller(a_worker().user)
    application = an_application()
    paths = [f"{WORKERS}{worker.pk}/{action}/" for action in ("pause", "resume", "suspend", "reinstate", "offboard")]
    paths += [f"{APPLICATIONS}{application.pk}/{action}/" for action in ("approve", "decline")]

    message = "Only an admin of the platform may do this, with the role certification."
    for path in paths:
        assert caller.post(path, {"reason": "Mine now."}) == (403, {"code": "not_allowed", "message": message})
        assert Client().post(path, {}, content_type="application/json").status_code == 401
    assert caller.get(WORKERS) == caller.get(f"{WORKERS}{worker.pk}/")
    assert caller.get(WORKERS)[1]["message"] == (
        "Only an admin of the platform may do this, with the role auditor or certification."
    )


def test_an_admin_reads_an_identity_for_a_purpose_and_the_reading_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    admin, worker = an_admin_calling(), a_worker(identity=an_identity(tax_id="AB 12 34 56 C"))
    path = f"{WORKERS}{worker.pk}/identity-reading/"

    told = admin.post(path, {"purpose": "identity_check", "fields": ["legal_name", "birth_date"]}, key="kept?")

    values: dict[str, object] = {"birth_date": "1985-12-10", "legal_name": LEGAL_NAME}
    assert told == (200, {"worker": str(worker.pk), "purpose": "identity_check", "values": values})
    event = AuditEvent.objects.get(action="identity.read")
    assert (event.actor_id, event.why, event.subject_id) == (str(admin.user.pk), "identity_check", str(worker.pk))
    assert event.details == {"fields": ["birth_date", "legal_name"]}
    assert not IdempotencyRecord.objects.exists()
    assert "Lovelace" not in caplog.text

    values = admin.post(path, {"purpose": "tax_report", "fields": ["tax_id", "tax_copy"]})[1]["values"]
    assert values["tax_id"] == "AB123456C"
    assert isinstance(values["tax_copy"], dict) and values["tax_copy"]["legal_name"] == LEGAL_NAME


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"purpose": "curiosity", "fields": ["legal_name"]}, "invalid"),
        ({"purpose": "identity_check", "fields": []}, "invalid"),
        ({"purpose": "identity_check", "fields": ["password"]}, "invalid"),
        ({"purpose": "identity_check"}, "invalid"),
        ({"fields": ["legal_name"]}, "invalid"),
        ({"purpose": "identity_check", "fields": ["tax_id"]}, "not_for_this_purpose"),
        ({"purpose": "tax_report", "fields": ["tax_id"]}, "not_given"),
    ],
)
def test_a_reading_without_a_purpose_that_covers_it_opens_nothing(body: Mapping[str, Any], code: str) -> None:
    worker = a_worker()

    assert an_admin_calling().post(f"{WORKERS}{worker.pk}/identity-reading/", body)[1]["code"] == code
    assert not AuditEvent.objects.filter(action="identity.read").exists()


def test_a_program_cannot_read_an_identity() -> None:
    admin, worker = an_admin(), a_worker()
    _, token = create_api_key(
        user=admin, name="nightly", scopes=SCOPES, expires_at=clock.now() + timedelta(hours=1), by=Actor.user(admin)
    )

    answer = Client().post(
        f"{WORKERS}{worker.pk}/identity-reading/",
        {"purpose": "identity_check", "fields": ["legal_name"]},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_a_worker_gives_their_tax_id_later() -> None:
    caller, admin = a_caller(), an_admin_calling()
    assert caller.post(f"{WORKERS}me/tax-id/", {"tax_id": "AB 12 34 56 C"}, method="put")[0] == 403
    worker = a_worker(user=caller.user)

    assert caller.post(f"{WORKERS}me/tax-id/", {"tax_id": "none"}, method="put")[0] == 400
    assert caller.post(f"{WORKERS}me/tax-id/", {"tax_id": "AB 12 34 56 C"}, method="put") == (204, None)

    read = admin.post(f"{WORKERS}{worker.pk}/identity-reading/", {"purpose": "tax_report", "fields": ["tax_id"]})
    assert read[1]["values"] == {"tax_id": "AB123456C"}


def test_lists_cost_the_same_number_of_queries_however_long_they_are(
    django_assert_max_num_queries: Any,
) -> None:
    admin = an_admin_calling()
    for _ in range(6):
        a_worker(identity=an_identity(tax_id="123456789"))

    for path in (APPLICATIONS, WORKERS):
        with django_assert_max_num_queries(3):
            assert len(admin.get(path)[1]["results"]) == 6
    assert Worker.objects.count() == 6

"""What somebody reached for and was refused stands in the audit trail, once a minute however often they try."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, override_settings
from pytest_django import Settings

from kernel.models import AuditEvent
from tests.kernel.people import PASSWORD, browser_of, made_admin
from tests.marketplace.api_people import Person, somebody
from tests.marketplace.builders import a_member, a_worker, an_open_job
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

IN_MEMORY = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "attempts"}}


@pytest.fixture(autouse=True)
def nothing_told_yet() -> Iterator[None]:
    with override_settings(CACHES=IN_MEMORY):
        yield
        cache.clear()


def told(action: str) -> list[Any]:
    return list(AuditEvent.objects.filter(action=action).order_by("id").values_list("actor_id", "details"))


def test_fields_that_nobody_sets_by_a_request_are_told_of() -> None:  # [B117]
    person = somebody()
    body = {"name": "Museum", "country": "GB", "is_staff": True, "balance_minor": 5, "colour": "red"}

    answers = [person.post("clients/", body)[0] for _ in range(3)]

    assert answers == [400] * 3
    assert person.user is not None
    expected = {"operation": "create_a_client", "fields": ["balance_minor", "is_staff"]}
    assert told("fields.smuggled") == [(str(person.user.pk), expected)]


def test_a_typing_error_and_a_fault_in_a_field_are_not() -> None:  # [B015]
    person = somebody()
    assert person.post("clients/", {"nmae": "Museum", "country": "GB"})[0] == 400
    assert person.post("jobs/", {"client": "not an id", "title": 5})[0] == 400
    assert told("fields.smuggled") == []


def test_who_reaches_for_work_of_their_own_is_told_of() -> None:  # [B183]
    job = an_open_job()
    worker = a_worker(job)
    a_member(job.client, user=worker.user)

    for key in (None, "k"):
        status, said = Person(worker.user).post("assignments/", {"job": str(job.pk)}, key=key)
        assert (status, said["details"]["reason"]) == (409, "own_job")

    assert told("own_job.reached_for") == [(str(worker.user_id), {"operation": "claim_a_task"})]


@pytest.mark.parametrize(
    ("role", "answer"),
    [("access", (409, "own_roles")), ("finance", (403, "not_allowed"))],
    ids=["B119-own", "B119-without"],
)
def test_an_admin_who_reaches_for_more_roles_is_told_of(role: str, answer: tuple[int, str]) -> None:
    admin = made_admin(a_user(), role)
    admin.set_password(PASSWORD)
    admin.save(update_fields=["password"])
    browser = browser_of(admin)

    for _ in range(2):
        said = browser.post("/api/v1/admin-roles/", {"email": admin.email, "role": "auditor"}, format="json")
        assert (said.status_code, said.json()["code"]) == answer

    assert told("admin_roles.reached_for") == [(str(admin.pk), {"operation": "grant_an_admin_role"})]
    assert list(admin.admin_roles.values_list("role", flat=True)) == [role]


def test_webhooks_that_stripe_did_not_sign_are_told_of(settings: Settings) -> None:  # [B173]
    settings.STRIPE_WEBHOOK_SECRET = "whsec_of_ours"
    for signature in ("", "t=1,v1=abc", "t=1,v0=abc"):
        headers = {"Stripe-Signature": signature}
        answer = Client().post("/webhooks/stripe/", b"{}", content_type="application/json", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "webhook_refused")
    ((actor, details),) = told("webhook.refused")
    assert actor == "stripe_webhook"
    assert details["why"].startswith("This webhook is not from Stripe, or it is too old")

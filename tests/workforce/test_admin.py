"""The operators' console: rows cannot be edited, decisions go through the services, identities are not there."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from kernel.models import AuditEvent
from tests.kernel.people import an_operator, console_of
from tests.workforce.people import a_person, a_worker, an_application, an_identity
from workforce.models import Application, Identity, Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    return console_of(an_operator())


def decide(
    operator: Client, rows: list[Application] | list[Worker], action: str, **fields: str
) -> tuple[list[str], int]:
    address = reverse(f"admin:workforce_{rows[0]._meta.model_name}_changelist")
    asked = {"action": action, "_selected_action": [str(row.pk) for row in rows], **fields}
    answer = operator.post(address, asked, follow=True)
    return [str(message) for message in answer.context["messages"]], answer.status_code


def test_an_operator_approves_what_can_be_approved_and_is_told_about_the_rest(operator: Client) -> None:
    open_one, decided = an_application(), a_worker().application

    said, _ = decide(operator, [open_one, decided], "approve", reason="Checked.")

    assert said == [
        f"Application {decided.pk} is approved and cannot become approved. From approved it cannot change any more.",
        "1 approved.",
    ]
    assert Worker.objects.filter(user=open_one.user).exists()
    assert AuditEvent.objects.get(action="application.approved", subject_id=open_one.pk).why == "Checked."


def test_a_refusal_without_a_reason_changes_nothing(operator: Client) -> None:
    application = an_application()

    said, _ = decide(operator, [application], "decline", reason="")
    assert said == ["The reason is empty: it holds nothing that can be seen."]

    said, _ = decide(operator, [application], "decline", reason="Not of age in your country.")
    application.refresh_from_db()
    assert (said, application.state) == (["1 declined."], "declined")


def test_an_operator_changes_the_standing_of_workers(operator: Client) -> None:
    worker = a_worker()
    steps = [("pause", "paused"), ("resume", "active"), ("suspend", "suspended"), ("reinstate", "active")]

    for action, state in [*steps, ("offboard", "offboarded")]:
        decide(operator, [worker], action, reason=f"Reason to {action}.", hours="24")
        worker.refresh_from_db()
        assert (worker.state, worker.standing_reason) == (state, f"Reason to {action}.")


@pytest.mark.parametrize("hours", ["", "-1", "99999999999", "soon", "1e3"])
def test_hours_that_cannot_be_meant_pause_nobody(operator: Client, hours: str) -> None:
    worker = a_worker()

    said, status = decide(operator, [worker], "pause", reason="Too fast.", hours=hours)

    worker.refresh_from_db()
    assert (worker.state, status, len(said)) == ("active", 200, 1)


def test_rows_are_only_read_and_show_nothing_that_is_sealed(operator: Client) -> None:
    worker = a_worker(user=a_person(), identity=an_identity(tax_id="AB 12 34 56 C"))

    for row in (worker, worker.application):
        address = reverse(f"admin:workforce_{row._meta.model_name}_change", args=[row.pk])
        page = operator.get(address).content.decode()
        assert operator.post(address, {"state": "suspended"}).status_code == 403
        for told in ("Lovelace", "James", "1985-12-10", "123456", "memory at"):
            assert told not in page
    assert Identity not in admin.site._registry


@pytest.mark.parametrize("searched", ["%", "person-", "{0}", "6f0c1f9e-1111-4222-8333-444455556666", "\u202e"])
def test_any_text_can_be_searched_for(operator: Client, searched: str) -> None:
    worker = a_worker()

    for row in (worker, worker.application):
        address = reverse(f"admin:workforce_{row._meta.model_name}_changelist")
        assert operator.get(address, {"q": searched}).status_code == 200

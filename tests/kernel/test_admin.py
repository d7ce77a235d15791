"""The operators' console for the kernel's rows."""

import pytest
from django.test import Client

from kernel.models import AuditEvent, OutboxMessage
from kernel.services.audit import Actor, record
from tests.kernel.people import a_user, an_operator, console_of, made_admin

pytestmark = pytest.mark.django_db


@pytest.fixture
def console() -> Client:
    """The console of an operator who may do everything."""
    return console_of(an_operator())


def a_parked_message() -> OutboxMessage:
    return OutboxMessage.objects.create(
        event="Rang", reaction="write_down", payload={}, state="parked", attempts=12, last_error="ValueError: no ink"
    )


@pytest.mark.parametrize("rows", ["user", "auditevent", "outboxmessage"])
def test_rows_are_listed_and_found_but_neither_made_nor_changed_nor_deleted(console: Client, rows: str) -> None:
    message = a_parked_message()
    row = {"user": a_user().pk, "auditevent": AuditEvent.objects.latest("id").pk, "outboxmessage": message.pk}[rows]
    assert console.get(f"/admin/kernel/{rows}/").status_code == 200
    assert console.get(f"/admin/kernel/{rows}/?q=x").status_code == 200
    assert console.get(f"/admin/kernel/{rows}/{row}/change/").status_code == 200
    assert console.post(f"/admin/kernel/{rows}/{row}/change/", {"state": "done"}).status_code == 403
    assert console.get(f"/admin/kernel/{rows}/add/").status_code == 403
    assert console.post(f"/admin/kernel/{rows}/{row}/delete/", {"post": "yes"}).status_code == 403


def test_parked_messages_are_let_to_try_again(console: Client) -> None:
    message = a_parked_message()
    answer = console.post(
        "/admin/kernel/outboxmessage/",
        {"action": "try_again", "_selected_action": [str(message.pk)]},
        follow=True,
    )
    assert "Messages that are tried again now: 1." in answer.content.decode()
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("waiting", 0)


def test_the_history_of_a_row_is_what_the_audit_events_tell_of_it() -> None:
    operator, person = an_operator(), a_user()
    record(action="user.looked_at", subject=person, by=Actor.user(operator), why="<b>odd</b>")
    history = f"/admin/kernel/user/{person.pk}/history/"
    told = console_of(operator).get(history).content.decode()
    assert "user.looked_at" in told
    assert "<bdi>&lt;b&gt;odd&lt;/b&gt;</bdi>" in told
    certifier = console_of(made_admin(a_user(), "certification"))
    closed = certifier.get(history).content.decode()
    assert ("user.looked_at" in closed, "for admins with the role access or auditor" in closed) == (False, True)


def test_a_person_who_is_no_admin_does_not_get_in() -> None:
    browser = console_of(a_user())
    answer = browser.get("/admin/", follow=True)
    assert answer.redirect_chain == [("/admin/login/?next=/admin/", 302)]
    assert "The operators' console is for admins only" in answer.content.decode()


@pytest.mark.parametrize("path", ["/", "/api/v1/docs/", "/api/v1/schema/"])
def test_the_first_pages_are_there_for_everybody(path: str) -> None:
    assert Client().get(path).status_code == 200


def test_a_page_that_is_not_there_says_so_in_html() -> None:
    answer = Client().get("/nowhere/")
    assert (answer.status_code, "There is nothing at this address." in answer.content.decode()) == (404, True)

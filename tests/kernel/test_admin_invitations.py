"""Invitations to become an admin: the way to the first one, once, in time, and to nothing else."""

import re
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client as Browser
from pytest_django import Settings

from kernel import clock
from kernel.admin_roles import ADMIN_ROLES
from kernel.models import AdminInvitation, AdminRole, AuditEvent, Session, User
from kernel.services.admin_invitations import COMMAND_LINE, InvitationOver, invite_admin, redeem_invitation
from kernel.services.admin_roles import withdraw_admin_role
from kernel.services.audit import Actor
from kernel.services.signing_up import confirm_email, sign_up
from tests.kernel.mailbox import mails_to, token_for
from tests.kernel.people import PASSWORD, a_user, an_operator, browser_of, error_of, made_admin

pytestmark = pytest.mark.django_db

INVITATIONS, REDEEM = "/api/v1/admin-invitations/", "/api/v1/admin-invitations/redeem/"
PAGE = "/account/invitation/"
ADA = {"email": "ada@example.org", "password": PASSWORD, "display_name": "Ada"}


@pytest.fixture(autouse=True)
def nothing_is_counted(settings: Settings) -> None:
    """How often one account is tried is told elsewhere."""
    settings.REQUESTS_A_MINUTE = {}


def an_invitation(*roles: str) -> str:
    """The token of one that was made on the command line."""
    return invite_admin(roles=roles or ADMIN_ROLES, by=COMMAND_LINE)[1]


def redeem(**sent: str) -> Any:
    return browser_of().post(REDEEM, {**ADA, **sent}, format="json")


def roles_of(email: str) -> list[str]:
    return sorted(AdminRole.objects.filter(user__email=email).values_list("role", flat=True))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("invite_admin", *arguments)
    return capsys.readouterr().out


def test_a_fresh_installation_has_nobody_and_prints_a_way_in(capsys: pytest.CaptureFixture[str]) -> None:  # [B119]
    assert User.objects.count() == 0

    said = printed(capsys, "--first")
    found = re.search(r"(\S+/account/invitation/) with this invitation: (ai_\S+)\n", said)

    assert found is not None
    assert found[1] == "http://localhost:8000/account/invitation/"
    assert (User.objects.count(), AdminInvitation.objects.filter(token_sha256__contains=found[2]).count()) == (0, 0)
    answer = redeem(token=found[2])
    ada = User.objects.get()
    assert (answer.status_code, answer.json()) == (
        201,
        {"id": str(ada.pk), "email": "ada@example.org", "display_name": "Ada"},
    )
    assert (roles_of("ada@example.org"), ada.is_staff) == (sorted(ADMIN_ROLES), True)
    assert printed(capsys, "--first") == ""


def test_starting_again_before_anybody_came_ends_the_invitation_before(capsys: pytest.CaptureFixture[str]) -> None:
    before, now = (printed(capsys, "--first").split("invitation: ")[1].split()[0] for _ in range(2))

    assert error_of(redeem(token=before)) == (409, "invitation_over")
    assert redeem(token=now).status_code == 201


def test_an_invitation_works_once() -> None:
    token = an_invitation("finance")
    assert redeem(token=token).status_code == 201

    again = redeem(token=token, email="eve@example.org")

    assert error_of(again) == (409, "invitation_over")
    assert (User.objects.count(), roles_of("ada@example.org")) == (1, ["finance"])


@pytest.mark.parametrize("token", ["ai_unknown", "al_x", "as_x", "é", " "])
def test_what_is_no_invitation_opens_nothing(token: str) -> None:  # [B142]
    an_invitation()

    assert error_of(redeem(token=token))[0] in (400, 409)
    assert User.objects.count() == 0


def test_an_invitation_ends_with_its_day() -> None:
    token = an_invitation()

    with clock.ahead_by(timedelta(hours=24)):
        assert error_of(redeem(token=token)) == (409, "invitation_over")
    with clock.ahead_by(timedelta(hours=23, minutes=59)):
        assert redeem(token=token).status_code == 201


def test_a_fault_does_not_use_it_up_and_a_known_address_is_told_only_to_who_was_invited() -> None:  # [B131]
    known, token = a_user(), an_invitation()

    assert error_of(redeem(token="ai_guessed", email=known.email)) == (409, "invitation_over")
    assert error_of(redeem(token=token, email=known.email)) == (409, "email_taken")
    assert error_of(redeem(token=token, password="short")) == (400, "invalid")
    assert error_of(redeem(token=token, email="ada@example@org")) == (400, "invalid")
    assert redeem(token=token).status_code == 201
    assert roles_of(known.email) == []


def test_it_leaves_who_invited_whom_to_what() -> None:
    giver = made_admin(a_user(), "access")
    invitation, token = invite_admin(roles=["finance"], by=Actor.user(giver))
    ada = redeem_invitation(token=token, **ADA)

    events = AuditEvent.objects.filter(action__startswith="admin_").exclude(subject_id=giver.pk).order_by("id")
    assert [(event.action, event.actor_kind, event.actor_id) for event in events][-3:] == [
        ("admin_invitation.made", "user", str(giver.pk)),
        ("admin_role.granted", "user", str(giver.pk)),
        ("admin_invitation.redeemed", "user", str(ada.pk)),
    ]
    assert AdminRole.objects.get(user=ada).granted_by == giver
    invitation.refresh_from_db()
    assert (invitation.redeemed_by, invitation.redeemed_at is not None) == (ada, True)


def test_an_invitation_does_not_outlive_its_givers_role() -> None:  # [B119, B121]
    an_operator()
    giver = made_admin(a_user(), "access")
    _, token = invite_admin(roles=["finance"], by=Actor.user(giver))
    withdraw_admin_role(admin_role_id=AdminRole.objects.get(user=giver).pk, by=COMMAND_LINE)

    assert error_of(redeem(token=token)) == (409, "invitation_over")


def test_an_access_admin_invites_lists_and_withdraws() -> None:
    browser = browser_of(made_admin(a_user(), "access"))

    made = browser.post(INVITATIONS, {"roles": ["auditor", "finance", "finance"]}, format="json")
    token = made.json().pop("token")
    listed = browser.get(INVITATIONS).json()["results"]
    withdrawn = browser.delete(f"{INVITATIONS}{made.json()['id']}/")

    assert (made.status_code, made.json()["roles"], token[:3]) == (201, ["finance", "auditor"], "ai_")
    assert listed == [made.json()]
    assert withdrawn.status_code == 204
    assert error_of(redeem(token=token)) == (409, "invitation_over")
    assert error_of(browser.delete(f"{INVITATIONS}{made.json()['id']}/")) == (409, "invitation_over")


@pytest.mark.parametrize("roles", [[], ["owner"], ["access", "root"], "access"])
def test_an_invitation_is_to_admin_roles(roles: object) -> None:
    browser = browser_of(made_admin(a_user(), "access"))

    assert error_of(browser.post(INVITATIONS, {"roles": roles}, format="json")) == (400, "invalid")
    assert AdminInvitation.objects.count() == 0


def test_nobody_else_invites() -> None:  # [B119]
    for user in (a_user(), made_admin(a_user(), "finance", "auditor", "certification", "escalations")):
        assert error_of(browser_of(user).post(INVITATIONS, {"roles": ["access"]}, format="json")) == (
            403,
            "not_allowed",
        )
    assert AdminInvitation.objects.count() == 0


def test_the_page_makes_the_admin_and_leads_to_signing_in() -> None:
    browser, token = Browser(), an_invitation("access")
    assert browser.get(PAGE).status_code == 200

    wrong = browser.post(PAGE, {**ADA, "token": "ai_guessed", "display_name": "<script>alert(1)</script>"})
    weak = browser.post(PAGE, {**ADA, "token": token, "password": "short"})
    right = browser.post(PAGE, {**ADA, "token": f" {token}\n"})

    assert (wrong.status_code, weak.status_code) == (403, 403)
    assert "This invitation is unknown, was used, or has run out." in wrong.content.decode()
    assert "<script>" not in wrong.content.decode()  # [B098]
    assert "at least 12 characters" in weak.content.decode()
    assert (right.status_code, right.headers["Location"]) == (302, "/account/sign-in/")
    assert (roles_of("ada@example.org"), Session.objects.count()) == (["access"], 0)


def test_who_was_invited_shows_that_the_address_is_theirs_before_the_roles_count() -> None:
    giver = made_admin(a_user(), "access")
    _, token = invite_admin(roles=["auditor"], by=Actor.user(giver))

    assert redeem(token=token).status_code == 201
    ada = User.objects.get(email="ada@example.org")

    assert error_of(browser_of(ada).get("/api/v1/audit-events/")) == (403, "email_not_confirmed")
    assert error_of(browser_of(ada).get("/api/v1/invitations/")) == (403, "email_not_confirmed")
    confirm_email(token=token_for("ada@example.org"), password=PASSWORD)
    assert browser_of(ada).get("/api/v1/audit-events/").status_code == 200


def test_nobody_signs_up_in_the_place_of_an_admin_who_has_not_confirmed_yet() -> None:
    a_user()
    assert redeem(token=an_invitation("auditor")).status_code == 201

    sign_up(email="ada@example.org", password="another horse, another staple", display_name="Not Ada")

    ada = User.objects.get(email="ada@example.org")
    assert (ada.display_name, ada.check_password(PASSWORD), ada.email_verified_at) == ("Ada", True, None)
    assert [message.subject for message in mails_to(ada.email)] == [
        "Confirm your e-mail address",
        "You are here already",
    ]


def test_the_first_of_an_installation_needs_no_mail() -> None:
    assert redeem(token=an_invitation()).status_code == 201

    first = User.objects.get()

    assert first.email_verified_at is not None
    assert mails_to(first.email) == []


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_who_show_it_at_once_are_one_admin() -> None:
    token = an_invitation("finance")
    outcomes: list[str] = []

    def show(email: str) -> None:
        try:
            redeem_invitation(token=token, email=email, password=PASSWORD, display_name="Ada")
            outcomes.append("admin")
        except InvitationOver:
            outcomes.append("over")
        finally:
            connection.close()

    threads = [Thread(target=show, args=(f"ada{number}@example.org",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["admin", *["over"] * 7]
    assert User.objects.count() == 1

"""Admin roles: granted and withdrawn by another, each for its own, and somebody always stays who can grant them."""

from collections.abc import Callable
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from kernel.admin_roles import ADMIN_ROLES
from kernel.models import AdminRole, AuditEvent, Session, User
from kernel.services.admin_roles import (
    CannotBeAdmin,
    IsAdmin,
    LastAccessAdmin,
    OwnRoles,
    create_admin,
    grant_admin_role,
    withdraw_admin_role,
)
from kernel.services.audit import Actor
from tests.by_hand import by_hand
from tests.kernel.people import PASSWORD, a_user, an_operator, browser_of, error_of, made_admin
from tests.workforce.people import a_worker, an_application

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
ROLES = "/api/v1/admin-roles/"


def roles_of(user: User) -> list[str]:
    return sorted(AdminRole.objects.filter(user=user).values_list("role", flat=True))


def role_id(user: User, role: str) -> str:
    return str(AdminRole.objects.get(user=user, role=role).pk)


def test_an_access_admin_grants_and_withdraws_a_role() -> None:
    admin, user = made_admin(a_user(), "access"), a_user()
    browser = browser_of(admin)

    granted = browser.post(ROLES, {"email": user.email, "role": "finance", "why": "Grace is on leave."}, format="json")

    row = AdminRole.objects.get(user=user)
    assert (granted.status_code, granted.json()) == (
        201,
        {
            "id": str(row.pk),
            "user": {"id": str(user.pk), "email": user.email, "display_name": "Somebody"},
            "role": "finance",
            "granted_by": str(admin.pk),
            "granted_at": row.granted_at.isoformat().replace("+00:00", "Z"),
        },
    )
    assert browser.get(ROLES, {"user": str(user.pk)}).json() == {"results": [granted.json()], "next_cursor": None}
    user.refresh_from_db()
    assert browser_of(user).get("/api/v1/me/").json()["roles"] == ["finance"]
    assert browser_of(user).get("/api/v1/books/").status_code == 200

    assert browser.delete(f"{ROLES}{row.pk}/").status_code == 204
    user.refresh_from_db()
    assert (roles_of(user), user.is_staff) == ([], False)
    assert browser_of(user).get("/api/v1/books/").status_code == 403
    told = AuditEvent.objects.filter(subject_id=str(row.pk)).order_by("id")
    assert [(event.action, event.actor_id, event.why, event.details) for event in told] == [
        ("admin_role.granted", str(admin.pk), "Grace is on leave.", {"user": str(user.pk)}),
        ("admin_role.withdrawn", str(admin.pk), "", {"user": str(user.pk)}),
    ]


def test_a_withdrawn_role_ends_the_sessions_of_its_holder() -> None:
    admin, user = an_operator(), made_admin(a_user(), "finance")
    browser = browser_of(user)
    assert browser.get("/api/v1/books/").status_code == 200

    withdraw_admin_role(admin_role_id=AdminRole.objects.get(user=user).pk, by=Actor.user(admin))

    assert error_of(browser.get("/api/v1/books/")) == (401, "not_signed_in")
    assert not Session.objects.filter(user=user, revoked_at=None).exists()


@pytest.mark.parametrize("role", sorted(set(ADMIN_ROLES) - {"access"}))
def test_only_the_role_access_changes_roles(role: str) -> None:
    an_operator()
    browser = browser_of(made_admin(a_user(), role))
    other = made_admin(a_user(), "finance")
    assert error_of(browser.post(ROLES, {"email": other.email, "role": "access"}, format="json")) == (
        403,
        "not_allowed",
    )
    assert error_of(browser.delete(f"{ROLES}{role_id(other, 'finance')}/")) == (403, "not_allowed")
    assert browser.get(ROLES).status_code == (200 if role == "auditor" else 403)


def test_nobody_changes_their_own_roles() -> None:
    an_operator()
    admin = made_admin(a_user(), "access", "auditor")
    browser = browser_of(admin)

    assert error_of(browser.post(ROLES, {"email": admin.email, "role": "finance"}, format="json")) == (
        409,
        "own_roles",
    )
    assert error_of(browser.delete(f"{ROLES}{role_id(admin, 'auditor')}/")) == (409, "own_roles")
    with pytest.raises(OwnRoles):
        grant_admin_role(user_id=admin.pk, role="finance", by=Actor.user(admin))
    assert roles_of(admin) == ["access", "auditor"]


def test_the_database_refuses_a_role_that_somebody_granted_to_themselves() -> None:
    user = a_user()
    with pytest.raises(IntegrityError), transaction.atomic():
        AdminRole.objects.create(user=user, role="finance", granted_by=user)


def test_the_last_access_admin_stays() -> None:
    admin, other = made_admin(a_user(), "access"), made_admin(a_user(), "access")
    withdraw_admin_role(admin_role_id=AdminRole.objects.get(user=other).pk, by=Actor.user(admin))

    with pytest.raises(LastAccessAdmin):
        withdraw_admin_role(admin_role_id=AdminRole.objects.get(user=admin).pk, by=SYSTEM)
    with pytest.raises(IntegrityError), transaction.atomic():
        AdminRole.objects.filter(user=admin).delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=admin.pk).update(is_active=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        AdminRole.objects.filter(user=admin).update(role="auditor")
    assert roles_of(admin) == ["access"]


@pytest.mark.django_db(transaction=True)
def test_two_access_admins_who_withdraw_each_others_role_do_not_both_succeed() -> None:
    one, other = made_admin(a_user(), "access"), made_admin(a_user(), "access")
    refused: list[type[Exception]] = []

    def withdraw(of: User, by: User) -> Callable[[], None]:
        held = AdminRole.objects.get(user=of).pk

        def run() -> None:
            try:
                withdraw_admin_role(admin_role_id=held, by=Actor.user(by))
            except LastAccessAdmin as refusal:
                refused.append(type(refusal))
            finally:
                connection.close()

        return run

    threads = [Thread(target=withdraw(one, other)), Thread(target=withdraw(other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (refused, AdminRole.objects.filter(role="access").count()) == ([LastAccessAdmin], 1)


def test_a_worker_is_no_admin_and_an_admin_no_worker() -> None:
    worker, applicant, admin = a_worker(), an_application(), an_operator()

    for user_id in (worker.user_id, applicant.user_id):
        with pytest.raises(CannotBeAdmin):
            grant_admin_role(user_id=user_id, role="finance", by=Actor.user(admin))
    with pytest.raises(IsAdmin):
        an_application(user=admin)


def test_an_unknown_role_and_an_unknown_person_are_refused() -> None:
    browser = browser_of(an_operator())
    answer = browser.post(ROLES, {"email": "nobody@example.org", "role": "finance"}, format="json")
    assert (error_of(answer), answer.json()["errors"][0]["field"]) == ((400, "invalid"), "email")
    answer = browser.post(ROLES, {"email": a_user().email, "role": "superuser"}, format="json")
    assert (error_of(answer), answer.json()["errors"][0]["field"]) == ((400, "invalid"), "role")


def test_create_admin_grants_every_role_or_those_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    call_command("create_admin", "all@example.org", password_from="ADMIN_PASSWORD")
    call_command(
        "create_admin",
        "some@example.org",
        "--role",
        "finance",
        "--role",
        "auditor",
        "--password-from",
        "ADMIN_PASSWORD",
    )

    made = {user.email: (roles_of(user), user.is_staff) for user in User.objects.all()}
    assert made == {
        "all@example.org": (sorted(ADMIN_ROLES), True),
        "some@example.org": (["auditor", "finance"], True),
    }
    with pytest.raises(CommandError):
        call_command("create_admin", "x@example.org", "--role", "superuser", "--password-from", "ADMIN_PASSWORD")


def test_being_staff_without_a_role_opens_nothing() -> None:
    admin = create_admin(email="staff@example.org", password=PASSWORD, roles=["finance"], by=SYSTEM)
    an_operator()
    with by_hand():
        AdminRole.objects.filter(user=admin).delete()

    assert error_of(browser_of(admin).get("/api/v1/books/")) == (403, "not_allowed")

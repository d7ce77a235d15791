"""How one came in counts too: scopes of keys, second factors of admins, factors shown just before, the address."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from kernel import clock
from kernel.api.checks import holes
from kernel.api.served import served
from kernel.models import ApiKey, Session, User
from kernel.scopes import SCOPES
from kernel.services.access import create_api_key, open_session
from kernel.services.admin_roles import withdraw_admin_role
from kernel.services.audit import Actor
from marketplace.policy import TABLE
from marketplace.services.clients import create_client
from tests.kernel.people import a_user, browser_of, error_of, made_admin
from tests.marketplace.builders import a_client, an_open_job, owner_of
from tests.workforce.people import a_worker

pytestmark = pytest.mark.django_db

API = "/api/v1/"


def program_of(user: User, *scopes: str) -> APIClient:
    ends = clock.now() + timedelta(days=1)
    _, token = create_api_key(user=user, name="test", scopes=scopes, expires_at=ends, by=Actor.user(user))
    return with_token(token)


def with_token(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def without_second_factor(user: User) -> APIClient:
    return with_token(open_session(user=user, through="api")[1])


def grow_stale(user: User) -> None:
    """Let the ten minutes pass in which somebody's last proof counts."""
    Session.objects.filter(user=user).update(fresh_at=clock.now() - timedelta(minutes=11))


def test_a_key_does_what_its_scopes_name_and_nothing_else() -> None:
    client = a_client()
    program = program_of(owner_of(client), "jobs.read")

    assert program.get(f"{API}clients/{client.pk}/").status_code == 200
    assert program.get(f"{API}me/").status_code == 200
    assert program.get(f"{API}skills/").status_code == 200
    refused: Any = program.get(f"{API}clients/{client.pk}/balance/")
    assert (refused.status_code, refused.json()) == (
        403,
        {
            "code": "scope_missing",
            "message": "This API key lacks the scope money.read. Use one that was made with it.",
        },
    )


@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_opens_its_own_operations_alone(scope: str) -> None:
    worker = a_worker()
    create_client(name="Museum", country="GB", owner=worker.user)
    program = program_of(worker.user, scope)
    opened = {path: program.get(f"{API}{path}").status_code == 200 for path in ("clients/", "earnings/", "workers/me/")}
    assert opened == {
        "clients/": scope == "jobs.read",
        "earnings/": scope == "money.read",
        "workers/me/": scope == "work",
    }


def test_no_key_is_enough_for_what_is_done_in_person() -> None:
    user = made_admin(a_user(), "access")
    program = program_of(user, *SCOPES)
    other = a_user()
    for refused in (
        program.get(f"{API}api-keys/"),
        program.delete(f"{API}session/"),
        program.post(f"{API}admin-roles/", {"email": other.email, "role": "finance"}, format="json"),
    ):
        assert refused.status_code == 403
        assert refused.json()["message"].startswith("This needs a person")


def test_a_key_of_an_admin_acts_in_the_roles_that_its_owner_holds_at_that_moment() -> None:
    made_admin(a_user(), "access")
    user = made_admin(a_user(), "finance")
    program = program_of(user, "admin.read")
    assert program.get(f"{API}books/").status_code == 200
    assert error_of(program.get(f"{API}workers/")) == (403, "not_allowed")

    withdraw_admin_role(admin_role_id=user.admin_roles.get().pk, by=Actor.system("test"))

    assert error_of(program.get(f"{API}books/")) == (403, "not_allowed")


def test_admin_roles_count_only_in_a_session_with_a_second_factor() -> None:
    admin = made_admin(a_user(), "finance")

    assert error_of(without_second_factor(admin).get(f"{API}books/")) == (403, "second_factor_required")
    assert error_of(without_second_factor(admin).get(f"{API}clients/")) == (403, "second_factor_required")
    assert without_second_factor(admin).get(f"{API}me/").status_code == 200
    assert error_of(without_second_factor(admin).get(f"{API}workers/")) == (403, "not_allowed")
    assert browser_of(admin).get(f"{API}books/").status_code == 200


def test_who_has_no_admin_role_is_told_nothing_of_second_factors() -> None:
    assert error_of(browser_of(a_user()).get(f"{API}books/")) == (403, "not_allowed")


def test_a_key_with_an_admins_scopes_is_made_with_a_second_factor_only() -> None:
    admin = made_admin(a_user(), "finance")
    ends = (clock.now() + timedelta(days=1)).isoformat()
    wanted = {"name": "reports", "scopes": ["admin.read"], "expires_at": ends}

    assert error_of(without_second_factor(admin).post(f"{API}api-keys/", wanted, format="json")) == (
        403,
        "second_factor_required",
    )
    made = browser_of(admin).post(f"{API}api-keys/", wanted, format="json")
    assert made.status_code == 201

    rotation = f"{API}api-keys/{made.json()['id']}/rotate/"
    anew = {"overlap_seconds": 60, "expires_at": ends}
    assert error_of(without_second_factor(admin).post(rotation, anew, format="json")) == (
        403,
        "second_factor_required",
    )
    assert browser_of(admin).post(rotation, anew, format="json").status_code == 201


def test_nobody_makes_a_key_with_an_admins_scopes_before_they_are_one() -> None:
    ends = (clock.now() + timedelta(days=1)).isoformat()
    wanted = {"name": "for later", "scopes": ["admin.write"], "expires_at": ends}
    refused = browser_of(a_user()).post(f"{API}api-keys/", wanted, format="json")
    assert (error_of(refused), ApiKey.objects.count()) == ((403, "not_allowed"), 0)


def test_an_export_asks_a_person_for_a_fresh_factor_and_a_program_for_its_scope() -> None:
    job = an_open_job(tasks=1)
    owner = owner_of(job.client)
    path = f"{API}jobs/{job.pk}/results/"
    browser = with_token(open_session(user=owner, through="api")[1])
    assert browser.get(path).status_code == 200

    grow_stale(owner)

    assert error_of(browser.get(path)) == (403, "fresh_factor_required")
    assert browser.get(f"{API}jobs/{job.pk}/").status_code == 200
    assert program_of(owner, "results.read").get(path).status_code == 200
    assert error_of(program_of(owner, "jobs.read").get(path)) == (403, "scope_missing")


def test_what_is_anothers_stays_unknown_however_fresh_one_is() -> None:
    job, stranger = an_open_job(tasks=1), a_user()
    browser = browser_of(stranger)
    assert error_of(browser.get(f"{API}jobs/{job.pk}/results/")) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "api-keys/"),
        ("post", "payout-account/onboarding-link/"),
        ("post", "payout-account/change/"),
        ("post", "second-factors/totp/begin/"),
        ("post", "second-factors/recovery-codes/"),
    ],
)
def test_what_could_take_an_account_over_asks_for_a_fresh_factor(method: str, path: str) -> None:
    user = a_worker().user
    browser = with_token(open_session(user=user, through="api")[1])
    grow_stale(user)
    answer = getattr(browser, method)(f"{API}{path}", {}, format="json")
    assert error_of(answer) == (403, "fresh_factor_required")


def test_identities_and_admin_roles_ask_admins_for_a_fresh_factor() -> None:
    worker, admin = a_worker(), made_admin(a_user(), "access", "certification")
    browser = browser_of(admin)
    grow_stale(admin)
    read = browser.post(f"{API}workers/{worker.pk}/identity-reading/", {}, format="json")
    granted = browser.post(f"{API}admin-roles/", {}, format="json")
    assert (error_of(read), error_of(granted)) == ((403, "fresh_factor_required"), (403, "fresh_factor_required"))
    assert browser.get(f"{API}workers/{worker.pk}/").status_code == 200


def test_until_the_address_is_confirmed_one_does_little_but_confirm_it() -> None:
    user = a_user()
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    browser = with_token(open_session(user=user, through="api")[1])

    assert browser.get(f"{API}me/").status_code == 200
    for path in ("clients/", "skills/", "applications/", "assignments/", "earnings/", "books/"):
        assert error_of(browser.get(f"{API}{path}")) == (403, "email_not_confirmed"), path
    assert browser.delete(f"{API}session/").status_code == 204


def test_a_row_that_lets_an_admins_key_do_what_asks_for_a_fresh_factor_is_found() -> None:
    row = TABLE.of("read_an_identity")[0]
    rules = tuple(replace(rule, scope="admin.read") if rule is row else rule for rule in TABLE.rules)
    (hole,) = holes(replace(TABLE, rules=rules), list(served()))
    assert hole == (
        "The row of certification for read_an_identity asks for a fresh factor and has a scope: "
        "admins' keys are never enough for that."
    )


def test_an_operation_that_is_published_as_open_and_is_not_is_found() -> None:
    rules = tuple(replace(rule, role="person") if rule.action == "sign_up" else rule for rule in TABLE.rules)
    assert list(holes(replace(TABLE, rules=rules), list(served()))) == [
        "The policy lets nobody do sign_up without signing in; its operation is published otherwise."
    ]

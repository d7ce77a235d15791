"""Ways in, as services: who a token belongs to, and for how long."""

from collections.abc import Collection
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries

from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.models import ApiKey, AuditEvent, Session, User
from kernel.services.access import (
    LONGEST_API_KEY,
    MOST_API_KEYS,
    KeyOver,
    TooManyApiKeys,
    WrongCredentials,
    authenticate_token,
    create_api_key,
    end_sessions,
    revoke_api_key,
    rotate_api_key,
    sign_in,
    sign_out,
)
from kernel.services.audit import Actor
from tests.by_hand import by_hand
from tests.kernel.people import PASSWORD, a_user

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def a_key(user: User, *, scopes: Collection[str] = ("jobs.read",)) -> tuple[ApiKey, str]:
    ends = clock.now() + timedelta(days=30)
    return create_api_key(user=user, name="import", scopes=scopes, expires_at=ends, by=Actor.user(user))


def test_a_token_belongs_to_who_signed_in() -> None:
    user = a_user()
    session, token = sign_in(email=user.email.upper(), password=PASSWORD)
    assert authenticate_token(token) == (user, session)
    assert token not in str(Session.objects.values())


def test_a_second_sign_in_ends_the_first_session() -> None:
    user = a_user()
    _, first = sign_in(email=user.email, password=PASSWORD)
    session, second = sign_in(email=user.email, password=PASSWORD)
    assert authenticate_token(first) is None
    assert authenticate_token(second) == (user, session)


def test_signing_out_ends_the_session_at_once_and_twice_is_no_error() -> None:
    user = a_user()
    session, token = sign_in(email=user.email, password=PASSWORD)
    sign_out(session=session)
    sign_out(session=session)
    assert authenticate_token(token) is None
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
        "session.opened",
        "session.closed",
    ]


def test_a_session_ends_after_fifteen_idle_minutes() -> None:
    user = a_user()
    session, token = sign_in(email=user.email, password=PASSWORD)
    with clock.ahead_by(timedelta(minutes=15) - SECOND):
        assert authenticate_token(token) == (user, session)
    with clock.ahead_by(timedelta(minutes=30) - 2 * SECOND):
        assert authenticate_token(token) == (user, session)
    with clock.ahead_by(timedelta(minutes=45)):
        assert authenticate_token(token) is None


def test_a_session_ends_after_eight_hours_however_busy() -> None:
    user = a_user()
    session, token = sign_in(email=user.email, password=PASSWORD)
    for minutes in range(10, 8 * 60, 10):
        with clock.ahead_by(timedelta(minutes=minutes)):
            assert authenticate_token(token) == (user, session)
    with clock.ahead_by(timedelta(hours=8)):
        assert authenticate_token(token) is None


def test_a_token_costs_one_query_and_once_a_minute_a_second_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    user = a_user()
    _, session_token = sign_in(email=user.email, password=PASSWORD)
    _, key_token = a_key(user)
    authenticate_token(key_token)
    for token in (session_token, key_token):
        with django_assert_num_queries(1):
            authenticate_token(token)
        with clock.ahead_by(timedelta(seconds=61)):
            with django_assert_num_queries(2):
                authenticate_token(token)
            with django_assert_num_queries(1):
                authenticate_token(token)


def test_who_is_not_active_gets_no_further_and_not_in() -> None:
    user = a_user()
    _, session_token = sign_in(email=user.email, password=PASSWORD)
    _, key_token = a_key(user)
    with by_hand():
        User.objects.update(is_active=False)
    assert authenticate_token(session_token) is None
    assert authenticate_token(key_token) is None
    with pytest.raises(WrongCredentials):
        sign_in(email=user.email, password=PASSWORD)


def test_unknown_address_and_wrong_password_read_the_same() -> None:
    user = a_user()
    messages = set()
    for email, password in [("nobody@example.org", PASSWORD), (user.email, "wrong horse")]:
        with pytest.raises(WrongCredentials) as refusal:
            sign_in(email=email, password=password)
        messages.add(refusal.value.message)
    assert messages == {"This e-mail address and this password do not belong together."}


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password is hashed, which is what a sign-in costs."""

    algorithm = "counting"
    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.hashed += 1
        return super().encode(password, salt)


@override_settings(PASSWORD_HASHERS=[f"{__name__}.CountingHasher"])
def test_unknown_address_and_wrong_password_cost_one_hash_each() -> None:
    user = a_user()
    costs = []
    for email in (user.email, "nobody@example.org"):
        before = CountingHasher.hashed
        with pytest.raises(WrongCredentials):
            sign_in(email=email, password="wrong horse")
        costs.append(CountingHasher.hashed - before)
    assert costs == [1, 1]


def test_an_api_key_works_until_it_ends() -> None:
    user = a_user()
    key, token = a_key(user)
    assert token.startswith(key.prefix + "_")
    assert authenticate_token(token) == (user, key)
    with clock.ahead_by(timedelta(days=30) - SECOND):
        assert authenticate_token(token) == (user, key)
    with clock.ahead_by(timedelta(days=30)):
        assert authenticate_token(token) is None


def test_an_api_key_with_a_typing_error_is_refused_without_a_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    _, token = a_key(a_user())
    with django_assert_num_queries(0):
        for wrong in (token[:-1], token[:-1] + "~", "x" + token, token.swapcase(), "ak_", "ak_ü", "", "as"):
            assert authenticate_token(wrong) is None


@pytest.mark.parametrize("ahead", [timedelta(0), -SECOND, LONGEST_API_KEY + timedelta(minutes=1)])
def test_an_api_key_ends_within_a_year_from_now(ahead: timedelta) -> None:
    user = a_user()
    with pytest.raises(Invalid) as refusal:
        create_api_key(user=user, name="import", scopes=["work"], expires_at=clock.now() + ahead, by=Actor.user(user))
    assert refusal.value.errors == [{"field": "expires_at", "message": "An API key ends within a year from now."}]


def test_a_revoked_api_key_is_dead_at_once_and_only_its_owner_revokes_it() -> None:
    user, stranger = a_user(), a_user()
    key, token = a_key(user)
    with pytest.raises(NotFound, match=r"There is no such API key\."):
        revoke_api_key(api_key_id=key.pk, user=stranger, by=Actor.user(stranger))
    assert authenticate_token(token) is not None
    revoke_api_key(api_key_id=key.pk, user=user, by=Actor.user(user))
    revoke_api_key(api_key_id=key.pk, user=user, by=Actor.user(user))
    assert authenticate_token(token) is None
    assert AuditEvent.objects.filter(action="api_key.revoked").count() == 1


def test_an_api_key_keeps_its_scopes_in_one_order_each_once() -> None:
    key, token = a_key(a_user(), scopes=["work", "jobs.read", "work"])
    found = authenticate_token(token)
    assert found is not None
    assert [ApiKey.objects.get().scopes, key.scopes] == [["jobs.read", "work"]] * 2
    assert found[1] == key


@pytest.mark.parametrize(
    ("scopes", "said"), [([], "An API key needs at least one scope."), (["work", "all"], "There is no scope 'all'.")]
)
def test_an_api_key_has_scopes_that_there_are(scopes: list[str], said: str) -> None:
    with pytest.raises(Invalid) as refusal:
        a_key(a_user(), scopes=scopes)
    assert [(error["field"], str(error["message"]).partition(" Possible")[0]) for error in refusal.value.errors] == [
        ("scopes", said)
    ]


def test_what_is_taken_from_a_person_ends_their_sessions_and_nobody_elses() -> None:  # [B121, B134]
    user, other, by = a_user(), a_user(), Actor.system("test")
    (_, session), (_, key) = sign_in(email=user.email, password=PASSWORD), a_key(user)
    _, others = sign_in(email=other.email, password=PASSWORD)
    assert end_sessions(user_id=user.pk, why="tried", by=by) == 1
    assert [authenticate_token(token) is None for token in (session, key, others)] == [True, False, False]
    assert end_sessions(user_id=user.pk, why="tried", by=by, api_keys=True) == 1
    assert [authenticate_token(token) is None for token in (session, key, others)] == [True, True, False]
    ended = AuditEvent.objects.filter(action__endswith=".ended").order_by("id")
    assert list(ended.values_list("action", "why")) == [("session.ended", "tried"), ("api_key.ended", "tried")]


def rotated(key: ApiKey, *, days: int = 7) -> tuple[ApiKey, str]:
    user, ends = key.user, clock.now() + timedelta(days=60)
    overlap = timedelta(days=days)
    return rotate_api_key(api_key_id=key.pk, user=user, overlap=overlap, expires_at=ends, by=Actor.user(user))


def test_a_rotated_api_key_works_beside_the_new_one_until_its_overlap_is_over() -> None:
    key, old = a_key(a_user(), scopes=["work"])
    new_key, new = rotated(key)
    assert (new_key.name, new_key.scopes, new_key.replaces) == (key.name, ["work"], key)
    with clock.ahead_by(timedelta(days=7) - SECOND):
        assert [authenticate_token(token) is not None for token in (old, new)] == [True, True]
    with clock.ahead_by(timedelta(days=7)):
        assert [authenticate_token(token) is not None for token in (old, new)] == [False, True]
    actions = AuditEvent.objects.filter(action__startswith="api_key").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["api_key.created", "api_key.rotated", "api_key.created"]


def test_two_versions_of_an_api_key_work_and_never_three() -> None:
    key, first = a_key(a_user())
    key, second = rotated(key)
    _, third = rotated(key)
    assert [authenticate_token(token) is not None for token in (first, second, third)] == [False, True, True]


def test_without_overlap_the_old_version_ends_at_once() -> None:
    key, old = a_key(a_user())
    _, new = rotated(key, days=0)
    assert [authenticate_token(token) is not None for token in (old, new)] == [False, True]


def test_an_api_key_that_was_rotated_or_has_ended_is_not_rotated_again() -> None:
    key, _ = a_key(a_user())
    rotated(key)
    with pytest.raises(KeyOver):
        rotated(key)
    ended, _ = a_key(key.user)
    revoke_api_key(api_key_id=ended.pk, user=key.user, by=Actor.user(key.user))
    with pytest.raises(KeyOver):
        rotated(ended)


@pytest.mark.parametrize("days", [-1, 8])
def test_two_versions_work_side_by_side_for_at_most_a_week(days: int) -> None:
    key, _ = a_key(a_user())
    with pytest.raises(Invalid) as refusal:
        rotated(key, days=days)
    assert [error["field"] for error in refusal.value.errors] == ["overlap_seconds"]


def test_nobody_rotates_the_api_key_of_another() -> None:
    key, _ = a_key(a_user())
    key.user = a_user()
    with pytest.raises(NotFound):
        rotated(key)


def test_nobody_has_more_than_twenty_live_api_keys() -> None:
    user = a_user()
    for _ in range(MOST_API_KEYS):
        a_key(user)
    with pytest.raises(TooManyApiKeys):
        a_key(user)
    revoke_api_key(api_key_id=ApiKey.objects.order_by("id")[0].pk, user=user, by=Actor.user(user))
    a_key(user)

"""Signing up, and the address and password one signs in with: shown to be one's own, reset, changed."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.errors import Invalid
from kernel.models import AuditEvent, EmailLink, OutboxMessage, Session, User
from kernel.services.access import (
    SecondFactorNeeded,
    SessionOver,
    WrongCredentials,
    authenticate_token,
    create_api_key,
    end_sessions,
    open_session,
    sign_in,
)
from kernel.services.audit import Actor
from kernel.services.challenges import ChallengeOver
from kernel.services.email_links import LinkOver, forget_old_links, send_link
from kernel.services.second_factors import Proof, finish_sign_in
from kernel.services.signing_up import (
    AlreadyConfirmed,
    EmailTaken,
    ask_for_confirmation,
    ask_for_reset,
    ask_to_change_email,
    change_password,
    confirm_email,
    reset_password,
    sign_up,
)
from tests.by_hand import by_hand
from tests.kernel.mailbox import delivered, mails_to, token_for, token_in
from tests.kernel.people import PASSWORD, a_user, an_app_of

pytestmark = pytest.mark.django_db

ADA = "ada@example.org"
ANOTHER = "another horse, another staple"


def signed_up(*, password: str = PASSWORD) -> User:
    sign_up(email=ADA, password=password, display_name="Ada")
    return User.objects.get(email=ADA)


def is_confirmed() -> bool:
    return User.objects.get(email=ADA).email_verified_at is not None


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_who_signs_up_confirms_by_the_link_and_the_password() -> None:
    user = signed_up()
    assert not is_confirmed()
    (message,) = mails_to(ADA)
    assert message.subject == "Confirm your e-mail address"
    assert confirm_email(token=token_in(message), password=PASSWORD) == user
    assert is_confirmed()
    assert actions() == ["user.signed_up", "email_link.owed", "email.confirmed"]


def test_a_link_works_once() -> None:
    signed_up()
    token = token_for(ADA)
    confirm_email(token=token, password=PASSWORD)
    with pytest.raises(LinkOver):
        confirm_email(token=token, password=PASSWORD)


def test_a_link_runs_out() -> None:  # [B142]
    signed_up()
    token = token_for(ADA)
    with clock.ahead_by(timedelta(days=3)), pytest.raises(LinkOver):
        confirm_email(token=token, password=PASSWORD)


@pytest.mark.parametrize("token", ["", "al_", "al_" + "x" * 43, "\u00fc", "eyJhbGciOiJub25lIn0.e30."])
def test_a_link_that_was_never_sent_is_none(token: str) -> None:  # [B142]
    signed_up()
    with pytest.raises(LinkOver):
        confirm_email(token=token, password=PASSWORD)
    with pytest.raises(LinkOver):
        reset_password(token=token, password=ANOTHER)


def test_the_link_alone_confirms_nothing_and_five_guesses_use_it_up() -> None:
    signed_up()
    token = token_for(ADA)
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            confirm_email(token=token, password="wrong horse, same staple")
    with pytest.raises(LinkOver):
        confirm_email(token=token, password=PASSWORD)
    assert not is_confirmed()


def test_whoever_used_the_address_of_another_cannot_have_them_confirm_it() -> None:
    signed_up(password="the thief's own password")
    of_the_thief = token_for(ADA)
    signed_up(password=PASSWORD)
    of_the_owner = token_for(ADA)
    for token, password in [
        (of_the_thief, "the thief's own password"),
        (of_the_thief, PASSWORD),
    ]:
        with pytest.raises(LinkOver):
            confirm_email(token=token, password=password)
    with pytest.raises(WrongCredentials):
        confirm_email(token=of_the_owner, password="the thief's own password")
    confirm_email(token=of_the_owner, password=PASSWORD)
    assert is_confirmed()
    with pytest.raises(WrongCredentials):
        sign_in(email=ADA, password="the thief's own password")


def test_signing_up_again_ends_what_whoever_was_there_had_open() -> None:
    signed_up(password="the thief's own password")
    _, token = sign_in(email=ADA, password="the thief's own password")
    signed_up()
    assert authenticate_token(token) is None
    assert User.objects.filter(email=ADA).count() == 1


def test_who_is_here_already_is_told_by_mail_and_nothing_changes() -> None:  # [B131]
    user = a_user()
    before = User.objects.filter(pk=user.pk).values().get()
    assert sign_up(email=user.email.upper(), password=ANOTHER, display_name="Thief") == user.email
    assert User.objects.filter(pk=user.pk).values().get() == before
    (message,) = mails_to(user.email)
    assert message.subject == "You are here already"
    reset_password(token=token_in(message), password=ANOTHER)
    sign_in(email=user.email, password=ANOTHER)


@pytest.mark.parametrize("password", ["short", "password1234", "ada@example.org"])
def test_a_weak_password_is_refused_with_what_is_wrong(password: str) -> None:  # [B133]
    with pytest.raises(Invalid) as refusal:
        sign_up(email=ADA, password=password, display_name="Ada")
    assert {error["field"] for error in refusal.value.errors} == {"password"}
    assert not User.objects.exists()


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password is hashed, which is what a sign-up costs."""

    algorithm = "counting"
    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.hashed += 1
        return super().encode(password, salt)


@override_settings(PASSWORD_HASHERS=[f"{__name__}.CountingHasher"])
def test_a_known_and_an_unknown_address_cost_the_same() -> None:  # [B131]
    known = a_user().email

    def cost_of(ask: Any) -> tuple[int, int, int]:
        hashed, messages = CountingHasher.hashed, OutboxMessage.objects.count()
        with CaptureQueriesContext(connection) as queries:
            ask()
        return CountingHasher.hashed - hashed, OutboxMessage.objects.count() - messages, len(queries)

    ups = [
        cost_of(lambda email=email: sign_up(email=email, password=PASSWORD, display_name="Ada"))
        for email in (known, "nobody@example.org")
    ]
    assert ([up[:2] for up in ups], abs(ups[0][2] - ups[1][2])) == ([(1, 1)] * 2, 1)
    assert len({cost_of(lambda email=email: ask_for_reset(email=email)) for email in (known, "no@example.org")}) == 1


def test_a_reset_by_mail_ends_everything_that_was_open_and_keeps_second_factors() -> None:  # [B134]
    user = a_user()
    _, token = sign_in(email=user.email, password=PASSWORD)
    ends = clock.now() + timedelta(days=1)
    _, key = create_api_key(user=user, name="bot", scopes=["work"], expires_at=ends, by=Actor.user(user))
    factor = an_app_of(user)
    ask_for_reset(email=user.email.title())
    link = token_for(user.email)
    reset_password(token=link, password=ANOTHER)
    assert [authenticate_token(each) for each in (token, key)] == [None, None]
    with pytest.raises(WrongCredentials):
        sign_in(email=user.email, password=PASSWORD)
    with pytest.raises(LinkOver):
        reset_password(token=link, password=PASSWORD)
    assert factor.kind == "totp"
    assert mails_to(user.email)[-1].subject == "Your password was changed"


def test_a_reset_shows_that_mail_reaches_its_person() -> None:
    signed_up()
    ask_for_reset(email=ADA)
    reset_password(token=token_for(ADA), password=ANOTHER)
    assert is_confirmed()


def test_a_reset_takes_a_password_that_can_be_one_and_the_link_stays_good_until_then() -> None:  # [B133]
    user = a_user()
    ask_for_reset(email=user.email)
    link = token_for(user.email)
    with pytest.raises(Invalid):
        reset_password(token=link, password="short")
    reset_password(token=link, password=ANOTHER)


def test_for_an_unknown_address_nothing_is_sent() -> None:  # [B131]
    ask_for_reset(email="nobody@example.org")
    ask_for_reset(email="no address")
    assert delivered() == []


def test_of_several_links_the_last_one_works() -> None:
    user = a_user()
    ask_for_reset(email=user.email)
    first = token_for(user.email)
    ask_for_reset(email=user.email)
    second = token_for(user.email)
    with pytest.raises(LinkOver):
        reset_password(token=first, password=ANOTHER)
    reset_password(token=second, password=ANOTHER)


def test_nobody_is_flooded_with_mails() -> None:  # [B145]
    user = a_user()
    for _ in range(10):
        ask_for_reset(email=user.email)
    assert len(mails_to(user.email)) <= 3
    with clock.ahead_by(timedelta(minutes=15)):
        ask_for_reset(email=user.email)
        reset_password(token=token_for(user.email), password=ANOTHER)


def test_no_secret_waits_in_the_outbox_or_stays_in_a_table() -> None:
    signed_up()
    assert [list(message.payload) for message in OutboxMessage.objects.all()] == [["link_id"]]
    assert EmailLink.objects.get().token_sha256 == ""
    token = token_for(ADA)
    assert token not in str([*OutboxMessage.objects.values(), *EmailLink.objects.values(), *User.objects.values()])


def test_a_mail_that_is_sent_twice_has_another_link_each_time() -> None:
    signed_up()
    link = EmailLink.objects.get()
    for _ in range(2):
        send_link(type("Owed", (), {"link_id": str(link.pk)}))  # type: ignore[arg-type]  # as the outbox gives it
    first, second = (token_in(message) for message in mail.outbox)
    with pytest.raises(LinkOver):
        confirm_email(token=first, password=PASSWORD)
    confirm_email(token=second, password=PASSWORD)


@override_settings(BASE_URL="https://assay.test", ALLOWED_HOSTS=["*"])
def test_links_lead_to_the_address_that_is_set_whatever_a_request_says(client: Any) -> None:  # [B125]
    body = {"email": ADA, "password": PASSWORD, "display_name": "Ada"}
    hosts = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert client.post("/api/v1/users/", body, content_type="application/json", headers=hosts).status_code == 202
    (message,) = mails_to(ADA)
    assert "https://assay.test/account/confirm/?link=al_" in message.body
    assert "evil" not in message.body


def test_confirming_twice_is_not_asked_for() -> None:
    with pytest.raises(AlreadyConfirmed):
        ask_for_confirmation(user=a_user())
    user = signed_up()
    ask_for_confirmation(user=user)
    confirm_email(token=token_for(ADA), password=PASSWORD)
    assert is_confirmed()


def test_another_password_ends_all_sessions_but_the_new_one() -> None:  # [B134]
    user = a_user()
    session, before = open_session(user=user, through="test", second_factor="totp")
    changed, token = change_password(session=session, password=ANOTHER)
    assert authenticate_token(before) is None
    assert authenticate_token(token) == (user, changed)
    assert changed.second_factor_at is not None
    sign_in(email=user.email, password=ANOTHER)
    assert [message.subject for message in mails_to(user.email)] == ["Your password was changed"]


def test_another_address_counts_once_it_is_confirmed_and_the_old_one_is_told() -> None:
    user = a_user()
    old, new = user.email, "new-address@example.org"
    assert ask_to_change_email(user=user, email=new.upper()) == new
    assert User.objects.get(pk=user.pk).email == old
    confirm_email(token=token_for(new), password=PASSWORD)
    assert User.objects.get(pk=user.pk).email == new
    assert [message.subject for message in mails_to(old)] == ["You are reached at another e-mail address now"]
    assert "email.changed" in actions()


def test_an_address_that_somebody_has_is_not_told_to_who_asks() -> None:  # [B131]
    user, other = a_user(), a_user()
    assert ask_to_change_email(user=user, email=other.email) == other.email
    (message,) = mails_to(other.email)
    assert message.subject == "You are here already"


def test_an_address_that_somebody_took_meanwhile_stays_theirs() -> None:
    user = a_user()
    ask_to_change_email(user=user, email=ADA)
    token = token_for(ADA)
    signed_up()
    with pytest.raises(EmailTaken):
        confirm_email(token=token, password=PASSWORD)


def test_a_link_is_no_good_once_its_person_is_not_active() -> None:
    user = a_user()
    ask_for_reset(email=user.email)
    token = token_for(user.email)
    with by_hand():
        User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(LinkOver):
        reset_password(token=token, password=ANOTHER)


def test_old_links_are_forgotten() -> None:
    ask_for_reset(email="nobody@example.org")
    with clock.ahead_by(timedelta(days=29)):
        assert forget_old_links() == 0
    with clock.ahead_by(timedelta(days=31)):
        assert forget_old_links() == 1


def test_who_is_not_active_is_sent_nothing() -> None:
    user = a_user()
    with by_hand():
        User.objects.filter(pk=user.pk).update(is_active=False)
    sign_up(email=user.email, password=PASSWORD, display_name="Somebody")
    assert delivered() == []
    assert not Session.objects.exists()


def test_who_asks_on_and_on_for_another_takes_no_reset_from_them() -> None:  # [B131, B145]
    user = a_user()
    for _ in range(6):
        ask_for_reset(email=user.email)
    last = token_for(user.email)

    for minutes in range(1, 15, 2):
        with clock.ahead_by(timedelta(minutes=minutes)):
            ask_for_reset(email=user.email)
    assert token_for(user.email) == last
    with clock.ahead_by(timedelta(minutes=16)):
        ask_for_reset(email=user.email)
        assert token_for(user.email) != last
        reset_password(token=token_for(user.email), password=ANOTHER)


def test_the_last_mail_of_three_opens_while_somebody_else_asks_for_more() -> None:  # [B131, B145]
    user = a_user()
    for _ in range(6):
        ask_for_reset(email=user.email)

    reset_password(token=token_for(user.email), password=ANOTHER)

    sign_in(email=user.email, password=ANOTHER)


def test_what_was_begun_with_the_password_before_is_not_finished_with_it() -> None:  # [B134]
    user = a_user()
    an_app_of(user)
    session, _ = open_session(user=user, through="test", second_factor="totp")
    with pytest.raises(SecondFactorNeeded) as begun:
        sign_in(email=user.email, password=PASSWORD)

    change_password(session=session, password=ANOTHER)

    with pytest.raises(ChallengeOver):
        finish_sign_in(challenge=str(begun.value.details["challenge"]), proof=Proof(code="000000"))


def test_a_session_that_was_ended_meanwhile_leaves_nothing_that_lasts() -> None:  # [B134]
    user = a_user()
    session, _ = open_session(user=user, through="test")
    end_sessions(user_id=user.pk, why="laptop stolen", by=Actor.system("test"), api_keys=True)
    ends = clock.now() + timedelta(days=1)

    with pytest.raises(SessionOver):
        change_password(session=session, password=ANOTHER)
    with pytest.raises(SessionOver):
        create_api_key(user=user, name="bot", scopes=["work"], expires_at=ends, by=Actor.user(user), session=session)
    sign_in(email=user.email, password=PASSWORD)

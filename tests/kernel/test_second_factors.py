"""Second factors, as services: what proves a person beside their password, how often, and for how long."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from kernel import allauth_gateway as gateway
from kernel import clock
from kernel.errors import NotFound
from kernel.models import AuditEvent, Challenge, Session, User
from kernel.services import second_factors
from kernel.services.access import SecondFactorNeeded, authenticate_token, open_session, sign_in
from kernel.services.audit import Actor
from kernel.services.challenges import MOST_TRIES, ChallengeOver, TooManyTries, WrongSecondFactor
from kernel.services.second_factors import FactorThere, LastFactor, NoFactor, Proof, finish_sign_in, step_up
from tests.kernel.authenticators import PRESENT, App, SecurityKey
from tests.kernel.people import PASSWORD, a_user

pytestmark = pytest.mark.django_db

STEP = timedelta(seconds=30)


def a_session(user: User) -> Session:
    return open_session(user=user, through="test")[0]


def an_app(user: User) -> tuple[App, list[str]]:
    """An authenticator app that was added just before, and the recovery codes."""
    challenge, secret, _ = second_factors.begin_totp(user=user)
    app = App(secret)
    with clock.ahead_by(-2 * STEP):
        added = second_factors.add_totp(session=a_session(user), challenge=challenge, code=app.code())
    return app, added.recovery_codes


def a_key(user: User) -> SecurityKey:
    challenge, options = second_factors.begin_security_key(user=user)
    key = SecurityKey()
    second_factors.add_security_key(
        session=a_session(user), challenge=challenge, name="blue", credential=key.register(options)
    )
    return key


def asked(user: User) -> Any:
    """What a sign-in with the right password asks for."""
    with pytest.raises(SecondFactorNeeded) as needed:
        sign_in(email=user.email, password=PASSWORD)
    return needed.value.details


def finish(user: User, code: str) -> tuple[Session, str]:
    return finish_sign_in(challenge=asked(user)["challenge"], proof=Proof(code=code))


def test_without_a_second_factor_the_password_opens_a_session_that_says_so() -> None:
    session, _ = sign_in(email=a_user().email, password=PASSWORD)
    assert (session.second_factor_at, session.is_fresh) == (None, True)


def test_with_one_the_password_opens_nothing_and_the_second_step_a_session() -> None:
    user = a_user()
    app, _ = an_app(user)
    live = Session.objects.get(revoked_at=None)
    details = asked(user)
    assert (details["kinds"], details["webauthn"]) == (["recovery_codes", "totp"], None)
    assert Session.objects.get(revoked_at=None) == live
    assert authenticate_token(details["challenge"]) is None

    session, token = finish_sign_in(challenge=details["challenge"], proof=Proof(code=app.code()))

    assert authenticate_token(token) == (user, session)
    assert (session.second_factor_at is not None, session.is_fresh) == (True, True)
    opened = AuditEvent.objects.filter(action="session.opened").latest("id")
    assert opened.details == {"through": "api", "second_factor": "totp"}


def test_a_code_counts_once_also_when_the_cache_remembers_nothing() -> None:  # [B137]
    user = a_user()
    app, _ = an_app(user)
    code = app.code()
    finish(user, code)
    with pytest.raises(WrongSecondFactor):
        finish(user, code)
    with clock.ahead_by(STEP), pytest.raises(WrongSecondFactor):
        finish(user, code)


def test_the_code_that_added_an_app_is_used_up() -> None:  # [B137]
    user = a_user()
    challenge, secret, _ = second_factors.begin_totp(user=user)
    code = App(secret).code()
    second_factors.add_totp(session=a_session(user), challenge=challenge, code=code)
    with pytest.raises(WrongSecondFactor):
        finish(user, code)


def test_a_code_from_before_the_last_used_one_is_worth_nothing() -> None:  # [B137]
    user = a_user()
    app, _ = an_app(user)
    earlier = app.code(steps_ahead=-1)
    finish(user, app.code())
    with pytest.raises(WrongSecondFactor):
        finish(user, earlier)


@pytest.mark.parametrize(
    ("steps", "counts"), [(-10, False), (-2, False), (-1, True), (1, True), (2, False), (10, False)]
)
def test_a_clock_may_be_off_by_half_a_minute_and_not_by_five(steps: int, counts: bool) -> None:  # noqa: FBT001  [B137]
    user = a_user()
    app, _ = an_app(user)
    code = app.code(steps_ahead=steps)
    if counts:
        finish(user, code)
    else:
        with pytest.raises(WrongSecondFactor):
            finish(user, code)


@pytest.mark.parametrize("code", ["", "000000x", "\u0661\u0662\u0663\u0664\u0665\u0666", "0" * 400, "\x00", "ac_"])
def test_what_is_no_code_is_wrong(code: str) -> None:
    user = a_user()
    an_app(user)
    with pytest.raises(WrongSecondFactor):
        finish(user, code)


def test_a_challenge_is_answered_five_times_at_most_and_once_rightly() -> None:  # [B137]
    user = a_user()
    app, _ = an_app(user)
    challenge = asked(user)["challenge"]
    for _ in range(MOST_TRIES):
        with pytest.raises(WrongSecondFactor):
            finish_sign_in(challenge=challenge, proof=Proof(code="000000"))
    with pytest.raises(ChallengeOver):
        finish_sign_in(challenge=challenge, proof=Proof(code=app.code()))
    refused = AuditEvent.objects.filter(action="second_factor.refused", details={"for": "sign_in"})
    assert refused.count() == MOST_TRIES

    challenge = asked(user)["challenge"]
    finish_sign_in(challenge=challenge, proof=Proof(code=app.code()))
    with clock.ahead_by(STEP), pytest.raises(ChallengeOver):
        finish_sign_in(challenge=challenge, proof=Proof(code=app.code(steps_ahead=1)))


def test_a_challenge_is_over_after_five_minutes() -> None:
    user = a_user()
    app, _ = an_app(user)
    challenge = asked(user)["challenge"]
    with clock.ahead_by(timedelta(minutes=5)), pytest.raises(ChallengeOver):
        finish_sign_in(challenge=challenge, proof=Proof(code=app.code()))


def test_who_knows_the_password_guesses_twenty_times_a_day_and_no_more() -> None:  # [B137]
    user = a_user()
    app, _ = an_app(user)
    for _ in range(20 // MOST_TRIES):
        challenge = asked(user)["challenge"]
        for _ in range(MOST_TRIES):
            with pytest.raises(WrongSecondFactor):
                finish_sign_in(challenge=challenge, proof=Proof(code="000000"))
    with pytest.raises(TooManyTries):
        sign_in(email=user.email, password=PASSWORD)
    with clock.ahead_by(timedelta(days=1)):
        finish(user, app.code())


def test_a_recovery_code_counts_once_and_says_how_many_are_left() -> None:  # [B137]
    user = a_user()
    _, codes = an_app(user)
    assert (len(codes), len(set(codes)), {len(code) for code in codes}) == (10, 10, {10})
    session, _ = finish(user, codes[3])
    assert session.second_factor_at is not None
    with pytest.raises(WrongSecondFactor):
        finish(user, codes[3])
    assert [factor.left for factor in gateway.factors_of(user) if factor.kind == "recovery_codes"] == [9]
    assert AuditEvent.objects.get(action="recovery_code.used").details == {"left": 9}
    finish(user, codes[4])


def test_new_recovery_codes_replace_the_old_ones() -> None:
    user = a_user()
    _, old = an_app(user)
    new = second_factors.renew_recovery_codes(user=user, by=Actor.user(user))
    assert not set(old) & set(new)
    with pytest.raises(WrongSecondFactor):
        finish(user, old[0])
    finish(user, new[0])


def test_recovery_codes_alone_are_none() -> None:
    user = a_user()
    with pytest.raises(NoFactor):
        second_factors.renew_recovery_codes(user=user, by=Actor.user(user))


def test_a_security_key_proves_who_holds_it() -> None:
    user = a_user()
    key = a_key(user)
    details = asked(user)
    session, token = finish_sign_in(
        challenge=details["challenge"], proof=Proof(credential=key.use(details["webauthn"]))
    )
    assert authenticate_token(token) == (user, session)
    assert [(factor.kind, factor.name) for factor in gateway.factors_of(user)] == [
        ("webauthn", "blue"),
        ("recovery_codes", ""),
    ]


def test_an_answer_of_a_security_key_counts_for_its_challenge_only() -> None:  # [B137]
    user = a_user()
    key = a_key(user)
    first = asked(user)
    answer = key.use(first["webauthn"])
    finish_sign_in(challenge=first["challenge"], proof=Proof(credential=answer))
    with pytest.raises(WrongSecondFactor):
        finish_sign_in(challenge=asked(user)["challenge"], proof=Proof(credential=answer))


def test_another_key_another_origin_and_an_absent_person_prove_nothing() -> None:
    user = a_user()
    key = a_key(user)

    def refused(answer: dict[str, Any], details: Any) -> None:
        with pytest.raises(WrongSecondFactor):
            finish_sign_in(challenge=details["challenge"], proof=Proof(credential=answer))

    details = asked(user)
    refused(SecurityKey().use(details["webauthn"]), details)
    stranger = SecurityKey()
    stranger.id = key.id
    refused(stranger.use(details["webauthn"]), details)
    refused(key.use(details["webauthn"], flags=0), details)
    key.origin = "https://localhost.evil.example"
    refused(key.use(details["webauthn"]), details)


def test_a_key_that_counts_backwards_is_a_copy() -> None:
    user = a_user()
    key = a_key(user)
    for counter, right in [(5, True), (5, False), (6, True)]:
        details = asked(user)
        key.counter = counter - 1
        answer = key.use(details["webauthn"], flags=PRESENT)
        if right:
            finish_sign_in(challenge=details["challenge"], proof=Proof(credential=answer))
        else:
            with pytest.raises(WrongSecondFactor):
                finish_sign_in(challenge=details["challenge"], proof=Proof(credential=answer))


@pytest.mark.parametrize("part", ["clientDataJSON", "attestationObject"])
@pytest.mark.parametrize("wrong", ["", "AAAA", "e30", pytest.param("a" * 4000, id="long"), "oWNmbXQ"])
def test_whatever_is_sent_for_a_new_key_breaks_nothing(part: str, wrong: str) -> None:
    user = a_user()
    challenge, options = second_factors.begin_security_key(user=user)
    credential = SecurityKey().register(options)
    credential["response"][part] = wrong
    with pytest.raises(WrongSecondFactor):
        second_factors.add_security_key(session=a_session(user), challenge=challenge, name="x", credential=credential)
    assert not Authenticator.objects.exists()


def test_a_security_key_is_added_once() -> None:
    user, other = a_user(), a_user()
    key = a_key(user)
    for person in (user, other):
        challenge, options = second_factors.begin_security_key(user=person)
        with pytest.raises(WrongSecondFactor):
            second_factors.add_security_key(
                session=a_session(person), challenge=challenge, name="again", credential=key.register(options)
            )


def test_adding_a_factor_gives_the_session_a_new_token_and_says_so() -> None:  # [B134]
    user = a_user()
    session, before = sign_in(email=user.email, password=PASSWORD)
    challenge, secret, link = second_factors.begin_totp(user=user)
    assert link.startswith("otpauth://totp/") and f"secret={secret}&issuer=Assay" in link
    added = second_factors.add_totp(session=session, challenge=challenge, code=App(secret).code())
    assert authenticate_token(before) is None
    found = authenticate_token(added.token)
    assert found is not None
    assert isinstance(found[1], Session) and found[1].second_factor_at is not None
    assert AuditEvent.objects.get(action="second_factor.added").details == {"kind": "totp"}


def test_a_challenge_of_another_person_is_none() -> None:
    user, thief = a_user(), a_user()
    challenge, secret, _ = second_factors.begin_totp(user=user)
    with pytest.raises(ChallengeOver):
        second_factors.add_totp(session=a_session(thief), challenge=challenge, code=App(secret).code())


def test_one_app_at_a_time() -> None:
    user = a_user()
    an_app(user)
    with pytest.raises(FactorThere):
        second_factors.begin_totp(user=user)


def test_secrets_are_sealed_for_their_person() -> None:
    user, other = a_user(), a_user()
    challenge, secret, _ = second_factors.begin_totp(user=user)
    assert secret not in str(Challenge.objects.values())
    second_factors.add_totp(session=a_session(user), challenge=challenge, code=App(secret).code())
    row = Authenticator.objects.get(type="totp")
    assert secret not in str(row.data)
    with pytest.raises(Exception, match="does not open"):
        gateway.open_secret(row.data["secret"], user=other)
    seed = Authenticator.objects.get(type="recovery_codes").data["seed"]
    assert len(gateway.open_secret(seed, user=user)) == 80


def test_an_admin_keeps_a_factor_and_others_may_do_without() -> None:
    user = a_user()
    an_app(user)
    (app, _) = gateway.factors_of(user)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    with pytest.raises(LastFactor):
        second_factors.remove_factor(user=user, factor_id=app.id, by=Actor.user(user))
    User.objects.filter(pk=user.pk).update(is_staff=False)
    second_factors.remove_factor(user=user, factor_id=app.id, by=Actor.user(user))
    assert gateway.factors_of(user) == []
    sign_in(email=user.email, password=PASSWORD)


def test_nobody_removes_a_factor_of_another() -> None:
    user, other = a_user(), a_user()
    an_app(user)
    with pytest.raises(NotFound):
        second_factors.remove_factor(user=other, factor_id=gateway.factors_of(user)[0].id, by=Actor.user(other))


def test_who_has_lost_all_factors_starts_anew_once_an_admin_says_so() -> None:
    user, by = a_user(), Actor.system("command_line")
    an_app(user)
    second_factors.reset_factors(user=user, by=by, why="phone lost")
    assert (gateway.factors_of(user), Session.objects.filter(revoked_at=None).exists()) == ([], False)
    assert AuditEvent.objects.get(action="second_factor.removed").why == "phone lost"
    sign_in(email=user.email, password=PASSWORD)


def test_a_session_is_fresh_for_ten_minutes_and_again_after_a_step_up() -> None:
    user = a_user()
    app, _ = an_app(user)
    session, _ = finish(user, app.code())
    with clock.ahead_by(timedelta(minutes=10)):
        assert not session.is_fresh
        step_up(session=session, proof=Proof(code=app.code()))
        assert Session.objects.get(pk=session.pk).is_fresh
    assert AuditEvent.objects.get(action="session.stepped_up").details == {"shown": "totp"}


def test_a_step_up_takes_a_security_keys_answer_to_its_challenge() -> None:
    user = a_user()
    key = a_key(user)
    session = a_session(user)
    challenge, kinds, options = second_factors.begin_step_up(session=session)
    assert (kinds, options is not None) == (["recovery_codes", "webauthn"], True)
    step_up(session=session, proof=Proof(credential=key.use(options or {})), challenge=challenge)
    with pytest.raises(ChallengeOver):
        step_up(session=session, proof=Proof(credential=key.use(options or {})), challenge=challenge)


def test_the_password_steps_up_only_who_has_nothing_better() -> None:
    user = a_user()
    session = a_session(user)
    step_up(session=session, proof=Proof(password=PASSWORD))
    with pytest.raises(WrongSecondFactor):
        step_up(session=session, proof=Proof(password="wrong horse"))
    an_app(user)
    with pytest.raises(WrongSecondFactor):
        step_up(session=a_session(user), proof=Proof(password=PASSWORD))

"""Second factors: shown in the second step of a sign-in, shown again for what asks for it, added and taken away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.db import transaction

from kernel import allauth_gateway as gateway
from kernel import clock
from kernel.allauth_gateway import Factor, has_second_factor
from kernel.errors import NotFound, Refused
from kernel.models import Challenge, Session, User
from kernel.services.access import end_sessions, hold_person, open_session, renew_token
from kernel.services.audit import Actor, record
from kernel.services.challenges import (
    WrongSecondFactor,
    ask,
    close,
    forget_failures,
    note_failure,
    refuse_after_too_many,
    take,
)
from kernel.services.notices import tell

MOST_SECURITY_KEYS: Final = 10
KINDS: Final = {gateway.TOTP: "an authenticator app", gateway.WEBAUTHN: "a security key"}
"""What a kind of factor is called in a mail."""


class FactorThere(Refused):
    """There is an authenticator app already, or as many security keys as one may have. Take one away first."""

    code: ClassVar[str] = "second_factor_there"


class LastFactor(Refused):
    """An admin keeps at least one second factor. Add another first."""

    code: ClassVar[str] = "last_second_factor"


class NoFactor(Refused):
    """Recovery codes stand in for a second factor, and there is none yet."""

    code: ClassVar[str] = "no_second_factor"


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody sends to show that it is them: a code, the answer of a security key, or the password."""

    code: str = ""
    credential: Mapping[str, Any] | None = None
    password: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """A factor that was added, the token that its session has from now on, and recovery codes, if they are new."""

    factor: Factor
    token: str
    recovery_codes: list[str]


def finish_sign_in(*, challenge: str, proof: Proof, through: str = "api") -> tuple[Session, str]:
    """The session that the second step of a sign-in opens, and its token.

    Raises WrongSecondFactor, ChallengeOver, TooManyTries.
    """
    outcome = _second_step(challenge=challenge, proof=proof, through=through)
    if isinstance(outcome, WrongSecondFactor):  # raised where it is counted
        raise outcome
    return outcome


def step_up(*, session: Session, proof: Proof, challenge: str = "") -> Session:
    """Let a session count as fresh: by a second factor, or by the password of who has none.

    A security key answers a ``challenge`` of ``begin_step_up``. Raises WrongSecondFactor, ChallengeOver, TooManyTries.
    """
    refusal = _step_up(session=session, proof=proof, challenge=challenge)
    if refusal is not None:
        raise refusal
    return session


@transaction.atomic
def begin_step_up(*, session: Session) -> tuple[str, list[str], Mapping[str, Any] | None]:
    """A challenge for a step-up: its token, by what it can be answered, and what a browser needs for a security key."""
    kinds = sorted({factor.kind for factor in gateway.factors_of(session.user)}) or ["password"]
    options, state = gateway.begin_proof_by_key(session.user) or (None, {})
    _, token = ask(user=session.user, purpose=Challenge.Purpose.STEP_UP, state=state)
    return token, kinds, options


@transaction.atomic
def begin_totp(*, user: User) -> tuple[str, str, str]:
    """A challenge to show a code of a new authenticator app: its token, the app's secret, and the link to it.

    Raises FactorThere.
    """
    if any(factor.kind == gateway.TOTP for factor in gateway.factors_of(user)):
        raise FactorThere("There is an authenticator app already. Take it away first.")
    secret = gateway.new_totp_secret()
    state = {"secret": gateway.seal_secret(secret, user=user)}
    _, token = ask(user=user, purpose=Challenge.Purpose.NEW_TOTP, state=state)
    return token, secret, gateway.totp_link(secret, user=user)


def add_totp(*, session: Session, challenge: str, code: str) -> Added:
    """Add the authenticator app that shows ``code``.

    Raises WrongSecondFactor, ChallengeOver, TooManyTries, SessionOver.
    """

    def add(asked: Challenge) -> Factor | None:
        secret = gateway.open_secret(asked.state["secret"], user=session.user)
        return gateway.add_totp(session.user, secret=secret, code=code)

    return _raised(_add(session, challenge, Challenge.Purpose.NEW_TOTP, add))


@transaction.atomic
def begin_security_key(*, user: User) -> tuple[str, Mapping[str, Any]]:
    """A challenge to register a new security key: its token, and what a browser needs. Raises FactorThere."""
    keys = [factor for factor in gateway.factors_of(user) if factor.kind == gateway.WEBAUTHN]
    if len(keys) >= MOST_SECURITY_KEYS:
        raise FactorThere(f"There are {MOST_SECURITY_KEYS} security keys already. Take one away first.")
    options, state = gateway.begin_security_key(user)
    _, token = ask(user=user, purpose=Challenge.Purpose.NEW_WEBAUTHN, state=state)
    return token, options


def add_security_key(*, session: Session, challenge: str, name: str, credential: Mapping[str, Any]) -> Added:
    """Add the security key that answered. Raises WrongSecondFactor, ChallengeOver, TooManyTries, SessionOver."""

    def add(asked: Challenge) -> Factor | None:
        return gateway.add_security_key(session.user, state=asked.state, credential=credential, name=name)

    return _raised(_add(session, challenge, Challenge.Purpose.NEW_WEBAUTHN, add))


@transaction.atomic
def remove_factor(*, user: User, factor_id: int, by: Actor) -> None:
    """Take a factor away; with the last one go the recovery codes. Raises NotFound, and LastFactor for admins."""
    user = _locked(user)
    factor = gateway.remove_factor(user, factor_id)
    if factor is None:
        raise NotFound("second factor")
    if user.is_staff and not has_second_factor(user):
        raise LastFactor("An admin keeps at least one second factor. Add another first.")
    _tell("removed", factor, user, by=by)


@transaction.atomic
def renew_recovery_codes(*, user: User, by: Actor) -> list[str]:
    """New recovery codes, shown only here; those from before are worth nothing any more. Raises NoFactor."""
    user = _locked(user)
    if not has_second_factor(user):
        raise NoFactor("Recovery codes stand in for a second factor. Add an authenticator app or a security key first.")
    codes = gateway.renew_recovery_codes(user)
    record(action="recovery_codes.renewed", subject=user, by=by)
    return codes


@transaction.atomic
def reset_factors(*, user: User, by: Actor, why: str) -> None:
    """Take every factor of a user away who has lost them, and end their sessions and API keys."""
    user = _locked(user)
    for factor in gateway.factors_of(user):
        if factor.kind != gateway.RECOVERY_CODES and gateway.remove_factor(user, factor.id):
            _tell("removed", factor, user, by=by, why=why)
    end_sessions(user_id=user.pk, why=why, by=by, api_keys=True)
    forget_failures(user)


@transaction.atomic
def _second_step(*, challenge: str, proof: Proof, through: str) -> tuple[Session, str] | WrongSecondFactor:
    asked = take(challenge, purpose=Challenge.Purpose.SIGN_IN)
    user = _locked(asked.user)
    factor = _factor_shown(user, proof, asked)
    if factor is None:
        return note_failure(user=user, challenge=asked)
    close(asked)
    _tell_of_use(factor, user)
    return open_session(user=user, through=through, second_factor=factor.kind)


@transaction.atomic
def _step_up(*, session: Session, proof: Proof, challenge: str) -> WrongSecondFactor | None:
    user = _locked(session.user)
    asked = take(challenge, purpose=Challenge.Purpose.STEP_UP, user=user) if challenge else None
    refuse_after_too_many(user)
    factor = None
    if has_second_factor(user):
        factor = _factor_shown(user, proof, asked)
        right = factor is not None
    else:
        right = user.check_password(proof.password)
    if not right:
        return note_failure(user=user, challenge=asked)
    if asked is not None:
        close(asked)
    session.fresh_at = clock.now()
    if factor is not None:
        _tell_of_use(factor, user)
        session.second_factor_at = session.fresh_at
    session.save(update_fields=["fresh_at", "second_factor_at"])
    shown = factor.kind if factor else "password"
    record(action="session.stepped_up", subject=session, by=Actor.user(user), details={"shown": shown})
    return None


@transaction.atomic
def _add(session: Session, challenge: str, purpose: Challenge.Purpose, add: Any) -> Added | WrongSecondFactor:
    user = hold_person(session.user, session)
    asked = take(challenge, purpose=purpose, user=user)
    is_first = not has_second_factor(user)
    factor: Factor | None = add(asked)
    if factor is None:
        return note_failure(user=user, challenge=asked)
    close(asked)
    _tell("added", factor, user, by=Actor.user(user))
    session.second_factor_at = session.fresh_at = clock.now()
    session.save(update_fields=["fresh_at", "second_factor_at"])
    codes = gateway.renew_recovery_codes(user) if is_first else []
    return Added(factor, renew_token(session), codes)


def _raised(outcome: Added | WrongSecondFactor) -> Added:
    if isinstance(outcome, WrongSecondFactor):
        raise outcome
    return outcome


def _factor_shown(user: User, proof: Proof, asked: Challenge | None) -> Factor | None:
    if proof.credential is not None:
        return gateway.prove_by_key(user, state=asked.state, credential=proof.credential) if asked else None
    return gateway.prove_by_code(user, proof.code) if proof.code else None


def _locked(user: User) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _tell_of_use(factor: Factor, user: User) -> None:
    if factor.kind == gateway.RECOVERY_CODES:
        details = {"left": factor.left}
        record(action="recovery_code.used", subject=gateway.row_of(factor), by=Actor.user(user), details=details)
        tell(user_id=user.pk, notice="recovery_code_used", detail=str(factor.left))


def _tell(what: str, factor: Factor, user: User, *, by: Actor, why: str = "") -> None:
    record(
        action=f"second_factor.{what}", subject=gateway.row_of(factor), by=by, why=why, details={"kind": factor.kind}
    )
    tell(user_id=user.pk, notice=f"second_factor_{what}", detail=KINDS[factor.kind])

"""Ways in: sessions for people, API keys for programs. Only hashes of the secrets are stored."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models import Model

from kernel import clock
from kernel.allauth_gateway import begin_proof_by_key, factors_of, has_second_factor
from kernel.email_address import email_to_look_up
from kernel.errors import Invalid, NotFound, Refused
from kernel.models import ApiKey, Challenge, Session, User
from kernel.rows import planned_cursor
from kernel.scopes import SCOPES
from kernel.services.audit import Actor, record
from kernel.services.challenges import ask
from kernel.tokens import SESSION_MARK, is_api_key, new_api_key, new_token, sha256_of

IDLE_AFTER: Final = timedelta(minutes=15)
SESSION_LASTS: Final = timedelta(hours=8)
LONGEST_API_KEY: Final = timedelta(days=365)
LONGEST_OVERLAP: Final = timedelta(days=7)
MOST_API_KEYS: Final = 20
SEEN_EVERY: Final = timedelta(minutes=1)
LONGEST_PASSWORD: Final = 256


class WrongCredentials(Refused):
    """E-mail address and password do not belong together, or the user is not active."""

    code = "wrong_credentials"
    status = 401


class SecondFactorNeeded(Refused):
    """The password is right, and the user has a second factor, which the sign-in asks for next."""

    code = "second_factor_needed"
    status = 401
    keeps_facts = True

    def __init__(self, *, challenge: str, kinds: Sequence[str], options: Mapping[str, Any] | None) -> None:
        super().__init__(
            "Now the second factor: send a code of the authenticator app or a recovery code, or use a security key.",
            details={"challenge": challenge, "kinds": sorted(set(kinds)), "webauthn": options},
        )


class SessionOver(Refused):
    """The session was ended while this was on its way."""

    code = "session_over"
    status = 401


class KeyOver(Refused):
    """The API key has ended, or was rotated before."""

    code = "api_key_over"


class TooManyApiKeys(Refused):
    """A user has at most 20 live API keys; revoke one first."""

    code = "too_many_api_keys"


def sign_in(*, email: str, password: str, through: str = "api") -> tuple[Session, str]:
    """A new session and its token, shown only here; the user's other sessions end.

    Unknown addresses, wrong passwords and inactive users cost the same and read the same: WrongCredentials. Raises
    SecondFactorNeeded for who has a second factor: nothing is open to them until they have shown it too.
    """
    outcome = _first_step(email=email, password=password, through=through)
    if isinstance(outcome, SecondFactorNeeded):  # raised where what it asks for is kept
        raise outcome
    return outcome


@transaction.atomic
def _first_step(*, email: str, password: str, through: str) -> "tuple[Session, str] | SecondFactorNeeded":
    user = User.objects.select_for_update(no_key=True).filter(email=email_to_look_up(email)).first()
    if user is None:
        make_password(password)  # as slow as a check, so that the time does not tell who has signed up
    if user is None or not user.check_password(password) or not user.is_active:
        raise WrongCredentials("This e-mail address and this password do not belong together.")
    if not has_second_factor(user):
        return open_session(user=user, through=through)
    options, state = begin_proof_by_key(user) or (None, {})
    _, token = ask(user=user, purpose=Challenge.Purpose.SIGN_IN, state=state)
    return SecondFactorNeeded(challenge=token, kinds=[factor.kind for factor in factors_of(user)], options=options)


@transaction.atomic
def open_session(*, user: User, through: str, second_factor: str = "") -> tuple[Session, str]:
    """A new session of somebody who has proven to be ``user``, and its token; their other sessions end.

    ``second_factor`` is the kind of the one that they have shown.
    """
    now = clock.now()
    end_sessions(user_id=user.pk, why="signed in again", by=Actor.user(user))
    token = new_token(SESSION_MARK)
    session = Session.objects.create(
        user=user,
        token_sha256=sha256_of(token),
        created_at=now,
        last_seen_at=now,
        expires_at=now + SESSION_LASTS,
        second_factor_at=now if second_factor else None,
        fresh_at=now,
    )
    details = {"through": through, **({"second_factor": second_factor} if second_factor else {})}
    record(action="session.opened", subject=session, by=Actor.user(user), details=details)
    return session, token


def renew_token(session: Session) -> str:
    """A new token for a session that may now do more; the one before opens nothing any more. In a transaction."""
    token = new_token(SESSION_MARK)
    session.token_sha256 = sha256_of(token)
    session.save(update_fields=["token_sha256"])
    return token


@transaction.atomic
def sign_out(*, session: Session) -> None:
    """End the session at once; ending it twice is no error."""
    ended = Session.objects.filter(pk=session.pk, revoked_at=None).update(revoked_at=clock.now())
    if ended:
        record(action="session.closed", subject=session, by=Actor.user(session.user))


@transaction.atomic
def end_sessions(*, user_id: UUID, why: str, by: Actor, api_keys: bool = False) -> int:
    """End every session of a user, and if asked for their API keys too, with their next request; how many there were.

    For whoever takes something away from a person, in the transaction that does it. They may sign in again. It holds
    the person's row, as does what makes further ways in: what comes after finds its session ended.
    """
    User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    ended = [*_revoke_all(Session, user_id), *(_revoke_all(ApiKey, user_id) if api_keys else ())]
    for way_in in ended:
        noun = "session" if isinstance(way_in, Session) else "api_key"
        record(action=f"{noun}.ended", subject=way_in, by=by, why=why)
    return len(ended)


def hold_person(user: User, session: Session | None) -> User:
    """The person's row, locked; and if they ask in a ``session``, it lives still. Raises SessionOver. In a transaction.

    Whatever leaves a lasting way in behind waits here for who is just ending all of them (a reset of the password).
    """
    person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if session is not None and not Session.objects.filter(pk=session.pk, revoked_at=None).exists():
        raise SessionOver("Your session was ended meanwhile. Sign in again.")
    return person


def authenticate_token(token: str) -> tuple[User, Session | ApiKey] | None:
    """Whose token this is, in one query; None when it is unknown, ended, idle too long, or its user is not active.

    The time of use is noted at most once a minute, so an idle session may end up to a minute early, never late.
    """
    if token.startswith(SESSION_MARK):
        return _authenticate_session(token)
    if is_api_key(token):
        return _authenticate_api_key(token)
    return None


@transaction.atomic
def create_api_key(
    *,
    user: User,
    name: str,
    scopes: Collection[str],
    expires_at: datetime,
    by: Actor,
    session: Session | None = None,
) -> tuple[ApiKey, str]:
    """A new API key of ``user`` and its token, shown only here. ``session`` is that in which it was asked for.

    Raises Invalid for an expiry or scopes that cannot be, TooManyApiKeys, SessionOver.
    """
    allowed = _checked_scopes(scopes)
    _check_expiry(expires_at)
    hold_person(user, session)
    if ApiKey.objects.live().filter(user=user, replaced_by=None).count() >= MOST_API_KEYS:
        raise TooManyApiKeys(f"There are {MOST_API_KEYS} live API keys already. Revoke one first.")
    return _make_api_key(ApiKey(user=user, name=name, scopes=allowed, expires_at=expires_at), by=by)


@transaction.atomic
def rotate_api_key(
    *,
    api_key_id: UUID,
    user: User,
    overlap: timedelta,
    expires_at: datetime,
    by: Actor,
    session: Session | None = None,
) -> tuple[ApiKey, str]:
    """A new version of one of ``user``'s API keys and its token, shown only here; the old one ends after ``overlap``.

    At most two versions work at a time: one before the old one ends at once. Raises NotFound, Invalid for an overlap or
    an expiry that cannot be, KeyOver for a key that has ended or was rotated before, and SessionOver.
    """
    _check_expiry(expires_at)
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise _invalid("overlap_seconds", f"Two versions work side by side for at most {LONGEST_OVERLAP.days} days.")
    hold_person(user, session)
    old = ApiKey.objects.select_for_update(no_key=True, of=("self",)).filter(pk=api_key_id, user=user).first()
    if old is None:
        raise NotFound("API key")
    if not ApiKey.objects.live().filter(pk=old.pk, replaced_by=None).exists():
        raise KeyOver("This API key has ended or was rotated already. Rotate the version that replaced it.")
    if old.replaces_id is not None:
        revoke_api_key(api_key_id=old.replaces_id, user=user, by=by)
    old.expires_at = min(old.expires_at, clock.now() + overlap)
    old.save(update_fields=["expires_at"])
    record(action="api_key.rotated", subject=old, by=by, details={"ends_at": old.expires_at.isoformat()})
    new = ApiKey(user=user, name=old.name, scopes=old.scopes, expires_at=expires_at, replaces=old)
    return _make_api_key(new, by=by)


@transaction.atomic
def revoke_api_key(*, api_key_id: UUID, user: User, by: Actor) -> None:
    """End one of ``user``'s API keys at once; ending it twice is no error. Raises NotFound."""
    key = ApiKey.objects.select_for_update(no_key=True).filter(pk=api_key_id, user=user).first()
    if key is None:
        raise NotFound("API key")
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        key.save(update_fields=["revoked_at"])
        record(action="api_key.revoked", subject=key, by=by)


def way_in_by_id(*, user_id: UUID, way_in_id: UUID) -> tuple[User, Session | ApiKey] | None:
    """The user and the session or API key of this id, as long as it lets them in; to ask keeps no idle one alive."""
    now = clock.now()
    session = _way_in(Session, _SESSION_BY_ID, [way_in_id, user_id, now, now - IDLE_AFTER])
    return session or _way_in(ApiKey, _API_KEY_BY_ID, [way_in_id, user_id, now])


def _authenticate_session(token: str) -> tuple[User, Session] | None:
    now = clock.now()
    found = _way_in(Session, _LIVE_SESSION, [sha256_of(token), now, now - IDLE_AFTER])
    if found is not None and found[1].last_seen_at < now - SEEN_EVERY:
        Session.objects.filter(pk=found[1].pk, last_seen_at__lt=now).update(last_seen_at=now)
    return found


def _authenticate_api_key(token: str) -> tuple[User, ApiKey] | None:
    now = clock.now()
    found = _way_in(ApiKey, _LIVE_API_KEY, [sha256_of(token), now])
    if found is not None and (found[1].last_used_at is None or found[1].last_used_at < now - SEEN_EVERY):
        ApiKey.objects.filter(pk=found[1].pk).update(last_used_at=now)
    return found


WayIn = TypeVar("WayIn", Session, ApiKey)


def _revoke_all(model: type[WayIn], user_id: UUID) -> list[WayIn]:
    live = model.objects.filter(user_id=user_id, revoked_at=None)
    found = list(live.order_by("id").select_for_update(no_key=True))
    model.objects.filter(pk__in=[way_in.pk for way_in in found]).update(revoked_at=clock.now())
    return found


def _make_api_key(key: ApiKey, *, by: Actor) -> tuple[ApiKey, str]:
    token, key.prefix = new_api_key()
    key.secret_sha256 = sha256_of(token)
    key.save(force_insert=True)
    details = {"scopes": key.scopes, "expires_at": key.expires_at.isoformat()}
    record(action="api_key.created", subject=key, by=by, details=details)
    return key, token


def _check_expiry(expires_at: datetime) -> None:
    if not clock.now() < expires_at <= clock.now() + LONGEST_API_KEY:
        raise _invalid("expires_at", "An API key ends within a year from now.")


def _invalid(field: str, message: str) -> Invalid:
    return Invalid("This API key cannot be made.", errors=[{"field": field, "message": message}])


def _checked_scopes(scopes: Collection[str]) -> list[str]:
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        said = f"There is no scope {unknown[0]!r}." if unknown else "An API key needs at least one scope."
        raise _invalid("scopes", f"{said} Possible: {', '.join(SCOPES)}.")
    return [scope for scope in SCOPES if scope in scopes]


@cache
def _columns(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _select(model: type[Model], condition: str) -> str:
    # Written out once, because every request asks this: to build the query anew costs more than to run it.
    both = [*(f"w.{name}" for name in _columns(model)), *(f"u.{name}" for name in _columns(User))]
    return (
        f"SELECT {', '.join(both)} FROM {model._meta.db_table} w JOIN kernel_user u ON u.id = w.user_id "  # noqa: S608
        f"WHERE {condition} AND w.revoked_at IS NULL AND w.expires_at > %s AND u.is_active"  # all of it ours
    )


_LIVE_SESSION: Final = _select(Session, "w.token_sha256 = %s") + " AND w.last_seen_at > %s"
_LIVE_API_KEY: Final = _select(ApiKey, "w.secret_sha256 = %s")
_SESSION_BY_ID: Final = _select(Session, "w.id = %s AND w.user_id = %s") + " AND w.last_seen_at > %s"
_API_KEY_BY_ID: Final = _select(ApiKey, "w.id = %s AND w.user_id = %s")


def _way_in(model: type[WayIn], sql: str, parameters: list[str | UUID | datetime]) -> tuple[User, WayIn] | None:
    with planned_cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    names = _columns(model)
    way_in = model.from_db(connection.alias, names, row[: len(names)])
    way_in.user = User.from_db(connection.alias, _columns(User), row[len(names) :])
    return way_in.user, way_in

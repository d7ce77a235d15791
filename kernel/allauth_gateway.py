"""The one module that speaks to allauth: authenticator apps, security keys and recovery codes, and how each is proven.

Allauth knows the protocols (TOTP, WebAuthn, codes) and has the table. What it leaves open is settled here: its secrets
are sealed under a key of their person, a code counts once whatever the cache remembers, the origin is ours exactly, and
what a stranger sent is refused however it breaks the parser. Audit events and limits are the services' business.
"""

import base64
import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.internal import auth as webauthn
from cryptography.exceptions import UnsupportedAlgorithm
from django.conf import settings
from django.core.exceptions import ValidationError
from fido2.webauthn import AuthenticationResponse, CollectedClientData

from kernel import clock
from kernel.crypto import seal, unseal
from kernel.models import SubjectKey, User
from kernel.services.subject_keys import key_for_sealing, lasting_key

TOTP, WEBAUTHN, RECOVERY_CODES = "totp", "webauthn", "recovery_codes"
STEP_SECONDS: Final = 30
STEPS_OFF: Final = 1
"""How far the clock of an authenticator app may be off, in steps."""

State = Mapping[str, Any]

_COLUMN: Final = "mfa_authenticator.data"
_UNREADABLE: Final = (
    *(ValidationError, ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError),
    *(RecursionError, NotImplementedError, struct.error, UnsupportedAlgorithm),
)
"""What the parsers of WebAuthn's messages raise when they are given something else."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor as its owner may see it. ``left`` is how many recovery codes are unused."""

    id: int
    kind: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    left: int | None = None


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """What allauth asks its surroundings: how to seal, and who we are. The request is never believed about that."""

    def encrypt(self, text: str) -> str:
        return _seal(text, user=context.request.user)

    def decrypt(self, encrypted_text: str) -> str:
        return _unseal(encrypted_text, user=context.request.user)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": urlsplit(settings.BASE_URL).hostname or "", "name": settings.MFA_TOTP_ISSUER}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        return {"id": user.pk.bytes, "name": user.email, "display_name": user.display_name or user.email}


def factors_of(user: User) -> list[Factor]:
    """Every second factor of ``user``, in the order in which they came; recovery codes are one."""
    return [_factor(row, user) for row in _rows(user)]


def has_second_factor(user: User) -> bool:
    """Whether ``user`` can prove more than a password. Recovery codes alone do not count."""
    return bool(_rows(user).exclude(type=RECOVERY_CODES).exists())


def new_totp_secret() -> str:
    """A secret for an authenticator app."""
    return str(totp.generate_totp_secret())


def totp_link(secret: str, *, user: User) -> str:
    """The ``otpauth://`` address that an authenticator app reads, usually from a picture."""
    return str(get_adapter().build_totp_url(user, secret))


def totp_picture(link: str) -> str:
    """The QR code of ``link``, as SVG."""
    return str(get_adapter().build_totp_svg(link))


def seal_secret(secret: str, *, user: User) -> str:
    """``secret`` sealed for ``user``; in a transaction."""
    return _seal(secret, user=user)


def open_secret(sealed: str, *, user: User) -> str:
    """What ``seal_secret`` sealed for the same user."""
    return _unseal(sealed, user=user)


def add_totp(user: User, *, secret: str, code: str) -> Factor | None:
    """Add an authenticator app that shows ``code`` now, which is then used up; None when it does not."""
    step = _step_of(code, secret=secret, after=0)
    if step is None:
        return None
    now = clock.now()
    row = Authenticator(user=user, type=TOTP, data={"secret": _seal(secret, user=user), "step": step}, created_at=now)
    row.save()
    return _factor(row, user)


def prove_by_code(user: User, code: str) -> Factor | None:
    """The factor that ``code`` proves, whether it is an app's or one of the recovery codes; each code counts once."""
    for row in _rows(user).exclude(type=WEBAUTHN).select_for_update(no_key=True):
        if _uses_up(row, code, user=user):
            return _used(row, user)
    return None


def renew_recovery_codes(user: User) -> list[str]:
    """New recovery codes; those from before are worth nothing any more."""
    _rows(user).filter(type=RECOVERY_CODES).delete()
    with _ceremony(user):
        codes = RecoveryCodes.activate(user)
        return list(codes.get_unused_codes())


def begin_security_key(user: User) -> tuple[dict[str, Any], State]:
    """What a browser needs to register a security key, and what to keep until it has."""
    with _ceremony(user) as session:
        options = webauthn.begin_registration(user, passwordless=False)
        return _plain(options), _plain(session[webauthn.STATE_SESSION_KEY])


def add_security_key(user: User, *, state: State, credential: State, name: str) -> Factor | None:
    """Add the security key that answered; None when it answered something else, or is known already."""
    with _ceremony(user, state):
        try:
            _require_our_origin(credential)
            webauthn.parse_registration_response(credential)
            counter = webauthn.complete_registration(dict(credential)).counter
        except _UNREADABLE:
            return None
    if Authenticator.objects.filter(type=WEBAUTHN, data__credential__id=credential["id"]).exists():
        return None
    data = {"name": name, "credential": dict(credential), "counter": counter}
    row = Authenticator(user=user, type=WEBAUTHN, data=data, created_at=clock.now())
    row.save()
    return _factor(row, user)


def begin_proof_by_key(user: User) -> tuple[dict[str, Any], State] | None:
    """What a browser needs to use a security key of ``user``, and what to keep until it has; None without any key."""
    if not _rows(user).filter(type=WEBAUTHN).exists():
        return None
    with _ceremony(user) as session:
        options = webauthn.begin_authentication(user)
        return _plain(options), _plain(session[webauthn.STATE_SESSION_KEY])


def prove_by_key(user: User, *, state: State, credential: State) -> Factor | None:
    """The security key that answered; None when none did, or when it counts backwards, as a copy of it would."""
    rows = list(_rows(user).filter(type=WEBAUTHN).select_for_update(no_key=True))
    with _ceremony(user, state):
        try:
            _require_our_origin(credential)
            counter = AuthenticationResponse.from_dict(credential).response.authenticator_data.counter
            used = webauthn.complete_authentication(user, dict(credential))
        except _UNREADABLE:
            return None
    row = next(row for row in rows if row.pk == used.pk)
    if counter <= row.data["counter"] and (counter or row.data["counter"]):
        return None
    row.data["counter"] = counter
    return _used(row, user)


def remove_factor(user: User, factor_id: int) -> Factor | None:
    """Take one of the user's factors away, and with the last of them the recovery codes; None when there is no such."""
    row = _rows(user).filter(pk=factor_id).exclude(type=RECOVERY_CODES).first()
    if row is None:
        return None
    removed = _factor(row, user)
    row.delete()
    if not has_second_factor(user):
        _rows(user).delete()
    return removed


def row_of(factor: Factor) -> Authenticator:
    """The factor as a row, for audit events about it; it may be gone."""
    return Authenticator(pk=factor.id)


def _rows(user: User) -> Any:
    return Authenticator.objects.filter(user_id=user.pk).order_by("id")


def _factor(row: Authenticator, user: User) -> Factor:
    left = None
    if row.type == RECOVERY_CODES:
        with _ceremony(user):
            left = len(RecoveryCodes(row).get_unused_codes())
    name = row.data.get("name", "")
    return Factor(row.pk, row.type, name, row.created_at, row.last_used_at, left)


def _uses_up(row: Authenticator, code: str, *, user: User) -> bool:
    if row.type == RECOVERY_CODES:
        with _ceremony(user):
            return bool(RecoveryCodes(row).validate_code(code))
    step = _step_of(code, secret=_unseal(row.data["secret"], user=user), after=row.data["step"])
    if step is not None:
        row.data["step"] = step
    return step is not None


def _step_of(code: str, *, secret: str, after: int) -> int | None:
    """The step in time whose code this is: one of now, and none that was used, or passed over, before."""
    now = int(clock.now().timestamp()) // STEP_SECONDS
    for step in range(max(now - STEPS_OFF, after + 1), now + STEPS_OFF + 1):
        if compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, step))):
            return step
    return None


def _used(row: Authenticator, user: User) -> Factor:
    row.refresh_from_db(fields=["data"] if row.type == RECOVERY_CODES else [])
    row.last_used_at = clock.now()
    row.save(update_fields=["data", "last_used_at"])
    return _factor(row, user)


@contextmanager
def _ceremony(user: User, state: State | None = None) -> Iterator[dict[str, Any]]:
    """What allauth takes for the request: whose it is, and a session that holds the state of one ceremony."""
    session = {webauthn.STATE_SESSION_KEY: dict(state)} if state else {}
    with context.request_context(SimpleNamespace(user=user, session=session)):
        yield session


def _require_our_origin(credential: State) -> None:
    said = CollectedClientData(_decoded(credential["response"]["clientDataJSON"])).origin
    if said != settings.BASE_URL:
        raise ValueError("The security key was used for another origin.")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _plain(value: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(value, default=dict))
    return made


def _seal(text: str, *, user: User) -> str:
    subject = f"user:{user.pk}"
    key = key_for_sealing(subject=subject, purpose=SubjectKey.Purpose.SECOND_FACTOR)
    return base64.b64encode(seal(text, key=key, subject=subject, column=_COLUMN, region="")).decode()


def _unseal(sealed: str, *, user: User) -> str:
    subject = f"user:{user.pk}"
    key = lasting_key(subject=subject, purpose=SubjectKey.Purpose.SECOND_FACTOR)
    return unseal(base64.b64decode(sealed), key=key, subject=subject, column=_COLUMN, region="")

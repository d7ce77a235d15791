"""Signing up, and the address and password that one signs in with: shown to be one's own, reset, changed.

None of it tells who asks whether an address is known here: same answer, same work, and a mail to who has the address.
"""

from typing import ClassVar, Final

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from kernel import clock
from kernel.email_address import canonical_email, email_to_look_up
from kernel.errors import Invalid, Refused
from kernel.events import EmailChanged
from kernel.models import EmailLink, Session, User
from kernel.services.access import WrongCredentials, end_sessions, hold_person, open_session
from kernel.services.audit import Actor, record
from kernel.services.challenges import forget_failures, void_challenges
from kernel.services.email_links import owe_link, take_link, use_up, void_links
from kernel.services.notices import tell
from kernel.services.outbox import announce
from kernel.text import clean_line

Purpose = EmailLink.Purpose
LONGEST_NAME: Final = 100
SOMEBODY: Final = Actor.system("not_signed_in")


class EmailTaken(Refused):
    """Somebody else is reached at this e-mail address by now."""

    code: ClassVar[str] = "email_taken"


class AlreadyConfirmed(Refused):
    """The e-mail address is confirmed already."""

    code: ClassVar[str] = "already_confirmed"


@transaction.atomic
def sign_up(*, email: str, password: str, display_name: str) -> str:
    """Make a user who has to confirm their address, or tell who has it by mail; the address, in its canonical form.

    Who has not confirmed yet may sign up again: what was given last counts, and links from before do not. Not so who
    was invited as an admin: the password that came with the invitation stays. Raises Invalid for an address, a name or
    a password that cannot be one.
    """
    address = canonical_email(email)
    name = clean_line(display_name, what="name", field="display_name", longest=LONGEST_NAME)
    _check_password(password, User(email=address, display_name=name))
    hashed = make_password(password)  # whether or not it is needed, so that the time does not tell
    fresh = User(email=address, display_name=name, password=hashed, email_verified_at=None)
    User.objects.bulk_create([fresh], ignore_conflicts=True)
    user = User.objects.select_for_update(no_key=True).get(email=address)
    by = Actor.user(user)
    if user.email_verified_at is not None or not user.is_active or user.is_staff:
        owe_link(user=user, purpose=Purpose.KNOWN, by=SOMEBODY)  # who signs up may be anybody
    else:
        if user.pk != fresh.pk:
            _replace_password(user, hashed, display_name=name)
            end_sessions(user_id=user.pk, why="signed up again", by=by, api_keys=True)
        record(action="user.signed_up", subject=user, by=by)
        owe_link(user=user, purpose=Purpose.CONFIRM, by=by)
    return address


@transaction.atomic
def ask_for_confirmation(*, user: User) -> None:
    """Owe somebody another mail to confirm their address with. Raises AlreadyConfirmed."""
    if user.email_verified_at is not None:
        raise AlreadyConfirmed("This e-mail address is confirmed already.")
    owe_link(user=user, purpose=Purpose.CONFIRM, by=Actor.user(user))


def confirm_email(*, token: str, password: str) -> User:
    """Note that mail to an address reaches its person: who has both the link and the password.

    The password shows that it is who signed up, and not somebody whose address was only used. Raises LinkOver,
    WrongCredentials, and EmailTaken for a new address that somebody else has by now.
    """
    outcome = _confirm_email(token=token, password=password)
    if isinstance(outcome, WrongCredentials):  # raised where the try is counted
        raise outcome
    return outcome


@transaction.atomic
def ask_for_reset(*, email: str) -> None:
    """Owe whoever has this address a mail to choose another password with; for an unknown address, nothing."""
    user = User.objects.filter(email=email_to_look_up(email), is_active=True).first()
    owe_link(user=user, purpose=Purpose.RESET, by=SOMEBODY)


@transaction.atomic
def reset_password(*, token: str, password: str) -> User:
    """Let who has the link choose another password. Their sessions and API keys end; second factors stay.

    It also shows that mail reaches them. Raises LinkOver, and Invalid for a password that cannot be one.
    """
    link, user = take_link(token, purposes=(Purpose.RESET, Purpose.KNOWN))
    _check_password(password, user)
    use_up(link)
    _replace_password(user, make_password(password))
    if user.email_verified_at is None:
        _verified(user, by=Actor.user(user))
    by = Actor.user(user)
    end_sessions(user_id=user.pk, why="password reset", by=by, api_keys=True)
    forget_failures(user)
    record(action="password.reset", subject=user, by=by)
    tell(user_id=user.pk, notice="password_changed")
    return user


@transaction.atomic
def change_password(*, session: Session, password: str) -> tuple[Session, str]:
    """Another password for whoever's session this is; all their sessions end, and the one that is answered begins.

    API keys stay: they are secrets of their own. What was begun with the password before cannot be finished any more.
    Raises Invalid for a password that cannot be one, and SessionOver.
    """
    user = hold_person(session.user, session)
    _check_password(password, user)
    _replace_password(user, make_password(password))
    by = Actor.user(user)
    record(action="password.changed", subject=user, by=by)
    tell(user_id=user.pk, notice="password_changed")
    end_sessions(user_id=user.pk, why="password changed", by=by)
    void_challenges(user)
    shown = "before" if session.second_factor_at else ""
    return open_session(user=user, through="change of password", second_factor=shown)


@transaction.atomic
def ask_to_change_email(*, user: User, email: str) -> str:
    """Owe the new address a mail to confirm it with; the address, in its canonical form. Raises Invalid.

    When somebody else has it already, they are told that they are here, and who asks learns nothing.
    """
    address = canonical_email(email)
    taken_by = User.objects.filter(email=address).exclude(pk=user.pk).first()
    if taken_by is not None:
        owe_link(user=taken_by, purpose=Purpose.KNOWN, by=Actor.user(user))
    else:
        owe_link(user=user, purpose=Purpose.CHANGE, email=address, by=Actor.user(user))
    return address


@transaction.atomic
def _confirm_email(*, token: str, password: str) -> User | WrongCredentials:
    link, user = take_link(token, purposes=(Purpose.CONFIRM, Purpose.CHANGE))
    if not user.check_password(password):
        link.tries += 1
        link.save(update_fields=["tries"])
        return WrongCredentials("This is not the password that was chosen with this address.")
    use_up(link)
    by = Actor.user(user)
    if link.purpose == Purpose.CHANGE:
        _change_email(user, link, by=by)
    elif user.email == link.email:
        _verified(user, by=by)
    return user


def _change_email(user: User, link: EmailLink, *, by: Actor) -> None:
    if User.objects.filter(email=link.email).exclude(pk=user.pk).exists():
        raise EmailTaken("Somebody else is reached at this e-mail address by now.")
    link.email_before, user.email, user.email_verified_at = user.email, link.email, clock.now()
    link.save(update_fields=["email_before"])
    user.save(update_fields=["email", "email_verified_at"])
    void_links(user)
    record(action="email.changed", subject=user, by=by)
    announce(EmailChanged(link_id=str(link.pk)))


def _verified(user: User, *, by: Actor) -> None:
    user.email_verified_at = clock.now()
    user.save(update_fields=["email_verified_at"])
    record(action="email.confirmed", subject=user, by=by)


def _replace_password(user: User, hashed: str, *, display_name: str | None = None) -> None:
    user.password = hashed
    if display_name is not None:
        user.display_name = display_name
    user.save(update_fields=["password", "display_name"])
    void_links(user)


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user=user)
    except ValidationError as error:
        faults: list[dict[str, object]] = [{"field": "password", "message": message} for message in error.messages]
        raise Invalid("This password cannot be taken.", errors=faults) from None

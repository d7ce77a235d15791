"""Granting admin roles and withdrawing them: by another admin, never by oneself, and never the last who could."""

from collections.abc import Callable, Collection, Iterable
from typing import ClassVar, Final
from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.admin_roles import ACCESS, ADMIN_ROLES
from kernel.errors import Invalid, NotFound, Refused
from kernel.models import AdminRole, User
from kernel.services.access import end_sessions
from kernel.services.audit import Actor, record

Bar = Callable[[User], str | None]
"""Why somebody cannot be an admin, as a sentence; None when they can."""

_bars: Final[list[Bar]] = []


class OwnRoles(Refused):
    """Nobody changes their own admin roles."""

    code: ClassVar[str] = "own_roles"
    attempt = "admin_roles.reached_for"


class LastAccessAdmin(Refused):
    """Somebody must stay who can grant admin roles."""

    code: ClassVar[str] = "last_access_admin"


class CannotBeAdmin(Refused):
    """This person is something that an admin cannot be."""

    code: ClassVar[str] = "cannot_be_admin"


class IsAdmin(Refused):
    """Whoever holds an admin role cannot be a worker: they may read what workers are tested with."""

    code: ClassVar[str] = "is_admin"


def bar_from_admin_roles(bar: Bar) -> None:
    """Let ``bar`` say who cannot be an admin. Called while the apps load."""
    _bars.append(bar)


@transaction.atomic
def create_admin(
    *,
    email: str,
    by: Actor,
    password: str | None = None,
    display_name: str = "Admin",
    roles: Collection[str] = tuple(ADMIN_ROLES),
    why: str = "",
    vouched_for: bool = True,
) -> User:
    """A new user who holds these admin roles. Whoever calls this has looked at the password.

    An address that nobody has ``vouched_for`` is still to be confirmed, and the roles count from then on.
    """
    verified_at = clock.now() if vouched_for else None
    admin = User.objects.create_user(email, password, display_name=display_name, email_verified_at=verified_at)
    for role in roles:
        grant_admin_role(user_id=admin.pk, role=role, by=by, why=why)
    admin.refresh_from_db(fields=["is_staff"])
    return admin


@transaction.atomic
def grant_admin_role(*, user_id: UUID, role: str, by: Actor, why: str = "") -> AdminRole:
    """Let somebody hold an admin role; granting it again changes nothing.

    Raises Invalid for an unknown role or somebody inactive, NotFound, OwnRoles and CannotBeAdmin.
    """
    user = _locked(user_id, by=by)
    if role not in ADMIN_ROLES:
        raise Invalid(f"{role!r} is not an admin role. Possible: {', '.join(ADMIN_ROLES)}.")
    if not user.is_active:
        raise Invalid("This person's account is not active.")
    for bar in _bars:
        if sentence := bar(user):
            raise CannotBeAdmin(sentence)
    held = AdminRole.objects.filter(user=user, role=role).first()
    if held is not None:
        return held
    granted = AdminRole.objects.create(user=user, role=role, granted_by_id=UUID(by.id) if by.kind == "user" else None)
    details = {"user": str(user.pk)}
    record(action="admin_role.granted", subject=granted, by=by, why=why, to_state=role, details=details)
    _keep_staff(user)
    return granted


@transaction.atomic
def withdraw_admin_role(*, admin_role_id: UUID, by: Actor, why: str = "") -> None:
    """Take an admin role away; the person's sessions end. Raises NotFound, OwnRoles and LastAccessAdmin."""
    # Whoever withdraws locks all who hold this role first: two who withdraw each other's do not both succeed.
    access = list(AdminRole.objects.select_for_update(no_key=True).filter(role=ACCESS).order_by("id"))
    held = AdminRole.objects.select_for_update(no_key=True).filter(pk=admin_role_id).first()
    if held is None:
        raise NotFound("admin role")
    user = _locked(held.user_id, by=by)
    if held.role == ACCESS:
        _refuse_last([other.user_id for other in access if other.pk != held.pk])
    details = {"user": str(user.pk)}
    record(action="admin_role.withdrawn", subject=held, by=by, why=why, from_state=held.role, details=details)
    held.delete()
    _keep_staff(user)
    end_sessions(user_id=user.pk, why=f"admin role {held.role} withdrawn", by=by)


def refuse_admins(user_id: UUID) -> None:
    """Raise IsAdmin for whoever holds an admin role. Whoever asks has locked the person's row."""
    if AdminRole.objects.filter(user=user_id).exists():
        raise IsAdmin("An admin of the platform cannot be a worker: admins can read the questions that test workers.")


def _locked(user_id: UUID, *, by: Actor) -> User:
    if by == Actor("user", str(user_id)):
        raise OwnRoles("Nobody changes their own admin roles; another admin with the role access can.")
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None:
        raise NotFound("user")
    return user


def _refuse_last(others: Iterable[UUID]) -> None:
    if not User.objects.filter(pk__in=others, is_active=True).exists():
        raise LastAccessAdmin("This is the last admin who can grant roles. Make somebody else one first.")


def _keep_staff(user: User) -> None:
    """Keep true that Django's console knows as staff whoever holds a role."""
    is_admin = AdminRole.objects.filter(user=user).exists()
    if user.is_staff != is_admin:
        user.is_staff = is_admin
        user.save(update_fields=["is_staff"])

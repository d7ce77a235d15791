"""Who asks, with the roles that they have, and what the conditions of the policy mean in rows."""

from collections.abc import Callable

from django.db.models import Model, Q

from kernel.models import AdminRole, ApiKey, Session, User
from kernel.policy import ANY

Lookup = Callable[[User], object | None]
Opening = Callable[["Principal", frozenset[str]], Q]
"""Which rows of a model a condition opens for a principal who has these roles."""

_lookups: dict[str, Lookup] = {}
_openings: dict[tuple[str, type[Model]], Opening] = {}
_on_objects: list[Callable[[User], set[str]]] = []


def register_role(name: str, lookup: Lookup) -> None:
    """Let ``lookup`` tell who has a role, by what makes them have it. Called while the apps load."""
    assert name not in _lookups, f"The role {name} is registered already."
    _lookups[name] = lookup


def register_roles_on_objects(lookup: Callable[[User], set[str]]) -> None:
    """Let ``lookup`` tell which roles somebody has on any object at all. Called once, while the apps load."""
    assert not _on_objects, "Roles on objects are looked up in one way."
    _on_objects.append(lookup)


def register_condition(name: str, openings: dict[type[Model], Opening]) -> None:
    """Say which rows of which models a condition of the table opens. Called while the apps load."""
    for model, opening in openings.items():
        assert (name, model) not in _openings, f"The condition {name} is registered already for {model.__name__}."
        _openings[name, model] = opening


def is_registered(condition: str) -> bool:
    """Whether it is known which rows a condition opens."""
    return condition == ANY or any(name == condition for name, _ in _openings)


def opening_of(condition: str, model: type[Model]) -> Opening | None:
    """Which rows of a model a condition opens; None when it says nothing about them."""
    return _openings.get((condition, model))


class Principal:
    """Whoever asks, as authentication found them. What costs a query is looked up when a rule asks for it, once."""

    __slots__ = ("_admin_roles", "_held", "user", "way_in")

    def __init__(self, user: User | None, way_in: Session | ApiKey | None = None) -> None:
        self.user = user
        self.way_in = way_in
        self._held: dict[str, object | None] = {}
        self._admin_roles: frozenset[str] | None = None

    @property
    def is_newcomer(self) -> bool:
        """Whether they are signed in and have not confirmed their e-mail address yet."""
        return self.user is not None and self.user.email_verified_at is None

    @property
    def admin_roles(self) -> frozenset[str]:
        """The admin roles that were granted to this person."""
        if self._admin_roles is None:
            is_admin = self.user is not None and self.user.is_staff  # so that only admins cost the query
            granted = AdminRole.objects.filter(user=self.user).values_list("role", flat=True)
            self._admin_roles = frozenset(granted if is_admin else ())
        return self._admin_roles

    def held(self, role: str) -> object | None:
        """What makes the principal have a looked-up role (the worker who they are), or None."""
        if role not in self._held:
            self._held[role] = _lookups[role](self.user) if self.user is not None else None
        return self._held[role]

    def is_looked_up(self, role: str) -> bool:
        """Whether it is known already if they have a looked-up role."""
        return role in self._held

    def roles(self) -> list[str]:
        """Every role of theirs at this moment that is more than being signed in, by name."""
        if self.user is None:
            return []
        looked_up = {name for name in _lookups if self.held(name)}
        return sorted({*looked_up, *self.admin_roles, *(role for lookup in _on_objects for role in lookup(self.user))})

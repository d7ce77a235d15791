"""What a person is here. Upper apps say so from the page of wiring; the kernel itself knows only admins."""

from collections.abc import Callable

from kernel.models import User

Predicate = Callable[[User], bool]

_roles: dict[str, Predicate] = {}


def register_role(name: str, predicate: Predicate) -> None:
    """Let ``predicate`` tell who has the role ``name``. Called while the apps load."""
    assert name not in _roles, f"The role {name} is registered already."
    _roles[name] = predicate


def has_role(user: User, name: str) -> bool:
    """Whether ``user`` has the role ``name`` at this moment."""
    return _roles[name](user)


def roles_of(user: User) -> list[str]:
    """The roles that ``user`` has at this moment, by name."""
    return sorted(name for name, predicate in _roles.items() if predicate(user))


register_role("admin", lambda user: user.is_staff)

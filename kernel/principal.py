"""Who asks, and what the policy table lets them do: the roles that they have, and the rows that these open."""

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_
from typing import Final, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from kernel import policy
from kernel.errors import NotAllowed, NotFound
from kernel.models import AdminRole, ApiKey, Session, User
from kernel.policy import ANY, Kind, Rule

Row = TypeVar("Row", bound=Model)
Lookup = Callable[[User], object | None]
Opening = Callable[["Principal", frozenset[str]], Q]
"""Which rows of a model a condition opens for a principal who has these roles."""

_UNKNOWN: Final = object()
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


class Principal:
    """Whoever asks, as authentication found them. What costs a query is looked up when a rule asks for it, once."""

    __slots__ = ("_admin_roles", "_held", "user", "way_in")

    def __init__(self, user: User | None, way_in: Session | ApiKey | None = None) -> None:
        self.user = user
        self.way_in = way_in
        self._held: dict[str, object | None] = {}
        self._admin_roles: frozenset[str] | None = None

    @property
    def key(self) -> ApiKey | None:
        """The API key that the principal came in by, if it was one."""
        return self.way_in if isinstance(self.way_in, ApiKey) else None

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

    def is_known_to_lack(self, role: str) -> bool:
        """Whether a looked-up role was looked up already, and is not theirs."""
        return self._held.get(role, _UNKNOWN) is None

    def roles(self) -> list[str]:
        """Every role of theirs at this moment that is more than being signed in, by name."""
        if self.user is None:
            return []
        looked_up = {name for name in _lookups if self.held(name)}
        return sorted({*looked_up, *self.admin_roles, *(role for lookup in _on_objects for role in lookup(self.user))})


class Permit:
    """What one principal may do by one action: the rules that apply to them, and the rows that these open.

    Rules of roles on objects are among them for everybody who is signed in: they open what somebody has the role on,
    which may be nothing.
    """

    __slots__ = ("action", "principal", "rules")

    def __init__(self, principal: Principal, action: str, rules: tuple[Rule, ...]) -> None:
        self.principal = principal
        self.action = action
        self.rules = rules

    def holds(self, *kinds: Kind) -> bool:
        """Whether a rule of a role of one of these kinds applies."""
        roles = policy.table().roles
        return any(roles[rule.role].kind in kinds for rule in self.rules)

    def among(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Those of ``rows`` that the rules open. A condition that says nothing about such rows opens none."""
        by_condition: dict[str, set[str]] = {}
        for rule in self.rules:
            by_condition.setdefault(rule.condition, set()).add(rule.role)
        if ANY in by_condition:
            return rows
        opened = [
            _openings[condition, rows.model](self.principal, frozenset(roles))
            for condition, roles in by_condition.items()
            if (condition, rows.model) in _openings
        ]
        return rows.filter(reduce(or_, opened)) if opened else rows.none()

    def find(self, rows: QuerySet[Row], pk: UUID, *, noun: str, seen_in: str) -> Row:
        """The one of ``rows`` with this key that the rules open.

        Raises NotAllowed when the principal sees it (by the action ``seen_in``) but may not do this, else NotFound:
        what is another's costs the same and reads the same as what does not exist.
        """
        found = self.among(rows).filter(pk=pk).first()
        if found is not None:
            return found
        if seen_in != self.action and for_principal(self.principal, rows, seen_in).filter(pk=pk).exists():
            raise NotAllowed(f"You may not do this with this {noun}. It takes the role {_roles_in(self.action)}.")
        raise NotFound(noun)


def for_principal(principal: Principal, rows: QuerySet[Row], action: str) -> QuerySet[Row]:
    """Those of ``rows`` that the table opens to a principal by an action; none when it does not let them at all."""
    rules, _ = _weigh(principal, policy.table().of(action))
    return Permit(principal, action, rules).among(rows)


def admit(principal: Principal, action: str) -> Permit:
    """What the principal may do by an action. Raises NotAllowed, with the way out where there is one."""
    entry = policy.table().of(action)
    rules, refusals = _weigh(principal, entry)
    if rules:
        return Permit(principal, action, rules)
    raise refusals[0] if refusals else NotAllowed(_for_whom(entry))


def _weigh(principal: Principal, entry: Iterable[Rule]) -> tuple[tuple[Rule, ...], list[NotAllowed]]:
    """Which rules apply, and what stands in the way of those whose role the principal has."""
    applying: list[Rule] = []
    refusals: list[NotAllowed] = []
    waiting: list[Rule] = []
    roles = policy.table().roles
    for rule in entry:
        kind = roles[rule.role].kind
        if kind is Kind.LOOKED_UP and rule.role not in principal._held:
            waiting.append(rule)
        elif _has_role(principal, rule.role, kind):
            _sort(principal, rule, applying, refusals)
    if not applying:  # only now is a look-up worth its query
        for rule in waiting:
            if principal.held(rule.role) is not None:
                _sort(principal, rule, applying, refusals)
    return tuple(applying), refusals


def _sort(principal: Principal, rule: Rule, applying: list[Rule], refusals: list[NotAllowed]) -> None:
    refusal = _refusal(principal, rule)
    if refusal is None:
        applying.append(rule)
    else:
        refusals.append(refusal)


def _has_role(principal: Principal, role: str, kind: Kind) -> bool:
    if kind is Kind.ANYONE:
        return True
    if principal.user is None:
        return False
    if kind is Kind.ADMIN:
        return role in principal.admin_roles
    return kind is not Kind.LOOKED_UP or principal.held(role) is not None


def _refusal(principal: Principal, rule: Rule) -> NotAllowed | None:
    if principal.key is not None and rule.scope is None:
        return NotAllowed("This needs a person: sign in and use the session's token instead of an API key.")
    return None


def _roles_in(action: str) -> str:
    return " or ".join(dict.fromkeys(rule.role for rule in policy.table().of(action)))


def _for_whom(entry: Iterable[Rule]) -> str:
    roles = [policy.table().roles[rule.role] for rule in entry]
    for role in roles:
        if role.refusal:
            return role.refusal
    admins = sorted({role.name for role in roles if role.kind is Kind.ADMIN})
    if admins:
        return f"Only an admin of the platform may do this, with the role {' or '.join(admins)}."
    return "Nobody may do this: no row of the policy table allows it."

"""What the policy lets a principal do by one action: the rules that apply, and the rows and fields that they open."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import TypeVar
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Model, Q, QuerySet

from kernel import policy
from kernel.errors import NotAllowed, NotFound
from kernel.policy import ANY, Kind, Rule
from kernel.principal import Principal, opening_of
from kernel.shown_fields import Tree
from kernel.ways_in import MOST_HELPFUL_FIRST, EmailNotConfirmed, why_not_by

Row = TypeVar("Row", bound=Model)


class Permit:
    """What one principal may do by one action.

    Rules of roles on objects are among ``rules`` for everybody who is signed in: they open what somebody has the role
    on, which may be nothing. Once one row was found, only the rules that open it are left.
    """

    __slots__ = ("action", "principal", "rules")

    def __init__(self, principal: Principal, action: str, rules: tuple[Rule, ...]) -> None:
        self.principal = principal
        self.action = action
        self.rules = rules

    @property
    def reads(self) -> Tree:
        """The fields of the answer that are shown. Deny by default: what no rule names is not among them."""
        return policy.table().fields_of(self.rules, "reads")

    @property
    def writes(self) -> Tree:
        """The fields of the body that are taken."""
        return policy.table().fields_of(self.rules, "writes")

    def holds(self, *kinds: Kind) -> bool:
        """Whether a rule of a role of one of these kinds applies."""
        roles = policy.table().roles
        return any(roles[rule.role].kind in kinds for rule in self.rules)

    def only(self, role: str) -> "Permit":
        """This permit by the rules of one role alone, looked up now if it was not. Raises NotAllowed without any."""
        entry = [rule for rule in policy.table().of(self.action) if rule.role == role]
        return Permit(self.principal, self.action, _admitted(self.principal, entry))

    def without(self, role: str) -> "Permit":
        """This permit but for the rules of one role."""
        return Permit(self.principal, self.action, tuple(rule for rule in self.rules if rule.role != role))

    def among(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Those of ``rows`` that the rules open. A condition that says nothing about such rows opens none."""
        opened = _opened(self.principal, self.rules, rows.model)
        return rows if opened is None else rows.filter(opened)

    def seek(self, rows: QuerySet[Row], pk: UUID) -> Row | None:
        """The one of ``rows`` with this key that the rules open, or None. From then on only the rules that do count."""
        groups = _alike(self.rules)
        if len({(rule.reads, rule.writes) for rule in self.rules}) <= 1:
            return self.among(rows).filter(pk=pk).first()
        opened = [_opened(self.principal, group, rows.model) for group in groups]
        marks = {
            f"opened_{place}": ExpressionWrapper(condition, output_field=BooleanField())
            for place, condition in enumerate(opened)
            if condition is not None
        }
        found: Row | None = self.among(rows).annotate(**marks).filter(pk=pk).first()
        if found is not None:
            opening = [group for place, group in enumerate(groups) if getattr(found, f"opened_{place}", True)]
            self.rules = tuple(rule for group in opening for rule in group)
        return found

    def find(self, rows: QuerySet[Row], pk: UUID, *, noun: str, seen_in: str) -> Row:
        """The one of ``rows`` with this key that the rules open.

        Raises NotAllowed when the principal sees it (by the action ``seen_in``) but may not do this, else NotFound:
        what is another's costs the same and reads the same as what does not exist.
        """
        found = self.seek(rows, pk)
        if found is not None:
            return found
        if seen_in != self.action and for_principal(self.principal, rows, seen_in).filter(pk=pk).exists():
            raise NotAllowed(f"You may not do this with this {noun}. It takes the role {_roles_in(self.action)}.")
        raise NotFound(noun)


def admit(principal: Principal, action: str) -> Permit:
    """What the principal may do by an action. Raises NotAllowed, with the way out where there is one."""
    return Permit(principal, action, _admitted(principal, policy.table().of(action)))


def for_principal(principal: Principal, rows: QuerySet[Row], action: str) -> QuerySet[Row]:
    """Those of ``rows`` that the table opens to a principal by an action; none when it does not let them at all."""
    try:
        return admit(principal, action).among(rows)
    except NotAllowed:
        return rows.none()


def _alike(rules: Iterable[Rule]) -> list[list[Rule]]:
    """The rules in groups that open the same rows, and in them the same fields."""
    groups: dict[tuple[object, ...], list[Rule]] = {}
    for rule in rules:
        groups.setdefault((rule.condition, rule.reads, rule.writes), []).append(rule)
    return list(groups.values())


def _opened(principal: Principal, rules: Iterable[Rule], model: type[Model]) -> Q | None:
    """Which rows of a model the rules open; None for all of them."""
    by_condition: dict[str, set[str]] = {}
    for rule in rules:
        by_condition.setdefault(rule.condition, set()).add(rule.role)
    if ANY in by_condition:
        return None
    openings = [(opening_of(condition, model), frozenset(roles)) for condition, roles in by_condition.items()]
    nothing = Q(pk__in=[])
    return reduce(or_, [opening(principal, roles) for opening, roles in openings if opening is not None], nothing)


def _admitted(principal: Principal, entry: Sequence[Rule]) -> tuple[Rule, ...]:
    """Which rules apply. Raises NotAllowed when none does."""
    roles = policy.table().roles
    applying: list[Rule] = []
    refusals: list[NotAllowed] = []
    waiting: list[Rule] = []
    for rule in entry:
        kind = roles[rule.role].kind
        if kind is Kind.LOOKED_UP and not principal.is_looked_up(rule.role):
            waiting.append(rule)
        else:
            _sort(principal, rule, kind, applying, refusals)
    if not applying:  # only now is a look-up worth its query
        for rule in waiting:
            _sort(principal, rule, Kind.LOOKED_UP, applying, refusals)
    if not applying:
        raise _most_helpful(refusals) if refusals else NotAllowed(_for_whom(entry))
    return tuple(applying)


def _sort(principal: Principal, rule: Rule, kind: Kind, applying: list[Rule], refusals: list[NotAllowed]) -> None:
    if kind not in (Kind.ANYONE, Kind.NEWCOMER) and principal.is_newcomer:
        refusals.append(EmailNotConfirmed())
    elif _has_role(principal, rule.role, kind):
        refusal = why_not_by(principal.way_in, rule, kind)
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


def _most_helpful(refusals: Sequence[NotAllowed]) -> NotAllowed:
    return next((each for kind in MOST_HELPFUL_FIRST for each in refusals if isinstance(each, kind)), refusals[0])


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

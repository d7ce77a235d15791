"""The policy table: what a row is, and how rows are found. Plain data; the rows of ours stand in `marketplace/policy`.

A row says that who has a role may take an action on a resource, under a condition, reading and writing these fields.
What no row allows is refused. An action is an operation of the API by its id (`post_a_job`), a section of the console
or an action in it (`console.billing.payout`, `console.billing.payout.drive_on`), or another address by its name
(`page.home`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, Literal

from kernel.shown_fields import Tree, tree_of

ANY: Final = "any"
"""The condition that every row of the resource meets."""

ANY_KEY: Final = "any key"
"""The scope of what every API key may do, whatever its scopes."""


class Kind(Enum):
    """How it is told whether somebody has a role."""

    ANYONE = "everybody has it, signed in or not"
    NEWCOMER = "whoever is signed in has it, also before their e-mail address is confirmed"
    PERSON = "whoever is signed in has it, once their e-mail address is confirmed"
    LOOKED_UP = "a look-up tells it, once a request"
    ON_OBJECT = "somebody has it on single objects, so the rows that are found tell it"
    ADMIN = "it was granted, and counts in a session with a second factor"


@dataclass(frozen=True, slots=True)
class Role:
    """Who somebody may be. ``condition`` goes with the role's rows unless they name another."""

    name: str
    kind: Kind
    about: str
    condition: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. Without a ``scope`` no API key may do it; ``fresh`` asks for a factor that was shown a moment ago."""

    role: str
    resource: str
    action: str
    condition: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    scope: str | None = None
    fresh: bool = False
    why: str = ""


@dataclass(frozen=True)
class Table:
    """All rows, and the words that they may use: roles, conditions and scopes, each with what it means.

    A row that names no condition has its role's.
    """

    roles: Mapping[str, Role]
    conditions: Mapping[str, str]
    scopes: Mapping[str, str]
    rules: tuple[Rule, ...]
    by_action: dict[str, tuple[Rule, ...]] = field(init=False, repr=False)
    _trees: dict[tuple[object, ...], Tree] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        rules = tuple(_with_condition(rule, self.roles) for rule in self.rules)
        found: dict[str, list[Rule]] = {}
        for rule in rules:
            found.setdefault(rule.action, []).append(rule)
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "by_action", {action: tuple(rows) for action, rows in found.items()})

    def of(self, action: str) -> tuple[Rule, ...]:
        """The rows of an action; none for one that the table does not know."""
        return self.by_action.get(action, ())

    def fields_of(self, rules: tuple[Rule, ...], part: Literal["reads", "writes"]) -> Tree:
        """The fields that rows of this table let whoever they all apply to read, or write. Worked out once.

        A row that opens anything there is counts always. Of others only what they have in common counts: which of them
        opens the row that is shown is not known here.
        """
        key = (part, *map(id, rules))  # the table holds its rows, so no other has the same id meanwhile
        tree = self._trees.get(key)
        if tree is None:
            tree = self._trees[key] = _fields_of(rules, part)
        return tree

    def plus(self, rules: Iterable[Rule]) -> "Table":
        """This table with more rows."""
        return replace(self, rules=(*self.rules, *rules))

    def without(self, action: str) -> "Table":
        """This table without the rows of an action."""
        return replace(self, rules=tuple(rule for rule in self.rules if rule.action != action))

    def faults(self) -> Iterator[str]:
        """What is wrong with the table in itself, in sentences."""
        seen = set()
        for rule in self.rules:
            row = f"The row of {rule.role} for {rule.action}"
            if rule.role not in self.roles:
                yield f"{row} names a role that there is not: {rule.role}."
            if rule.condition not in self.conditions:
                yield f"{row} names a condition that there is not: {rule.condition}."
            if rule.scope not in (None, ANY_KEY, *self.scopes):
                yield f"{row} names a scope that there is not: {rule.scope}."
            if rule.fresh and rule.scope and rule.role in self.roles and self.roles[rule.role].kind is Kind.ADMIN:
                yield f"{row} asks for a fresh factor and has a scope: admins' keys are never enough for that."
            if (rule.role, rule.action, rule.condition) in seen:
                yield f"{row} stands twice under the condition {rule.condition}."
            seen.add((rule.role, rule.action, rule.condition))
        for action, rules in self.by_action.items():
            if len({rule.resource for rule in rules}) > 1:
                yield f"The rows of {action} name several resources."


def allow(
    action: str,
    *,
    on: str,
    to: str,
    when: str = "",
    reads: str = "",
    writes: str = "",
    scope: str | None = None,
    fresh: bool = False,
    why: str = "",
) -> tuple[Rule, ...]:
    """The rows that let each of these roles (``to``, in words) take the action ``on`` the resource.

    Without ``when`` each role's own condition holds. Fields are words too; those of a part stand in brackets behind it:
    ``"id title requirements(skill min_lower_bound)"``.
    """
    read, written = tuple(paths_in(reads)), tuple(paths_in(writes))
    return tuple(Rule(role, on, action, when, read, written, scope, fresh, why) for role in to.split())


def paths_in(text: str) -> Iterator[str]:
    """The fields that a text names, each with what it is a part of: `requirements`, `requirements.skill`."""
    above: list[str] = []
    last = ""
    for word in text.replace("(", " ( ").replace(")", " ) ").split():
        if word == "(":
            above.append(last)
        elif word == ")":
            above.pop()
        else:
            last = ".".join([*above[-1:], word])
            yield last


def _fields_of(rules: Iterable[Rule], part: Literal["reads", "writes"]) -> Tree:
    always = {path for rule in rules if rule.condition == ANY for path in getattr(rule, part)}
    sometimes = [set(getattr(rule, part)) for rule in rules if rule.condition != ANY]
    shared = set.intersection(*sometimes) if sometimes else set[str]()
    known = tree_of(path for rule in rules for path in getattr(rule, part))
    return _cut(known, always | shared)


def _cut(tree: Tree, paths: set[str], above: str = "") -> Tree:
    """What of a tree the paths name. A field whose parts are none of them stays without any, and not with all."""
    return {
        name: None if parts is None else _cut(parts, paths, f"{above}{name}.")
        for name, parts in tree.items()
        if above + name in paths
    }


def _with_condition(rule: Rule, roles: Mapping[str, Role]) -> Rule:
    return rule if rule.condition or rule.role not in roles else replace(rule, condition=roles[rule.role].condition)


_table = Table({}, {}, {}, ())


def install(table: Table) -> None:
    """Let this be the table that everything asks. Called while the apps load, from the page of wiring."""
    global _table  # noqa: PLW0603  (one process has one policy)
    _table = table


def table() -> Table:
    """The table in force."""
    return _table


def rules() -> tuple[Rule, ...]:
    """Every row of the table in force."""
    return _table.rules

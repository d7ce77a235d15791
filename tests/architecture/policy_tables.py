"""The tables of docs/policy.md: the policy as it is in force, for people to read."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final

from kernel import policy
from kernel.policy import ANY_KEY, Kind, Rule
from kernel.shown_fields import Tree, tree_of
from marketplace.policy import assurance, clients, console, jobs, people, quality, trust, work, workforce
from tests.architecture.markdown import table

PARTS: Final = {
    part.__name__.rpartition(".")[2]: part
    for part in (people, clients, jobs, assurance, work, workforce, quality, trust, console)
}


@table("role", "who", "told by")
def roles() -> Iterator[Sequence[str]]:
    """Whoever somebody may be."""
    for role in policy.table().roles.values():
        yield f"`{role.name}`", role.about, role.kind.value


@table("condition", "which rows")
def conditions() -> Iterator[Sequence[str]]:
    """Which rows a rule is about."""
    yield from policy.table().conditions.items()


@table("scope", "what a key with it may do")
def scopes() -> Iterator[Sequence[str]]:
    """What API keys are limited to."""
    for name, about in policy.table().scopes.items():
        yield f"`{name}`", about


def rows_of(part: str) -> list[str]:
    """The rules of one part of the product, those of one action together."""
    actions = dict.fromkeys(rule.action for rule in PARTS[part].ROWS)
    lines: Callable[[], list[str]] = table("action", "on", "who", "which rows", "reads", "writes", "by key", "notes")(
        lambda: (cells for action in actions for cells in _cells_of(policy.table().of(action)))
    )
    return lines()


def _cells_of(rules: Sequence[Rule]) -> Iterator[Sequence[str]]:
    for shown, alike in groupby(rules, key=_but_for_the_role):
        who = ", ".join(f"`{rule.role}`" for rule in alike)
        first, *others = shown
        yield first, others[0], who, *others[1:]


def _but_for_the_role(rule: Rule) -> Sequence[str]:
    return (
        f"`{rule.action}`",
        rule.resource,
        policy.table().conditions[rule.condition],
        _fields(tree_of(rule.reads)),
        _fields(tree_of(rule.writes)),
        _by_key(rule),
        " ".join(filter(None, ["Asks for a fresh factor." if rule.fresh else "", rule.why])),
    )


def _fields(tree: Tree) -> str:
    return " ".join(name if parts is None else f"{name}({_fields(parts)})" for name, parts in tree.items())


def _by_key(rule: Rule) -> str:
    if rule.scope is None:
        return "any" if policy.table().roles[rule.role].kind is Kind.ANYONE else "–"
    return "any" if rule.scope == ANY_KEY else f"`{rule.scope}`"

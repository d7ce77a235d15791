"""The system check of the policy: what it does not cover cannot be served, and it covers nothing that is not there."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from kernel import policy
from kernel.api.field_checks import field_holes
from kernel.api.permissions import ByPolicy
from kernel.api.served import Served, served
from kernel.policy import Table
from kernel.principal import is_registered


@register(Tags.urls)
def check_policy(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Every hole in the policy as an error."""
    return [Error(hole, id="policy.E001") for hole in holes(policy.table(), list(served()))]


def refuse_holes() -> None:
    """Raise ImproperlyConfigured when the policy has a hole. What serves requests calls it as it starts."""
    offered = list(served())  # first: addresses may bring rows of their own
    found = list(holes(policy.table(), offered))
    if found:
        raise ImproperlyConfigured("The policy table does not cover what is served:\n- " + "\n- ".join(found))


def holes(table: Table, offered: Sequence[Served]) -> Iterator[str]:
    """What is wrong between the table and what is served, in sentences."""
    yield from table.faults()
    yield from _unregistered(table)
    yield from _uncovered(table, offered)
    yield from _permitted_otherwise(offered)
    yield from _published_otherwise(table, offered)
    yield from field_holes(table, offered)


def _unregistered(table: Table) -> Iterator[str]:
    for condition in dict.fromkeys(rule.condition for rule in table.rules):
        if condition in table.conditions and not is_registered(condition):
            yield f"Nothing says which rows the condition {condition} opens."


def _uncovered(table: Table, offered: Iterable[Served]) -> Iterator[str]:
    known, addresses = set(table.by_action), {each.action: each for each in offered}
    for action in sorted(addresses.keys() - known):
        each = addresses[action]
        yield f"{each.method.upper()} {each.address}".strip() + f" has no row: nobody is let do {action}."
    for action in sorted(known - addresses.keys()):
        yield f"The table has rows for {action}, but nothing of that name is served."


def _published_otherwise(table: Table, offered: Iterable[Served]) -> Iterator[str]:
    for each in offered:
        is_open = any(rule.role == "anyone" for rule in table.of(each.action))
        if each.handler is not None and each.handler.public != is_open:  # type: ignore[attr-defined]  # from `operation`
            let = "lets anybody" if is_open else "lets nobody"
            yield f"The policy {let} do {each.action} without signing in; its operation is published otherwise."


def _permitted_otherwise(offered: Iterable[Served]) -> Iterator[str]:
    for view in dict.fromkeys(each.view for each in offered if each.view is not None):
        if list(view.permission_classes) != [ByPolicy] or "get_permissions" in vars(view):
            yield f"{view.__name__} decides for itself who may use it; only the policy table does."

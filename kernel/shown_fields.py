"""Which fields of an answer are shown and which of a body are taken: trees of names, as the policy names them."""

from collections.abc import Iterable, Mapping
from typing import Any, Optional

Tree = dict[str, Optional["Tree"]]
"""Fields by name, each with those of its parts, or None where it has none of its own."""


def tree_of(paths: Iterable[str]) -> Tree:
    """The tree of dotted paths: `requirements`, `requirements.skill`."""
    tree: Tree = {}
    for path in paths:
        *above, name = path.split(".")
        inner = tree
        for part in above:
            inner = _parts_of(inner, part)
        inner.setdefault(name, None)
    return tree


def paths_of(tree: Tree, above: str = "") -> Iterable[str]:
    """The dotted paths of a tree, each field before its parts."""
    for name, parts in tree.items():
        yield above + name
        if parts is not None:
            yield from paths_of(parts, f"{above}{name}.")


def shown(value: Any, tree: Tree) -> Any:
    """``value`` with the fields that ``tree`` names, and no others."""
    if isinstance(value, dict):
        return {
            name: inner if (parts := tree[name]) is None else shown(inner, parts)
            for name, inner in value.items()
            if name in tree
        }
    if isinstance(value, (list, tuple)):
        return [shown(inner, tree) for inner in value]
    return value


def not_taken(value: Any, tree: Tree) -> Mapping[str, Any]:
    """The fields of a body that ``tree`` does not name, each with the reason why it is refused."""
    faults: dict[str, Any] = {}  # plain dicts only: to ask for a Mapping takes longer than all the rest
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in tree:
                if len(faults) < 20:
                    known = ", ".join(sorted(tree)) or "none"
                    faults[str(name)[:100]] = f"There is no such field here. Known fields: {known}."
            elif (parts := tree[name]) is not None and (below := not_taken(inner, parts)):
                faults[name] = below
    elif isinstance(value, list):
        below_each = ((str(place), not_taken(inner, tree)) for place, inner in enumerate(value))
        faults = {place: below for place, below in below_each if below}
    return faults


def _parts_of(tree: Tree, name: str) -> Tree:
    parts = tree.get(name)
    if parts is None:
        parts = tree[name] = {}
    return parts

"""One API operation: what arrives at it, and where it stands in the table of routes."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from billing.demo.stripe_double.errors import Json
from billing.demo.stripe_double.world import World


@dataclass(frozen=True)
class Call:
    """A request whose parameters have been checked: ``ids`` come from its address, ``account`` from its header."""

    account: str
    path: str
    ids: tuple[str, ...]
    given: Json


@dataclass(frozen=True)
class Route:
    """``path`` with one ``{}`` for each id; ``shape`` is the TypedDict its parameters are checked against.

    ``expands`` names what may be shown as the object itself and not as its id; of the rows of a list as ``data.…``.
    """

    method: str
    path: str
    shape: type
    run: Callable[[World, Call], Json]
    expands: tuple[str, ...] = ()

    def ids_in(self, method: str, path: str) -> tuple[str, ...] | None:
        if method != self.method:
            return None
        match = re.fullmatch(re.escape(self.path).replace(r"\{\}", r"(\w+)"), path)
        return None if match is None else match.groups()

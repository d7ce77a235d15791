"""States as data: which may become which. `kernel.flow` has the door that moves them."""

from collections.abc import Mapping
from typing import Any, Final

Transitions = Mapping[str, set[str]]


class Flow:
    """Which state may become which. A state that is not a key is final."""

    def __init__(self, transitions: Mapping[Any, set[Any]]) -> None:
        self.transitions: Final[Transitions] = {str(k): {str(v) for v in to} for k, to in transitions.items()}

    def next_states(self, state: str) -> list[str]:
        """The states that ``state`` may become, sorted; empty when it is final."""
        return sorted(self.transitions.get(str(state), set()))

    def allows(self, state: str, to: str) -> bool:
        """Whether ``state`` may become ``to``."""
        return str(to) in self.transitions.get(str(state), set())

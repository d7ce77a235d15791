"""How much chaos, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

PAYOUTS_OF_A_TURN: Final = 10
REWARD_MINOR: Final = 2_000
SMALLEST_MINOR: Final = 100
LARGEST_MINOR: Final = 300


@dataclass(frozen=True)
class Plan:
    """What is to happen. ``seconds`` bounds the load and ``drain_seconds`` what follows it; all else are counts."""

    seconds: float = 60
    drain_seconds: float = 150
    payouts: int = 120
    kills: int = 24
    database_kills: int = 3
    faults: int = 60
    seed: int = 1

    @property
    def all_kills(self) -> int:
        """Those of the database counted in."""
        return self.kills + self.database_kills

    @property
    def workers(self) -> int:
        """How many workers are paid out."""
        return max(4, self.payouts // 250)

    @property
    def turns(self) -> int:
        """How many answers they are paid for, a few more than the payouts take."""
        return self.payouts // PAYOUTS_OF_A_TURN * 2 + 2 * self.workers

    @property
    def fundings(self) -> int:
        """How many payments of clients there are beside that of the beginning; every second is half refunded."""
        return max(4, self.payouts // 50)

    @property
    def returns(self) -> int:
        """Of how many payouts Stripe takes parts back."""
        return max(4, self.payouts // 50)

    @property
    def disputes(self) -> int:
        """How many payments are disputed in part, and come again in part."""
        return max(4, self.payouts // 250)


LONG: Final = Plan(
    seconds=2_400, drain_seconds=600, payouts=10_000, kills=1_250, database_kills=100, faults=5_000, seed=1
)


@dataclass
class Outcome:
    """What happened, in counts, and what it came to, in minor units."""

    payouts: Mapping[str, int] = field(default_factory=dict)
    fundings: Mapping[str, int] = field(default_factory=dict)
    refunds: Mapping[str, int] = field(default_factory=dict)
    disputes: Mapping[str, int] = field(default_factory=dict)
    parts_taken_back: int = 0
    parts_of_disputes: int = 0
    movements_unmatched: int = 0
    turns_paid: int = 0
    asked_over_http: int = 0
    resent_over_http: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    webhooks: int = 0
    webhooks_parked: Sequence[str] = ()
    reactions_driven_again: int = 0
    paid_out_minor: int = 0
    lost_minor: int = 0
    paid_twice_minor: int = 0
    stuck_minor: int = 0
    broken: Sequence[str] = ()
    stalled: bool = False
    load_seconds: float = 0.0
    drain_seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        """Whether no cent was lost, paid twice or stuck, every promise is kept, and nothing waits for a person."""
        money = self.lost_minor or self.paid_twice_minor or self.stuck_minor
        unclear = self.webhooks_parked or self.movements_unmatched
        return not (money or self.broken or self.stalled or unclear)

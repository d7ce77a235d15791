"""Misbehaviour on order: answers that fail, and webhooks that come late, twice, out of order or never."""

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from billing.demo.stripe_double.errors import Refusal


class FaultKind(StrEnum):
    """What goes wrong. Before: nothing has been done. After: it has been done, and the caller cannot tell."""

    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    SLOW_BEFORE = "slow_before"
    SLOW_AFTER = "slow_after"
    SERVER_ERROR_BEFORE = "server_error_before"
    SERVER_ERROR_AFTER = "server_error_after"
    DOWN = "down"
    HTML_BEFORE = "html_before"
    HTML_AFTER = "html_after"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"


@dataclass
class Fault:
    """One order: requests like ``match`` ("POST /v1/transfers"; * stands for anything) fail as ``kind`` says.

    ``down`` is otherwise: nothing is answered any more, for ``seconds`` by Stripe's clock, however often it is asked.

    The first ``skip`` of them pass, then ``times`` fail (None: until cleared). With ``share`` below 1 each of them
    fails with that probability, drawn from a generator seeded with ``seed``. ``seconds`` is how long a slow one takes.
    """

    match: str
    kind: FaultKind
    times: int | None = 1
    skip: int = 0
    share: float = 1.0
    seconds: float = 1.0
    seed: int = 0
    until: float = 0
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.kind = FaultKind(self.kind)
        self._chance = random.Random(self.seed)

    def strikes(self, request_line: str) -> bool:
        """Whether this request fails; counts it."""
        if self.times == 0 or not fnmatchcase(request_line, self.match):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self._chance.random() >= self.share:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class FaultBoard:
    """The orders that stand, tried first come first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.struck: Counter[str] = Counter()
        """How many answers went wrong, by how."""

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def forget_over(self, *, now: float) -> None:
        """Take away what has lasted long enough."""
        with self._lock:
            self._faults = [fault for fault in self._faults if not fault.until or now < fault.until]

    def standing(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def take(self, request_line: str, *, now: float) -> Fault | None:
        """The order that this request falls under, if any."""
        self.forget_over(now=now)
        with self._lock:
            struck = next((fault for fault in self._faults if fault.strikes(request_line)), None)
            self._faults = [fault for fault in self._faults if fault.times != 0]
            if struck is not None:
                self.struck[struck.kind] += 1
            return struck


@dataclass
class WebhookFaults:
    """How unreliable the webhooks are. Shares are probabilities; ``shuffle_seconds`` delays each by a random time."""

    lost: float = 0.0
    duplicated: float = 0.0
    delay_seconds: float = 0.0
    shuffle_seconds: float = 0.0
    seed: int = 0
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def plan(self) -> list[float]:
        """For one event: after how many seconds each of its webhooks starts out."""
        if self._chance.random() < self.lost:
            return []
        copies = 2 if self._chance.random() < self.duplicated else 1
        return [self.delay_seconds + self._chance.random() * self.shuffle_seconds for _ in range(copies)]


def conflict() -> Refusal:
    return Refusal(
        "There is currently another in-progress request using this Stripe API idempotency key. Please try again later.",
        status=409,
        code="idempotency_key_in_use",
    )


def rate_limited() -> Refusal:
    return Refusal(
        "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.",
        status=429,
        code="rate_limit",
    )


def server_error() -> Refusal:
    return Refusal("Sorry! There was an error while talking to one of our backends.", status=500, kind="api_error")

"""What a run came to, in numbers: what the report shows, of a demo or a replay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kernel.money import Money as Amount
from marketplace.demo.rule_before import RuleBefore


@dataclass(frozen=True, slots=True)
class Labels:
    """How good the labels are, and what they took. Accuracies are shares of right ones; None where nothing is known.

    Consensus and the majority votes are ``judged`` on the same tasks: those that consensus decided and whose truth is
    known.
    """

    tasks: int
    by_consensus: int
    adjudicated: int
    answers: int
    gold_answers: int
    full_overlap: float
    """Answers to each task, on average, with which it is compared: all that fixed overlap or a recording would buy."""
    judged: int
    consensus_right: float | None
    majority_right: float | None
    all_right: float | None
    mean_confidence: float | None
    recorded_majority_right: float | None = None
    """Of a replay: majority vote over all answers that were recorded, not only over those that were bought."""
    rule_before: RuleBefore | None = None
    """Of a replay: what the rule of docs/adr/0006 would have made of the same recording."""
    left_over: Mapping[str, int] = field(default_factory=dict)
    """Tasks that got no label, by why."""

    @property
    def labelled(self) -> int:
        """Tasks that got a label."""
        return self.by_consensus + self.adjudicated

    @property
    def unlabelled(self) -> int:
        """Tasks that got no label, and nothing says why."""
        return self.tasks - self.labelled - sum(self.left_over.values())

    @property
    def answers_per_task(self) -> float:
        """Answers bought for a task, hidden gold counted as cost."""
        return (self.answers + self.gold_answers) / self.tasks if self.tasks else 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """Workers of one kind and how they fared; ``accuracy`` is their share of right answers at work."""

    name: str
    workers: int
    certified: int
    flagged: int
    answers: int
    accuracy: float | None
    paid_minor: int


@dataclass(frozen=True, slots=True)
class Money:
    """Where every minor unit went. ``funded`` is the sum of all the others."""

    currency: str
    funded: int
    available: int
    held: int
    earnings: int
    paid_out: int
    in_flight: int
    fees: int
    processor_fees: int
    losses: int
    refunded: int

    @property
    def accounted(self) -> int:
        """What all the places hold together."""
        out = self.paid_out + self.refunded + self.in_flight + self.fees + self.processor_fees + self.losses
        return self.available + self.held + self.earnings + out


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run from post to payout."""

    title: str
    about_the_crowd: str
    labels: Labels
    groups: Sequence[Group]
    money: Money
    reward_minor: int
    fee_minor: int
    payouts_settled: int
    payouts_asked: int
    rejected: int
    reversed: int
    checks: Mapping[str, int]
    """Named checks of ``ledger_check`` with the number of faults each found."""
    seconds: Mapping[str, float]
    """How long each act took."""
    decided: Mapping[str, int] = field(default_factory=dict)
    """Escalations that a person has decided, by kind."""
    waiting: Mapping[str, int] = field(default_factory=dict)
    """Escalations that nobody has decided, by kind."""
    restarts: Mapping[str, int] = field(default_factory=dict)
    """How often each process had to be started again."""

    @property
    def faults(self) -> list[str]:
        """What is not as it should be, a sentence each."""
        money, unlabelled = self.money, self.labels.unlabelled
        sentences = {
            f"{_text(money.funded, money)} came in, and {_text(money.accounted, money)} are accounted for.": (
                money.funded != money.accounted
            ),
            f"Tasks without a label: {unlabelled}.": unlabelled,
            f"Payouts that were settled: {self.payouts_settled} of {self.payouts_asked}.": (
                self.payouts_settled != self.payouts_asked
            ),
            **{f"Faults found by the check that {check}: {faults}.": faults for check, faults in self.checks.items()},
            **{f"Waiting for a person, of the kind {kind}: {number}.": number for kind, number in self.waiting.items()},
            **{f"Times that {name} had to be started again: {n}.": n for name, n in self.restarts.items()},
        }
        return [sentence for sentence, is_so in sentences.items() if is_so]

    @property
    def is_clean(self) -> bool:
        """Whether all is as it should be."""
        return not self.faults


def _text(minor: int, money: Money) -> str:
    return str(Amount(minor, money.currency))

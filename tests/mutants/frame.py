"""What a mutant is: the project with one guard of money taken out, an act that the guard would have stopped, and the
checks that see what came of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest
from django.db import connection

Act = Callable[[pytest.MonkeyPatch], object]

BALANCE = "postings balance"
BALANCES = "balances equal their entries"
FLOORS = "nothing is held below zero"
ARRIVED = "nothing pays before its money has arrived"
CURRENCIES = "currencies never mix"
WAYS = "money moves along its ways"
PAID_ONCE = "work is paid once"
MIRRORS = "reversals are exact, and once"
ADDS_UP = "money in is money held, kept and out"
TOLD = "entries never change"
GUARDS = "the database guards its money"
FROM_FUNDINGS = "money comes from settled fundings"
REFUNDS = "fundings know their refunds"
ENDS = "payouts and refunds end as they are posted"
UNDER_WAY = "what is in flight is under way"
RETURNS = "what came back of a payout is its worker's again, once"
REBUILT = "states rebuild from entries alone"
DISPUTES = "disputes are posted as they stand"
TRANSFER = "a payout has at most one transfer"
KEYS = "every key for Stripe was told"
NOTHING_LEFT = "what was refused left nothing"
PAID = "every accepted turn is paid once, as it was agreed, and no other is"
COVERED = "a running job's escrow covers everything that it may come to cost"
IDLE = "a job that does not run holds what its turns may still cost, and no more"
BY_CLIENT = "funded is everything, client by client"
AGREED = "what is earned is what was agreed at the claim, lifts, bonuses and time"
RESERVE = "an ended job that holds nothing for turns holds nothing for pay"
LIFTED = "lifts are paid once, as they were reckoned, and nothing else is"
CUT_SHORT = "a turn that was cut short is paid for its time once, within its reward, and nothing else is"
BONUSES = "every bonus is paid once, as it was given"
CREDITS = "credits are posted as they stand"
MOVED = "what moved at Stripe is what was posted"
PAYABLE = "a suspended worker's balance stays payable"
ANSWERS = "an answer that is kept under a key is true"
QUOTED = "every turn bears a price that its job quoted for its band"
INVOICED = "an invoice equals the postings of its month"
SOFTLY = "an answer that is rejected softly is paid, takes up no turn, and is told apart from all others"
CLAIMS = "the database guards what was agreed"


@dataclass(frozen=True)
class Mutant:
    """One change for the worse, and the checks that see it: exactly these."""

    name: str
    seen_by: frozenset[str]
    act: Act


MUTANTS: dict[str, Mutant] = {}


def mutant(name: str, *seen_by: str) -> Callable[[Act], Act]:
    """Enter what follows: ``name`` says what is wrong with the code or the schema, ``seen_by`` which checks say so."""

    def enter(act: Act) -> Act:
        assert name not in MUTANTS
        MUTANTS[name] = Mutant(name, frozenset(seen_by), act)
        return act

    return enter


def schema(*statements: str) -> None:
    """Change the schema, until the test's transaction is rolled back."""
    with connection.cursor() as cursor:
        for statement in ("SET CONSTRAINTS ALL IMMEDIATE", *statements, "SET CONSTRAINTS ALL DEFERRED"):
            cursor.execute(statement)


def without_trigger(table: str, *triggers: str) -> None:
    schema(*(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}" for trigger in triggers))


def without_constraint(table: str, *constraints: str) -> None:
    schema(*(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}" for constraint in constraints))


def table_of(mutants: Iterable[Mutant]) -> str:
    """The mutants as a table for docs/money.md."""
    rows = [f"| {m.name} | {'; '.join(f'*{check}*' for check in sorted(m.seen_by))} |" for m in mutants]
    return "\n".join(["| what is wrong | seen by |", "|---|---|", *rows])

"""Each guard of money is taken out once; the act that it would have stopped goes through, and its checks say so."""

import re
from pathlib import Path

import pytest

from billing.checks import check_books
from marketplace.services.checks import CHECKS, check_invariants
from tests.mutants import of_parts, of_sending, of_the_ledger, of_work  # noqa: F401  (they enter their mutants)
from tests.mutants.frame import MUTANTS, Mutant, table_of

OF_WORK = {name for name, mutant in MUTANTS.items() if mutant.act.__module__ == of_work.__name__}
"""The others move the money of owners that the marketplace does not know; of them billing's checks speak."""

PAGE = Path(__file__).resolve().parents[2] / "docs" / "money.md"


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=lambda mutant: mutant.name)
def test_a_mutant_is_seen_by_its_checks_and_by_no_other(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.act(monkeypatch)
    monkeypatch.undo()

    faults = check_invariants() if mutant.name in OF_WORK else check_books()
    assert {fault.check for fault in faults} == mutant.seen_by


def test_every_check_that_a_mutant_names_is_there() -> None:
    assert {check for mutant in MUTANTS.values() for check in mutant.seen_by} - set(CHECKS) == set()
    assert len(MUTANTS) >= 30


def test_the_page_about_money_lists_every_mutant() -> None:
    table = re.search(r"\| what is wrong \| seen by \|\n(?:\|.*\n)+", PAGE.read_text(encoding="utf-8"))

    assert table is not None
    assert table.group(0).strip() == table_of(MUTANTS.values())

"""The benchmark of the ledger measures real postings: what it leaves behind keeps every promise."""

import pytest

from billing.models import LedgerEntry, Payout
from marketplace.bench.ledger import LedgerPlan, lines_of, measure_ledger


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_the_benchmark_posts_is_true() -> None:
    findings = measure_ledger(
        LedgerPlan(seconds=0.2, rounds=1, escrows=3, payees=3, entries=2_000), tell=lambda _: None
    )

    assert findings.faults == 0
    assert LedgerEntry.objects.filter(posting__key__startswith="many:").count() == 2_000
    assert set(Payout.objects.values_list("state", flat=True)) == {"settled"}
    assert [len(rates.ours) for rates in findings.rates] == [1, 1, 1, 1]
    assert lines_of(findings)[-1].endswith("0 faults")

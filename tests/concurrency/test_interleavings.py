"""Verbs of money at once, statement by statement in orders drawn by a seed: no order of them breaks a promise."""

from functools import partial
from typing import Any

import pytest
from django.db.models import QuerySet

from billing.checks import check_books
from billing.models import Funding, Refund
from billing.services import escrow
from billing.services.ledger import InsufficientFunds
from billing.services.payouts import cancel_payout, request_payout
from billing.services.refunds import request_refund
from tests.billing.builders import SOMEBODY, Kind, a_client, a_funding, a_job, a_ready_account, a_worker, held, usd
from tests.concurrency.interleaving import Played, play

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

SEEDS = range(5)


def two_refunds(client: str) -> list[Any]:
    """Each asks for all that one payment brought, of a client that has paid twice."""
    return [partial(request_refund, client_owner=client, amount=usd(1_000), by=SOMEBODY) for _ in range(2)]


def played_refunds(seed: int) -> tuple[Played, list[str]]:
    """A game on money of its own, and the promises that it broke."""
    client = f"client:{seed}:{Refund.objects.count()}"
    fundings = {str(a_funding(client, 1_000).pk) for _ in range(2)}
    game = play(two_refunds(client), seed=seed)
    return game, [fault.check for fault in check_books() if fault.subject in fundings]


def test_a_lost_update_is_found_and_played_again_by_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = QuerySet.select_for_update

    def unlocked_fundings(rows: Any, **how: Any) -> Any:
        return rows.all() if rows.model is Funding else honest(rows, **how)

    monkeypatch.setattr(QuerySet, "select_for_update", unlocked_fundings)

    found = {seed: played_refunds(seed) for seed in range(12)}
    seed = next(seed for seed, (_, broken) in found.items() if broken)
    game, broken = found[seed]
    again, broken_again = played_refunds(seed)

    assert broken == broken_again == ["fundings know their refunds"]
    assert again.turns == game.turns


@pytest.mark.parametrize("seed", SEEDS)
def test_no_order_of_two_refunds_gives_one_payment_back_twice(seed: int) -> None:
    game, broken = played_refunds(seed)

    assert broken == []
    assert [[refund.amount_minor for refund in asked] for asked in game.outcomes] == [[1_000], [1_000]]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_order_of_verbs_breaks_a_promise(seed: int) -> None:
    client, worker = a_client(1_000), a_worker(500)
    job = a_job(client, 400)
    a_ready_account(worker)
    waiting = request_payout(owner=worker, amount=usd(200), by=SOMEBODY)

    game = play(
        [
            partial(escrow.hold, job_owner=job, client_owner=client, amount=usd(400), key="hold"),
            partial(escrow.pay, job_owner=job, worker_owner=worker, reward=usd(300), fee=usd(30), key="pay:a"),
            partial(escrow.release_all_but, job_owner=job, client_owner=client, keep=usd(100)),
            partial(request_payout, owner=worker, amount=None, by=SOMEBODY),
            partial(cancel_payout, payout_id=waiting.pk, owner=worker, by=SOMEBODY),
        ],
        seed=seed,
    )

    refused = {type(outcome) for outcome in game.outcomes if isinstance(outcome, Exception)}
    assert refused <= {InsufficientFunds}
    assert check_books() == []
    of_worker = held(Kind.WORKER_EARNINGS, worker) + held(Kind.PAYOUTS_IN_FLIGHT, worker)
    of_client = held(Kind.CLIENT_FUNDS, client) + held(Kind.JOB_ESCROW, job) + held(Kind.PLATFORM_FEES, job)
    assert of_worker + of_client == 1_500

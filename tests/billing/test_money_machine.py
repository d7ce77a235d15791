"""Verbs of money in any order: the ledger agrees with a model that is nothing but dicts, and every promise holds."""

from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from itertools import count
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from billing.checks import check_books
from billing.models import Credit, Funding, LedgerAccount, Payout, Posting, Refund
from billing.services import escrow, ledger, payouts, refunds, sending
from billing.services.credits import grant_credit, take_credit_back
from billing.services.disputes import book_dispute
from billing.services.ledger import AccountKey, Entry
from billing.stripe_gateway import RefundOutcome, RefundState, ReversalState, TransferState
from billing.stripe_records import DisputeState, MovedByDispute
from kernel.errors import Refused
from tests.billing.builders import SOMEBODY, Kind, a_funding, a_ready_account, usd

CLIENTS, WORKERS = ("client:1", "client:2"), ("payee:1", "payee:2")
JOBS = {"job:1": "client:1", "job:2": "client:1", "job:3": "client:2"}

cents = st.integers(min_value=100, max_value=900)
clients, workers, jobs = st.sampled_from(CLIENTS), st.sampled_from(WORKERS), st.sampled_from(sorted(JOBS))

Place = tuple[LedgerAccount.Kind, str]


class Money(RuleBasedStateMachine):
    """Two clients with three jobs, two workers, a bank that takes back, and whoever runs all this."""

    fundings, pays, credited = Bundle("fundings"), Bundle("pays"), Bundle("credited")
    asked_payouts, sent_payouts = Bundle("asked_payouts"), Bundle("sent_payouts")
    sent_refunds, disputes = Bundle("sent_refunds"), Bundle("disputes")

    def __init__(self) -> None:
        super().__init__()
        self.before = transaction.savepoint()
        self.held: defaultdict[Place, int] = defaultdict(int)
        self.refundable: Counter[str] = Counter()
        self.parts: defaultdict[UUID, list[int]] = defaultdict(list)
        self.numbers = count(1)
        for worker in WORKERS:
            a_ready_account(worker)

    def teardown(self) -> None:
        try:
            assert check_books() == []
        finally:
            transaction.savepoint_rollback(self.before)

    def moved(self, source: Place, target: Place, minor: int) -> None:
        self.held[source] -= minor
        self.held[target] += minor

    def tried(self, act: Callable[[], object], *, possible: bool) -> bool:
        """Whether it was done; and it was done exactly if it was possible, else nothing is left of it."""
        before = Posting.objects.count(), Payout.objects.count(), Refund.objects.count()
        try:
            act()
        except Refused:
            assert not possible
            assert before == (Posting.objects.count(), Payout.objects.count(), Refund.objects.count())
            return False
        assert possible
        return True

    @rule(target=fundings, client=clients, minor=cents)
    def pay_in(self, client: str, minor: int) -> Funding:
        funding = a_funding(client, minor)
        self.moved((Kind.OUTSIDE_WORLD, client), (Kind.CLIENT_FUNDS, client), minor)
        self.refundable[client] += minor
        return funding

    @rule(target=credited, client=clients, minor=cents)
    def grant_credit(self, client: str, minor: int) -> object:
        credit = grant_credit(client_owner=client, amount=usd(minor), reason="It is on its way.", by=SOMEBODY)
        self.moved((Kind.LOSS, "platform"), (Kind.CLIENT_FUNDS, client), minor)
        return credit

    @rule(credit=consumes(credited))
    def take_credit_back(self, credit: Credit) -> None:
        client, minor = credit.client_owner, credit.amount_minor
        back = partial(take_credit_back, credit_id=credit.pk, client_owner=client, why="It has come.", by=SOMEBODY)
        if self.tried(back, possible=self.held[Kind.CLIENT_FUNDS, client] >= minor):
            self.moved((Kind.CLIENT_FUNDS, client), (Kind.LOSS, "platform"), minor)

    @rule(job=jobs, minor=cents)
    def hold(self, job: str, minor: int) -> None:
        client, key = JOBS[job], f"hold:{next(self.numbers)}"
        if self.tried(
            lambda: escrow.hold(job_owner=job, client_owner=client, amount=usd(minor), key=key),
            possible=self.held[Kind.CLIENT_FUNDS, client] >= minor,
        ):
            self.moved((Kind.CLIENT_FUNDS, client), (Kind.JOB_ESCROW, job), minor)

    @rule(target=pays, job=jobs, worker=workers, minor=cents, fee=st.integers(min_value=0, max_value=30))
    def pay(self, job: str, worker: str, minor: int, fee: int) -> tuple[str, str, str, int, int] | None:
        key = f"pay:{next(self.numbers)}"
        if self.tried(
            lambda: escrow.pay(job_owner=job, worker_owner=worker, reward=usd(minor), fee=usd(fee), key=key),
            possible=self.held[Kind.JOB_ESCROW, job] >= minor + fee,
        ):
            self.moved((Kind.JOB_ESCROW, job), (Kind.WORKER_EARNINGS, worker), minor)
            self.moved((Kind.JOB_ESCROW, job), (Kind.PLATFORM_FEES, job), fee)
            return key, job, worker, minor, fee
        return None

    @rule(paid=consumes(pays))
    def undo_pay(self, paid: tuple[str, str, str, int, int] | None) -> None:
        if paid is None:
            return
        key, job, worker, minor, fee = paid
        there = self.held[Kind.WORKER_EARNINGS, worker] >= minor and self.held[Kind.PLATFORM_FEES, job] >= fee
        if self.tried(lambda: ledger.reverse(posting_key=key, key=f"undo:{key}"), possible=there):
            self.moved((Kind.WORKER_EARNINGS, worker), (Kind.JOB_ESCROW, job), minor)
            self.moved((Kind.PLATFORM_FEES, job), (Kind.JOB_ESCROW, job), fee)

    @rule(client=clients, worker=workers, minor=cents)
    def bonus(self, client: str, worker: str, minor: int) -> None:
        entry = Entry(AccountKey(Kind.CLIENT_FUNDS, client), AccountKey(Kind.WORKER_EARNINGS, worker), usd(minor))
        key = f"bonus:{next(self.numbers)}"
        if self.tried(
            lambda: ledger.post(key=key, kind=Posting.Kind.BONUS_PAID, subject=key, entries=[entry]),
            possible=self.held[Kind.CLIENT_FUNDS, client] >= minor,
        ):
            self.moved((Kind.CLIENT_FUNDS, client), (Kind.WORKER_EARNINGS, worker), minor)

    @rule(job=jobs, keep=st.integers(min_value=0, max_value=500))
    def release(self, job: str, keep: int) -> None:
        escrow.release_all_but(job_owner=job, client_owner=JOBS[job], keep=usd(keep))
        rest = max(0, self.held[Kind.JOB_ESCROW, job] - keep)
        self.moved((Kind.JOB_ESCROW, job), (Kind.CLIENT_FUNDS, JOBS[job]), rest)

    @rule(job=jobs)
    def sweep_fees(self, job: str) -> None:
        escrow.sweep_fees(job_owner=job, currency="USD")
        fees = self.held[Kind.PLATFORM_FEES, job]
        self.moved((Kind.PLATFORM_FEES, job), (Kind.PLATFORM_FEES, "platform"), fees)

    @rule(target=asked_payouts, worker=workers, minor=cents)
    def request_payout(self, worker: str, minor: int) -> Payout | None:
        made: list[Payout] = []
        if self.tried(
            lambda: made.append(payouts.request_payout(owner=worker, amount=usd(minor), by=SOMEBODY)),
            possible=self.held[Kind.WORKER_EARNINGS, worker] >= minor,
        ):
            self.moved((Kind.WORKER_EARNINGS, worker), (Kind.PAYOUTS_IN_FLIGHT, worker), minor)
            return made[0]
        return None

    @rule(payout=consumes(asked_payouts))
    def call_payout_off(self, payout: Payout | None) -> None:
        if payout is not None:
            payouts.cancel_payout(payout_id=payout.pk, owner=payout.owner, by=SOMEBODY)
            owner, minor = payout.owner, payout.amount_minor
            self.moved((Kind.PAYOUTS_IN_FLIGHT, owner), (Kind.WORKER_EARNINGS, owner), minor)

    @rule(target=sent_payouts, payout=consumes(asked_payouts))
    def send_payout(self, payout: Payout | None) -> Payout | None:
        return sending._begin(payouts.ERRAND, payout.pk) if payout is not None else None

    @rule(payout=sent_payouts, refused=st.booleans())
    def payout_ends(self, payout: Payout | None, refused: bool) -> None:  # noqa: FBT001  (a rule's parameters are named)
        """However often, and whatever was said before: the first end stands."""
        if payout is None:
            return
        payout.refresh_from_db()
        was_sending, owner, minor = payout.state == "sending", payout.owner, payout.amount_minor
        if refused:
            payouts.fail_payout(payout_id=payout.pk, why="The account is closed.")
        elif payout.state != "failed":
            payouts.settle_payout(payout_id=payout.pk, transfer=transfer_of(payout))
        if was_sending:
            target = Kind.WORKER_EARNINGS if refused else Kind.OUTSIDE_WORLD
            self.moved((Kind.PAYOUTS_IN_FLIGHT, owner), (target, owner), minor)

    @rule(payout=sent_payouts, minor=cents)
    def stripe_takes_a_part_back(self, payout: Payout | None, minor: int) -> None:
        """And says so twice, and once as it was before."""
        if payout is None:
            return
        payout.refresh_from_db()
        taken = min(minor, payout.amount_minor - payout.returned_minor)
        if payout.state != "settled" or not taken:
            return
        before, parts = transfer_of(payout, *self.parts[payout.pk]), self.parts[payout.pk]
        parts.append(taken)
        for seen in (transfer_of(payout, *parts), before, transfer_of(payout, *parts)):
            payouts.settle_payout(payout_id=payout.pk, transfer=seen)
        self.moved((Kind.OUTSIDE_WORLD, payout.owner), (Kind.WORKER_EARNINGS, payout.owner), taken)

    @rule(target=sent_refunds, client=clients, minor=cents)
    def request_refund(self, client: str, minor: int) -> list[Refund]:
        made: list[Refund] = []
        if self.tried(
            lambda: made.extend(refunds.request_refund(client_owner=client, amount=usd(minor), by=SOMEBODY)),
            possible=min(self.held[Kind.CLIENT_FUNDS, client], self.refundable[client]) >= minor,
        ):
            self.moved((Kind.CLIENT_FUNDS, client), (Kind.REFUNDS_IN_FLIGHT, client), minor)
            self.refundable[client] -= minor
            for refund in made:
                sending._begin(refunds.ERRAND, refund.pk)
        return made

    @rule(made=consumes(sent_refunds), fails=st.booleans())
    def refund_ends(self, made: list[Refund], fails: bool) -> None:  # noqa: FBT001  (a rule's parameters are named)
        for refund in made:
            client, minor = refund.funding.client_owner, refund.amount_minor
            outcome = RefundOutcome.FAILED if fails else RefundOutcome.SUCCEEDED
            for _ in range(2):
                refunds.settle_refund(refund_id=refund.pk, seen=said_of(refund, outcome))
            target = Kind.CLIENT_FUNDS if fails else Kind.OUTSIDE_WORLD
            self.moved((Kind.REFUNDS_IN_FLIGHT, client), (target, client), minor)
            self.refundable[client] += minor if fails else 0

    @rule(target=disputes, funding=consumes(fundings))
    def payer_takes_back(self, funding: Funding) -> tuple[Funding, int]:
        client, minor = funding.client_owner, funding.amount_minor
        there = min(minor, self.held[Kind.CLIENT_FUNDS, client])
        book_dispute(funding_id=funding.pk, seen=dispute_of(funding, status="needs_response"))
        self.moved((Kind.CLIENT_FUNDS, client), (Kind.DISPUTED, client), there)
        self.moved((Kind.LOSS, "platform"), (Kind.DISPUTED, client), minor - there)
        funding.refresh_from_db()
        self.refundable[client] -= funding.amount_minor - funding.refunded_minor
        return funding, there

    @rule(taken=disputes, minor=cents)
    def bank_gives_a_part_back(self, taken: tuple[Funding, int], minor: int) -> None:
        """To the platform first, then to the funds; and what was read before adds nothing."""
        funding, from_funds = taken
        parts, client = self.parts[funding.pk], funding.client_owner
        given = min(minor, funding.amount_minor - sum(parts) - 1)
        if given <= 0:
            return
        to_loss = min(given, max(0, funding.amount_minor - from_funds - sum(parts)))
        before = dispute_of(funding, *parts, status="needs_response")
        parts.append(given)
        for seen in (dispute_of(funding, *parts, status="needs_response"), before):
            book_dispute(funding_id=funding.pk, seen=seen)
        self.moved((Kind.DISPUTED, client), (Kind.LOSS, "platform"), to_loss)
        self.moved((Kind.DISPUTED, client), (Kind.CLIENT_FUNDS, client), given - to_loss)

    @rule(taken=consumes(disputes))
    def dispute_is_lost(self, taken: tuple[Funding, int]) -> None:
        funding, _ = taken
        parts = self.parts[funding.pk]
        book_dispute(funding_id=funding.pk, seen=dispute_of(funding, *parts, status="lost"))
        client = funding.client_owner
        self.moved((Kind.DISPUTED, client), (Kind.OUTSIDE_WORLD, client), funding.amount_minor - sum(parts))

    @invariant()
    def balances_agree(self) -> None:
        there = LedgerAccount.objects.exclude(balance_minor=0).values_list("kind", "owner", "balance_minor")
        assert {(kind, owner): minor for kind, owner, minor in there} == {
            place: minor for place, minor in self.held.items() if minor
        }


def transfer_of(payout: Payout, *taken_back: int) -> TransferState:
    return TransferState(
        transfer_id=f"tr_{payout.pk}",
        amount=payout.amount,
        account_id=payout.payout_account.stripe_account_id,
        transfer_group=payout.reference,
        reversals=tuple(ReversalState(f"trr_{payout.pk}_{place}", minor) for place, minor in enumerate(taken_back)),
    )


def said_of(refund: Refund, outcome: RefundOutcome) -> RefundState:
    return RefundState(
        refund_id=f"re_{refund.pk}",
        outcome=outcome,
        amount=refund.amount,
        payment_intent_id=refund.funding.payment_intent_id,
        refund_group=refund.reference,
        failure_reason="",
    )


def dispute_of(funding: Funding, *given_back: int, status: str) -> DisputeState:
    return DisputeState(
        dispute_id=f"du_{funding.pk}",
        status=status,
        amount=funding.amount,
        movements=tuple(
            MovedByDispute(f"txn_{funding.pk}_{place}", minor)
            for place, minor in enumerate((-funding.amount_minor, *given_back))
        ),
        payment_intent_id=funding.payment_intent_id,
        reason="fraudulent",
        evidence_due_at=None,
    )


@pytest.mark.django_db
def test_money_moves_as_in_a_model_of_dicts() -> None:
    few = settings(
        max_examples=8, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(Money, settings=few)

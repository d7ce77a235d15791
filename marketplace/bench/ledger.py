"""How fast the ledger is beside raw SQL doing the same, and how long a payout run and a check of everything take."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from billing.models import Funding, LedgerAccount, Payout, PayoutAccount, Posting
from billing.services import escrow, ledger, payouts, sending
from billing.services.funding import book_checkout, open_checkout, request_funding
from billing.services.ledger_audit import ACTION, Moved, Posted
from billing.stripe_gateway import Checkout, CheckoutState, TransferState
from kernel import clock
from kernel.models import User
from kernel.money import Money
from kernel.rows import planned_cursor
from kernel.services.audit import Actor, record
from marketplace.services.checks import check_invariants

BENCH: Final = Actor.system("bench")
CLIENT: Final = "client:bench"
CURRENCY: Final = "USD"
REWARD, FEE = Money(40, CURRENCY), Money(8, CURRENCY)
WORKERS: Final = 200
TOGETHER: Final = 100
THREADS: Final = 4
EARNED_MINOR: Final = 100

Kind = LedgerAccount.Kind
Tell = Callable[[str], None]


@dataclass(frozen=True)
class LedgerPlan:
    """How much of each."""

    seconds: float = 3.0
    rounds: int = 5
    escrows: int = 200
    payees: int = 10_000
    entries: int = 1_000_000


@dataclass(frozen=True)
class Rates:
    """Postings a second in each window, Assay's and raw SQL's in turns."""

    name: str
    ours: Sequence[float]
    raw: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of ours over the median of theirs."""
        return median(self.ours) / median(self.raw)


@dataclass
class LedgerFindings:
    """What was measured."""

    rates: list[Rates] = field(default_factory=list)
    payees: int = 0
    payout_seconds: float = 0.0
    entries: int = 0
    check_seconds: float = 0.0
    faults: int = 0


def measure_ledger(plan: LedgerPlan, *, tell: Tell) -> LedgerFindings:
    """Measure all of it on an empty installation."""
    findings = LedgerFindings(payees=plan.payees, entries=plan.entries)
    tell("funding escrows")
    jobs = _funded_jobs(plan.escrows)
    for name, of_jobs, together in (
        (f"one by one, {plan.escrows} escrows", jobs, 1),
        ("one by one, one hot escrow", jobs[:1], 1),
        (f"{TOGETHER} together, {plan.escrows} escrows", jobs, TOGETHER),
        (f"{TOGETHER} together, one hot escrow", jobs[:1], TOGETHER),
    ):
        tell(f"postings {name}")
        findings.rates.append(_in_turns(name, of_jobs, together, plan))
    tell(f"a payout run for {plan.payees:,} workers")
    findings.payout_seconds = _payout_run(plan.payees)
    tell(f"writing {plan.entries:,} entries")
    _write_entries(plan.entries, jobs)
    tell("checking them")
    began = time.perf_counter()
    findings.faults = len(check_invariants())
    findings.check_seconds = time.perf_counter() - began
    return findings


def lines_of(findings: LedgerFindings) -> list[str]:
    """What was measured, as lines to print."""
    said = [f"{'postings a second':<40}{'Assay':>10}{'raw SQL':>10}{'ratio':>8}"]
    for rates in findings.rates:
        said.append(f"{rates.name:<40}{median(rates.ours):>10,.0f}{median(rates.raw):>10,.0f}{rates.ratio:>8.0%}")
    rate = findings.payees / findings.payout_seconds
    said.append(f"a payout run for {findings.payees:,} workers: {findings.payout_seconds:.1f} s, {rate:,.0f} a second")
    said.append(
        f"every promise over {findings.entries:,} entries: {findings.check_seconds:.1f} s, {findings.faults} faults"
    )
    return said


def _funded_jobs(number: int) -> list[str]:
    """Owners of escrows with more than a bench can spend, out of payments that were settled as any."""
    jobs = [f"job:bench-{place}" for place in range(number)]
    for job in jobs:
        funding = _settled_funding(90_000_000)
        escrow.hold(job_owner=job, client_owner=CLIENT, amount=funding.amount, key=f"hold:{job}")
    opened = [ledger.AccountKey(Kind.WORKER_EARNINGS, f"payee:bench-{place}") for place in range(WORKERS)]
    opened += [ledger.AccountKey(Kind.PLATFORM_FEES, job) for job in jobs]
    ledger.lock_accounts(accounts=opened, currency=CURRENCY)
    return jobs


def _settled_funding(minor: int) -> Funding:
    amount = Money(minor, CURRENCY)
    funding = request_funding(
        client_owner=CLIENT, email="client@example.org", amount=amount, success_url="https://example.org", by=BENCH
    )
    open_checkout(funding_id=funding.pk, checkout=Checkout(f"cs_{funding.pk}", "https://example.org", None))
    paid = CheckoutState(
        paid=True, amount_minor=minor, currency=CURRENCY, payment_intent_id=f"pi_{funding.pk}", expired=False
    )
    book_checkout(funding_id=funding.pk, checkout=paid)
    return funding


def _in_turns(name: str, jobs: Sequence[str], together: int, plan: LedgerPlan) -> Rates:
    ours, raw = [], []
    for pay in (_pay, _pay_raw):  # accounts are opened, statements planned
        _window(pay, jobs, together, seconds=0.2)
    for _ in range(plan.rounds):
        ours.append(_window(_pay, jobs, together, seconds=plan.seconds))
        raw.append(_window(_pay_raw, jobs, together, seconds=plan.seconds))
    return Rates(name, ours, raw)


def _window(
    pay: Callable[[Sequence[escrow.Payment]], object], jobs: Sequence[str], together: int, *, seconds: float
) -> float:
    """Postings a second by some threads, each on a connection of its own."""
    end = time.perf_counter() + seconds

    def work(thread: int) -> int:
        count = 0
        try:
            while time.perf_counter() < end:
                pay(_payments(jobs[(thread + count * THREADS) % len(jobs)], together))
                count += 1
        finally:
            connection.close()
        return count * together

    began = time.perf_counter()
    with ThreadPoolExecutor(max_workers=THREADS) as threads:
        made = sum(threads.map(work, range(THREADS)))
    return made / (time.perf_counter() - began)


def _payments(job: str, number: int) -> list[escrow.Payment]:
    made = []
    for _ in range(number):
        key = uuid4()
        worker = f"payee:bench-{key.int % WORKERS}"
        made.append(
            escrow.Payment(
                job_owner=job, worker_owner=worker, reward=REWARD, fee=FEE, key=f"bench:{key}", subject=f"bench:{key}"
            )
        )
    return made


def _pay(payments: Sequence[escrow.Payment]) -> None:
    escrow.pay_all(payments=payments)


_LOCK: Final = """
    SELECT kind, owner, id FROM billing_ledgeraccount
    WHERE currency = %s AND (owner, kind) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
    ORDER BY id FOR NO KEY UPDATE
"""
_WRITE: Final = """
    WITH told AS (
        INSERT INTO kernel_auditevent
            (at, actor_kind, actor_id, action, subject_type, subject_id, from_state, to_state, why, details)
        VALUES (now(), 'system', 'ledger', 'ledger.posted', 'billing.posting', %s, '', '', '', %s::jsonb) RETURNING tx
    ), posted AS (
        INSERT INTO billing_posting (id, key, kind, subject, at, entry_count, details)
        SELECT id, key, 'work_paid', subject, %s, 2, '{}'
        FROM told, unnest(%s::uuid[], %s::text[], %s::text[]) AS p (id, key, subject)
        ON CONFLICT (key) DO NOTHING RETURNING id
    )
    INSERT INTO billing_ledgerentry (posting_id, position, source_id, target_id, amount_minor)
    SELECT * FROM unnest(%s::uuid[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[])
    WHERE (SELECT count(*) FROM posted) = %s
"""


def _pay_raw(payments: Sequence[escrow.Payment]) -> None:
    """The same work said to the database in as few statements as it takes, each planned once: lock, then write.

    A key that is taken is noticed, as it must be, but what stands under it is not looked at; and what is missing of an
    account is left to its constraint.
    """
    job = payments[0].job_owner
    ends = [("job_escrow", job), ("platform_fees", job), *{("worker_earnings", p.worker_owner) for p in payments}]
    ids, at = [uuid4() for _ in payments], clock.now()
    told = {str(pk): _digest(pk, payment, at) for pk, payment in zip(ids, payments, strict=True)}
    with transaction.atomic(), planned_cursor() as cursor:
        cursor.execute(_LOCK, [CURRENCY, [owner for _, owner in ends], [kind for kind, _ in ends]])
        account = {(kind, owner): pk for kind, owner, pk in cursor.fetchall()}
        rows = [
            (pk, place, account["job_escrow", job], target, amount)
            for pk, p in zip(ids, payments, strict=True)
            for place, (target, amount) in enumerate(
                [
                    (account["worker_earnings", p.worker_owner], p.reward.minor),
                    (account["platform_fees", job], p.fee.minor),
                ]
            )
        ]
        event = (str(ids[0]), json.dumps({"postings": told}))
        postings = (at, ids, [p.key for p in payments], [p.subject for p in payments])
        entries = (list(column) for column in zip(*rows, strict=True))
        cursor.execute(_WRITE, (*event, *postings, *entries, len(ids)))
        assert cursor.rowcount == len(rows), "A key was taken."


def _digest(pk: UUID, payment: escrow.Payment, at: datetime) -> str:
    job, worker = payment.job_owner, payment.worker_owner
    moved = [
        Moved("job_escrow", job, "worker_earnings", worker, payment.reward.minor, CURRENCY),
        Moved("job_escrow", job, "platform_fees", job, payment.fee.minor, CURRENCY),
    ]
    return Posted(pk, payment.key, "work_paid", payment.subject, at, None, {}, moved).digest


def _payout_run(payees: int) -> float:
    """Ask for, begin and settle one payout for each of so many workers, all but the calls to Stripe; in seconds.

    They are asked for one after the other, as a schedule does it, and sent by some threads, as by background workers.
    """
    owners = [f"payee:run-{number}" for number in range(payees)]
    job = "job:bench-run"
    funding = _settled_funding(max(100, EARNED_MINOR * payees))
    escrow.hold(job_owner=job, client_owner=CLIENT, amount=funding.amount, key=f"hold:{job}")
    reward = Money(EARNED_MINOR, CURRENCY)
    for start in range(0, payees, TOGETHER):
        escrow.pay_all(
            payments=[
                escrow.Payment(
                    job_owner=job,
                    worker_owner=owner,
                    reward=reward,
                    fee=Money(0, CURRENCY),
                    key=f"run:{owner}",
                    subject=owner,
                )
                for owner in owners[start : start + TOGETHER]
            ]
        )
    with transaction.atomic():
        record(action="bench.opened", subject=User(), by=BENCH)
        PayoutAccount.objects.bulk_create(
            PayoutAccount(
                owner=owner,
                country="US",
                stripe_account_id=f"acct_{owner}",
                transfers_active=True,
                payouts_enabled=True,
            )
            for owner in owners
        )
    began = time.perf_counter()
    asked = [payouts.request_payout(owner=owner, amount=None, by=BENCH) for owner in owners]
    with ThreadPoolExecutor(max_workers=THREADS) as threads:
        list(threads.map(_send_all, [asked[start::THREADS] for start in range(THREADS)]))
    return time.perf_counter() - began


def _send_all(asked: Sequence[Payout]) -> None:
    try:
        for payout in asked:
            sending._begin(payouts.ERRAND, payout.pk)  # what a send does before it calls Stripe
            payouts.settle_payout(payout_id=payout.pk, transfer=_transfer_of(payout))
    finally:
        connection.close()


def _transfer_of(payout: Payout) -> TransferState:
    return TransferState(
        transfer_id=f"tr_{payout.pk}",
        amount=payout.amount,
        account_id=payout.payout_account.stripe_account_id,
        transfer_group=payout.reference,
    )


def _write_entries(number: int, jobs: Sequence[str]) -> None:
    """Postings of two entries each, a hundred told to the audit in one event as any; balances follow at the end."""
    keys = [ledger.AccountKey(Kind.WORKER_EARNINGS, f"payee:many-{place}") for place in range(1_000)]
    wanted = keys + [ledger.AccountKey(kind, job) for job in jobs for kind in (Kind.JOB_ESCROW, Kind.PLATFORM_FEES)]
    ledger.lock_accounts(accounts=wanted, currency=CURRENCY)
    rows = LedgerAccount.objects.filter(currency=CURRENCY).values_list("kind", "owner", "pk")
    account = {(kind, owner): pk for kind, owner, pk in rows}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for start in range(0, number // 2, TOGETHER * 100):
            batch = [_a_posting(place, jobs) for place in range(start, min(start + TOGETHER * 100, number // 2))]
            _copy(cursor, "billing_posting (id, key, kind, subject, at, entry_count, details)", _posting_rows(batch))
            _copy(
                cursor,
                "billing_ledgerentry (posting_id, position, source_id, target_id, amount_minor)",
                _entry_rows(batch, account),
            )
            told = "at, actor_kind, actor_id, action, subject_type, subject_id, from_state, to_state, why, details"
            _copy(cursor, f"kernel_auditevent ({told})", _event_rows(batch))
        cursor.execute(_BALANCES)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _a_posting(place: int, jobs: Sequence[str]) -> Posted:
    job, worker = jobs[place % len(jobs)], f"payee:many-{place % 1_000}"
    return Posted(
        id=uuid4(),
        key=f"many:{place}",
        kind=str(Posting.Kind.WORK_PAID),
        subject=f"many:{place}",
        at=clock.now(),
        reverses_id=None,
        details={},
        entries=[
            Moved("job_escrow", job, "worker_earnings", worker, 4, CURRENCY),
            Moved("job_escrow", job, "platform_fees", job, 1, CURRENCY),
        ],
    )


def _posting_rows(batch: Sequence[Posted]) -> Iterable[tuple[Any, ...]]:
    return ((p.id, p.key, p.kind, p.subject, p.at, len(p.entries), Jsonb({})) for p in batch)


def _entry_rows(batch: Sequence[Posted], account: dict[tuple[str, str], int]) -> Iterable[tuple[Any, ...]]:
    return (
        (p.id, place, account[e.source_kind, e.source_owner], account[e.target_kind, e.target_owner], e.amount_minor)
        for p in batch
        for place, e in enumerate(p.entries)
    )


def _event_rows(batch: Sequence[Posted]) -> Iterable[tuple[Any, ...]]:
    for start in range(0, len(batch), TOGETHER):
        told = batch[start : start + TOGETHER]
        details = Jsonb({"postings": {str(one.id): one.digest for one in told}})
        yield (told[0].at, "system", "ledger", ACTION, "billing.posting", str(told[0].id), "", "", "", details)


def _copy(cursor: Any, into: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


_BALANCES: Final = """
    UPDATE billing_ledgeraccount SET balance_minor = moved.minor FROM (
        SELECT account_id, sum(delta) AS minor FROM (
            SELECT source_id AS account_id, -amount_minor AS delta FROM billing_ledgerentry
            UNION ALL SELECT target_id, amount_minor FROM billing_ledgerentry) AS ends GROUP BY account_id
    ) AS moved WHERE moved.account_id = id
"""

"""A client's money: what is available, what its jobs hold, what is on its way back; and why each cent moved."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import CharField, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Concat

from billing.models import LedgerAccount, LedgerEntry, Posting
from billing.queries import balances_of, statement_of
from kernel import clock
from marketplace.models import Appeal, Breaker, Client, Job

Kind = LedgerAccount.Kind

_OWNER = Concat(Value("job:"), Cast("pk", CharField()))


@dataclass(frozen=True, slots=True)
class Held:
    """What one job holds in escrow."""

    job_id: UUID
    title: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Purse:
    """A client's money in one currency."""

    currency: str
    available_minor: int
    escrow_minor: int
    reserve_minor: int
    disputed_minor: int
    refunds_in_flight_minor: int


@dataclass(frozen=True, slots=True)
class Line:
    """One movement on an account, as its owner sees it: ``change_minor`` is below zero for what went out."""

    id: int
    at: datetime
    kind: str
    explanation: str
    change_minor: int
    currency: str
    job_id: UUID | None
    subject: str


def escrow_of(client: Client) -> list[Held]:
    """The jobs of ``client`` that hold money, the latest posted first."""
    jobs = {job.billing_owner: job for job in _jobs_that_hold(client)}
    accounts = LedgerAccount.objects.filter(kind=Kind.JOB_ESCROW, owner__in=jobs, balance_minor__gt=0)
    held = {account.owner: account for account in accounts}
    return [
        Held(job.pk, job.title, held[owner].currency, held[owner].balance_minor)
        for owner, job in jobs.items()
        if owner in held
    ]


def purses_of(client: Client) -> list[Purse]:
    """What ``client`` has, by currency."""
    jobs = client.jobs.annotate(owner=_OWNER).values("owner")
    of_jobs = LedgerAccount.objects.filter(kind__in=(Kind.JOB_ESCROW, Kind.PAY_RESERVE), owner__in=jobs)
    sums = of_jobs.order_by().values_list("kind", "currency").annotate(total=Sum("balance_minor"))
    held = {(kind, currency): int(total) for kind, currency, total in sums}
    held |= {(b.kind, b.balance.currency): b.balance.minor for b in balances_of(client.billing_owner)}
    places = (Kind.CLIENT_FUNDS, Kind.JOB_ESCROW, Kind.PAY_RESERVE, Kind.DISPUTED, Kind.REFUNDS_IN_FLIGHT)
    return [
        Purse(currency, *(held.get((kind, currency), 0) for kind in places))
        for currency in sorted({currency for kind, currency in held if kind in places})
    ]


def available_minor(client: Client, currency: str) -> int:
    """What ``client`` may spend in ``currency``."""
    funds = LedgerAccount.objects.filter(kind=Kind.CLIENT_FUNDS, owner=client.billing_owner, currency=currency)
    return funds.values_list("balance_minor", flat=True).first() or 0


def client_statement(client: Client) -> QuerySet[LedgerEntry]:
    """Every entry that moved what the client may spend."""
    return statement_of(client.billing_owner, Kind.CLIENT_FUNDS).select_related("target")


def job_statement(job: Job) -> QuerySet[LedgerEntry]:
    """Every entry that moved what the job holds."""
    return statement_of(job.billing_owner, Kind.JOB_ESCROW).select_related("target")


def keeps_pay() -> Q:
    """Which rejections still keep the pay of their answers: they can be reversed, or a person has still to decide."""
    undecided = Q(appeal__state=Appeal.State.OPEN) | Q(breaker__state=Breaker.State.TRIPPED)
    return Q(reversed_at__isnull=True) & (Q(reversible_until__gt=clock.now()) | undecided)


def explained(entries: Sequence[LedgerEntry]) -> list[Line]:
    """A page of a statement, each entry with why it moved; one query for all their jobs' titles."""
    owners = [owner for entry in entries if (owner := job_of(entry)) is not None]
    titles = dict(Job.objects.filter(pk__in=owners).values_list("pk", "title"))
    return [_line(entry, titles) for entry in entries]


def _jobs_that_hold(client: Client) -> QuerySet[Job]:
    owners = LedgerAccount.objects.filter(kind=Kind.JOB_ESCROW, balance_minor__gt=0).values("owner")
    jobs = Job.objects.filter(client=client).annotate(owner=_OWNER).filter(owner__in=owners)
    return jobs.order_by(F("created_at").desc(), F("pk").desc())


def job_of(entry: LedgerEntry) -> UUID | None:
    """The job whose money an entry moved, if it was a job's."""
    for owner in (entry.source.owner, entry.target.owner):
        if owner.startswith("job:"):
            with contextlib.suppress(ValueError):
                return UUID(owner.removeprefix("job:"))
    return None


def _line(entry: LedgerEntry, titles: dict[UUID, str]) -> Line:
    job_id = job_of(entry)
    return Line(
        id=entry.pk,
        at=entry.posting.at,
        kind=entry.posting.kind,
        explanation=_explanation(entry, titles.get(job_id, "") if job_id else ""),
        change_minor=entry.change_minor,  # type: ignore[attr-defined]  # annotated by statement_of
        currency=entry.source.currency,
        job_id=job_id,
        subject=entry.posting.subject,
    )


def _explanation(entry: LedgerEntry, title: str) -> str:
    kind = Posting.Kind(entry.posting.kind)
    if kind is Posting.Kind.WORK_PAID:
        is_fee = entry.target.kind == Kind.PLATFORM_FEES
        return f"{'The platform’s fee' if is_fee else 'The reward'} for an accepted answer in “{title}”."
    if kind is Posting.Kind.BONUS_PAID and entry.target.kind == Kind.PLATFORM_FEES:
        return "The platform’s fee for a bonus that you gave to a worker."
    explanation: str = _WHY.get(kind, kind.label.capitalize() + ".")
    return explanation.format(title=title)


_WHY = {
    Posting.Kind.FUNDING_SETTLED: "Money that you paid in has arrived.",
    Posting.Kind.ESCROW_HELD: "What “{title}” may come to cost was set aside.",
    Posting.Kind.ESCROW_RELEASED: "What “{title}” did not spend was given back.",
    Posting.Kind.REFUND_REQUESTED: "Set aside to be paid back to you.",
    Posting.Kind.REFUND_FAILED: "A refund could not be made; the money is yours to spend again.",
    Posting.Kind.CREDIT_GRANTED: "The platform advanced you money that is still to arrive.",
    Posting.Kind.BONUS_PAID: "A bonus that you gave to a worker.",
    Posting.Kind.RESERVE_HELD: "Set aside to lift pay in “{title}” to the floor, should it take longer.",
    Posting.Kind.RESERVE_RELEASED: "What “{title}” did not need to lift pay was given back.",
    Posting.Kind.PAY_LIFTED: "Pay in “{title}” was lifted to the floor.",
    Posting.Kind.INTERRUPTION_PAID: "The time of work in “{title}” that was taken away was paid.",
    Posting.Kind.DISPUTE_OPENED: "Your bank took a payment back; it is disputed.",
    Posting.Kind.DISPUTE_WON: "A disputed payment, or a part of it, came back.",
    Posting.Kind.DISPUTE_LOST: "A disputed payment is gone.",
    Posting.Kind.REFUND_RETURNED: "A refund came back; the money is yours to spend again.",
    Posting.Kind.REVERSAL: "An earlier movement was undone.",
}

"""What a worker has earned: what waits, what is held, what is there and what has gone; each line with why it is so.

Nothing here tells gold from work: both are assignments of a job, and a line names no task (docs/architecture.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from billing.models import LedgerAccount, LedgerEntry, Posting
from billing.queries import balances_of, statement_of
from marketplace.models import Assignment, Job, Rejection
from marketplace.queries.money import job_of, keeps_pay
from workforce.models import Worker

Kind = LedgerAccount.Kind
LINES_IN_ORDER: Final = ("posting_id",)
"""After their instant. Numbers that count up would tell what was paid to others in between."""


@dataclass(frozen=True, slots=True)
class Earned:
    """A worker's money in one currency, in minor units; ``pending`` and ``held`` are of answers, the rest is theirs."""

    currency: str
    pending_minor: int
    pending_answers: int
    held_minor: int
    held_answers: int
    available_minor: int
    in_flight_minor: int
    paid_out_minor: int


@dataclass(frozen=True, slots=True)
class EarningsLine:
    """One change of a worker's earnings: ``change_minor`` is below zero for what went out."""

    id: UUID
    at: datetime
    kind: str
    explanation: str
    subject: str
    change_minor: int
    currency: str
    job_id: UUID | None
    job_title: str


def earnings_of(worker: Worker) -> list[Earned]:
    """What the worker has in each currency in which there is anything."""
    held = {(b.kind, b.balance.currency): b.balance.minor for b in balances_of(worker.billing_owner)}
    pending, kept = _rewards(pending_of(worker)), _rewards(held_of(worker))
    return [
        Earned(
            currency,
            *pending.get(currency, (0, 0)),
            *kept.get(currency, (0, 0)),
            available_minor=held.get((Kind.WORKER_EARNINGS, currency), 0),
            in_flight_minor=held.get((Kind.PAYOUTS_IN_FLIGHT, currency), 0),
            paid_out_minor=held.get((Kind.OUTSIDE_WORLD, currency), 0),
        )
        for currency in sorted({*pending, *kept, *(currency for _, currency in held)})
    ]


def pending_of(worker: Worker) -> QuerySet[Assignment]:
    """Answers that wait to be accepted; silence accepts them."""
    return Assignment.objects.filter(worker=worker, state=Assignment.State.SUBMITTED)


def held_of(worker: Worker) -> QuerySet[Assignment]:
    """Rejected answers whose pay is still kept, because the rejection can be reversed or an appeal runs."""
    rejected = Assignment.objects.filter(worker=worker, state=Assignment.State.REJECTED)
    return rejected.filter(rejection__in=Rejection.objects.filter(keeps_pay()))


def earnings_statement(worker: Worker) -> QuerySet[LedgerEntry]:
    """Every entry that moved what the worker may have paid out."""
    return statement_of(worker.billing_owner, Kind.WORKER_EARNINGS).select_related("target")


def told_to_worker(entries: Sequence[LedgerEntry]) -> list[EarningsLine]:
    """Entries of a worker's statement, each with why it moved; one query for all their jobs' titles."""
    titles = titles_of(entries)
    return [_line(entry, titles) for entry in entries]


def titles_of(entries: Iterable[LedgerEntry]) -> dict[UUID, str]:
    """The titles of the jobs whose money these entries moved."""
    jobs = {job_id for entry in entries if (job_id := job_of(entry)) is not None}
    return dict(Job.objects.filter(pk__in=jobs).values_list("pk", "title"))


def _rewards(answers: QuerySet[Assignment]) -> dict[str, tuple[int, int]]:
    sums = answers.order_by().values_list("currency").annotate(total=Sum("reward_minor"), answers=Count("pk"))
    return {currency: (int(total), answers) for currency, total, answers in sums}


def _line(entry: Any, titles: dict[UUID, str]) -> EarningsLine:
    job_id = job_of(entry)
    title = titles.get(job_id, "") if job_id else ""
    return EarningsLine(
        id=entry.posting_id,
        at=entry.posting.at,
        kind=entry.posting.kind,
        explanation=_WHY.get(Posting.Kind(entry.posting.kind), _OTHERWISE).format(title=title) + _reason(entry),
        subject=entry.posting.subject,
        change_minor=entry.change_minor,
        currency=entry.source.currency,
        job_id=job_id,
        job_title=title,
    )


def _reason(entry: Any) -> str:
    reason = entry.posting.details.get("reason", "") if entry.posting.kind == Posting.Kind.BONUS_PAID else ""
    return f" “{reason}”" if reason else ""


_OTHERWISE: Final = "Your earnings were set right."
_WHY: Final = {
    Posting.Kind.WORK_PAID: "Your answer in “{title}” was accepted.",
    Posting.Kind.BONUS_PAID: "A client thanked you for good work.",
    Posting.Kind.PAY_LIFTED: "Your pay for the time that “{title}” took was lifted to the floor.",
    Posting.Kind.INTERRUPTION_PAID: "The time of work in “{title}” that was taken away from you was paid.",
    Posting.Kind.PAYOUT_REQUESTED: "Set aside to be paid out to you.",
    Posting.Kind.PAYOUT_CANCELLED: "A payout was called off; its money is yours to have paid out.",
    Posting.Kind.PAYOUT_FAILED: "A payout could not be made; its money is yours to have paid out.",
    Posting.Kind.PAYOUT_RETURNED: "This came back of a payout after it had left; it is yours to have paid out.",
    Posting.Kind.REVERSAL: "An earlier change was undone.",
}

"""How far a job is, for those who post it: tasks by state, answers by state, money spent and held."""

from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from billing.models import LedgerAccount
from marketplace.models import Assignment, Job, Task


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts by state (every state stands in them), and minor units of the job's currency."""

    tasks: dict[str, int]
    gold_tasks: int
    answers: dict[str, int]
    spent_minor: int
    held_minor: int


def progress_of(job: Job) -> Progress:
    """Where the job stands now. Turns at hidden gold count among the answers, because they are paid for."""
    tasks = Task.objects.filter(job=job)
    work = tasks.filter(gold_question__isnull=True).values_list("state").annotate(number=Count("pk"))
    turns = Assignment.objects.filter(job=job).values_list("state")
    counted = list(turns.annotate(number=Count("pk"), price=Sum(F("reward_minor") + F("fee_minor"))))
    return Progress(
        tasks={**dict.fromkeys(Task.State.values, 0), **dict(work)},
        gold_tasks=tasks.filter(gold_question__isnull=False).count(),
        answers={**dict.fromkeys(Assignment.State.values, 0), **{state: number for state, number, _ in counted}},
        spent_minor=sum(price for state, _, price in counted if state == Assignment.State.ACCEPTED),
        held_minor=_held_minor(job),
    )


def work_tasks_of(job: Job) -> QuerySet[Task]:
    """The tasks that are work, each with ``is_paid_for``: whether its label may be taken away (docs/results.md)."""
    answers = Assignment.objects.filter(task=OuterRef("pk"), ordinal__isnull=False)
    is_paid = Q(Exists(answers.filter(state=Assignment.State.ACCEPTED)))
    is_awaited = Q(Exists(answers.filter(state=Assignment.State.SUBMITTED)))
    is_decided = Q(method=Task.Method.PREDICTION) | (Q(method=Task.Method.ADJUDICATION) & ~is_awaited)
    may_be_taken = Q(label__isnull=False) & (is_paid | is_decided)
    return Task.objects.filter(job=job, gold_question__isnull=True).annotate(is_paid_for=may_be_taken)


def _held_minor(job: Job) -> int:
    accounts = LedgerAccount.objects.filter(
        kind=LedgerAccount.Kind.JOB_ESCROW, owner=job.billing_owner, currency=job.currency
    )
    return accounts.values_list("balance_minor", flat=True).first() or 0

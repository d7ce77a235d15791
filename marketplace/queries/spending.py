"""What a client spent, job by job: rewards, fees, what was added to pay, what a label cost, what rejections did."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum

from billing.queries.charges import Charge, ChargedFor, charges_of
from marketplace.models import Assignment, Bonus, Client, Job, Rejection, SoftRejection, Task
from marketplace.queries.money import keeps_pay


@dataclass(frozen=True, slots=True)
class Rejected:
    """What became of the answers of a job that were rejected; amounts are reward and fee, in minor units."""

    answers: int = 0
    held_answers: int = 0
    held_minor: int = 0
    reversed_answers: int = 0
    reversed_minor: int = 0
    released_answers: int = 0
    released_minor: int = 0


@dataclass(frozen=True, slots=True)
class Spent:
    """What one job cost so far, in minor units; ``cost_per_label_minor`` is rounded half up, None without a label."""

    job_id: UUID
    title: str
    state: str
    currency: str
    rewards_minor: int
    fees_minor: int
    bonuses_minor: int
    lifts_minor: int
    interruptions_minor: int
    accepted_answers: int
    unused_answers: int
    unused_minor: int
    labels: int
    rejected: Rejected

    @property
    def to_workers_minor(self) -> int:
        """What went to workers."""
        return self.rewards_minor + self.bonuses_minor + self.lifts_minor + self.interruptions_minor

    @property
    def spent_minor(self) -> int:
        """All of it."""
        return self.to_workers_minor + self.fees_minor

    @property
    def cost_per_label_minor(self) -> int | None:
        """What one resolved task cost."""
        return (2 * self.spent_minor + self.labels) // (2 * self.labels) if self.labels else None


def jobs_of(client: Client) -> QuerySet[Job]:
    """The jobs of a client that were ever launched."""
    return client.jobs.filter(launched_at__isnull=False)


def spent_on(jobs: Sequence[Job]) -> list[Spent]:
    """What each of these jobs cost; a handful of queries for all of them."""
    by_owner: dict[str, list[Charge]] = {}
    for charge in charges_of([job.billing_owner for job in jobs]):
        by_owner.setdefault(charge.owner, []).append(charge)
    work = Task.objects.filter(job__in=jobs, gold_question__isnull=True, state=Task.State.RESOLVED)
    labels = dict(work.order_by().values_list("job").annotate(found=Count("pk")))
    accepted = Assignment.objects.filter(job__in=jobs, state=Assignment.State.ACCEPTED)
    answers = dict(accepted.order_by().values_list("job").annotate(found=Count("pk")))
    unused = _unused_in(jobs)
    rejections = _rejected_in(jobs)
    bonuses = _bonuses_in(jobs)
    return [
        _spent(
            job,
            by_owner.get(job.billing_owner, []),
            answers=answers.get(job.pk, 0),
            unused=unused.get(job.pk, (0, 0)),
            labels=labels.get(job.pk, 0),
            rejected=rejections.get(job.pk, Rejected()),
            bonuses=bonuses.get(job.pk, (0, 0)),
        )
        for job in jobs
    ]


def _spent(
    job: Job,
    charges: Sequence[Charge],
    *,
    answers: int,
    unused: tuple[int, int],
    labels: int,
    rejected: Rejected,
    bonuses: tuple[int, int],
) -> Spent:
    def sum_of(*kinds: ChargedFor) -> int:
        return sum(charge.amount_minor for charge in charges if charge.charged_for in kinds)

    return Spent(
        job_id=job.pk,
        title=job.title,
        state=job.state,
        currency=job.currency,
        rewards_minor=sum_of(ChargedFor.REWARD, ChargedFor.OTHER),
        fees_minor=sum_of(ChargedFor.FEE) + bonuses[1],
        bonuses_minor=sum_of(ChargedFor.BONUS) + bonuses[0],
        lifts_minor=sum_of(ChargedFor.LIFT),
        interruptions_minor=sum_of(ChargedFor.INTERRUPTION),
        accepted_answers=answers,
        unused_answers=unused[0],
        unused_minor=unused[1],
        labels=labels,
        rejected=rejected,
    )


def _unused_in(jobs: Sequence[Job]) -> dict[UUID, tuple[int, int]]:
    """How many answers of each job were rejected softly, and their price."""
    rows = SoftRejection.objects.filter(assignment__job__in=jobs).order_by().values_list("assignment__job")
    price = Sum(F("assignment__reward_minor") + F("assignment__fee_minor"))
    found = rows.annotate(answers=Count("pk"), minor=price)
    return {job_id: (answers, int(minor)) for job_id, answers, minor in found}


def _bonuses_in(jobs: Sequence[Job]) -> dict[UUID, tuple[int, int]]:
    """What was given for answers of each job, and the fees on it; it comes from the client's own funds."""
    rows = Bonus.objects.filter(assignment__job__in=jobs).order_by().values_list("assignment__job")
    sums = rows.annotate(given=Sum("amount_minor"), fees=Sum("fee_minor"))
    return {job_id: (int(given), int(fees)) for job_id, given, fees in sums}


def _rejected_in(jobs: Sequence[Job]) -> dict[UUID, Rejected]:
    undone = Q(reversed_at__isnull=False)
    held = keeps_pay()
    price = F("assignment__reward_minor") + F("assignment__fee_minor")
    rows = Rejection.objects.filter(assignment__job__in=jobs).order_by().values("assignment__job")
    sums = {
        f"{name}_{what}": how
        for name, which in (("held", held), ("reversed", undone), ("released", ~undone & ~held))
        for what, how in (("answers", Count("pk", filter=which)), ("minor", Sum(price, filter=which, default=0)))
    }
    found: Any = rows.annotate(answers=Count("pk"), **sums)
    return {row.pop("assignment__job"): Rejected(**row) for row in found}

"""The platform's share: which terms hold for a client now, and what fee goes with a reward."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Sum

from kernel.money import share_of
from marketplace.models import Assignment, FeeSchedule, Job

USUAL_BASIS_POINTS: Final = 2000
"""The share that is taken of a reward, on top of it, from clients without a schedule of their own."""


@dataclass(frozen=True, slots=True)
class Terms:
    """By which a fee is reckoned: a share of the reward, and the least for one accepted assignment."""

    basis_points: int = USUAL_BASIS_POINTS
    minimum_minor: int = 0

    def fee_of(self, reward_minor: int) -> int:
        """The fee that goes with a reward, in whole minor units."""
        return max(self.minimum_minor, share_of(reward_minor, self.basis_points))


def terms_of(job: Job) -> Terms:
    """The terms that ``job`` is on: fixed by its launch."""
    return Terms(job.fee_basis_points, job.fee_minimum_minor)


def terms_for(client_id: UUID, currency: str) -> Terms:
    """The terms that a launch would fix now: of the client's schedule, by what the client has spent."""
    schedule = schedule_of(client_id, currency)
    if schedule is None:
        return Terms()
    tiers = list(schedule.tiers.order_by("-from_spent_minor"))
    spent = spent_minor(client_id, currency) if len(tiers) > 1 else 0
    reached = next(tier for tier in tiers if tier.from_spent_minor <= spent)
    return Terms(reached.basis_points, schedule.minimum_minor)


def schedule_of(client_id: UUID, currency: str) -> FeeSchedule | None:
    """The client's own schedule that is in force in ``currency``, if there is one."""
    return FeeSchedule.objects.filter(client=client_id, currency=currency).order_by("id").last()


def spent_minor(client_id: UUID, currency: str) -> int:
    """The rewards of all that was accepted from this client, in ``currency``."""
    accepted = Assignment.objects.filter(
        job__client=client_id, currency=currency, state=Assignment.State.ACCEPTED
    ).aggregate(spent=Sum("reward_minor"))
    return accepted["spent"] or 0

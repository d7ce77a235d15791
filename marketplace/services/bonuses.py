"""Bonuses: a client adds to the pay of a worker whose answer it liked, with a reason that the worker is shown."""

from typing import Final
from uuid import UUID

from django.db import transaction

from billing.services.bonuses import pay_bonus
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import WrongState
from kernel.models import User
from kernel.money import Money, share_of
from kernel.services.audit import Actor, record
from kernel.text import clean_text
from marketplace.models import Assignment, Bonus, Job
from marketplace.services.eligibility import is_tied

LARGEST_MINOR: Final = 1_000_000
MOST_REWARDS: Final = 100
"""A bonus is at most so many times the reward of its answer: more is a slip of the hand."""

ANSWERED: Final = (Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED)


class BonusToOneself(Refused):
    """Nobody gives a bonus to themselves, nor to somebody who acts for their client."""

    code = "bonus_to_oneself"


@transaction.atomic
def give_bonus(*, assignment_id: UUID, amount_minor: int, reason: str, by: User) -> Bonus:
    """Pay the worker of an answer, accepted or not, so much more, from the client's funds.

    The platform's share comes on top, as of the terms of the job. Raises NotFound, WrongState for a turn without an
    answer, Invalid, BonusToOneself or InsufficientFunds.
    """
    turn = Assignment.objects.select_related("job__client", "worker").filter(pk=assignment_id).first()
    if turn is None:
        raise NotFound("assignment")
    if turn.state not in ANSWERED:
        raise WrongState(f"Assignment {turn.pk} is {turn.state}; a bonus is given for an answer.")
    _require_sensible(turn, amount_minor)
    _require_somebody_else(turn, by)
    bonus = Bonus.objects.create(
        assignment=turn,
        amount_minor=amount_minor,
        fee_minor=share_of(amount_minor, turn.job.fee_basis_points),
        currency=turn.currency,
        reason=clean_text(reason, what="reason", field="reason", longest=500),
        given_by=by,
    )
    pay_bonus(
        client_owner=turn.job.client.billing_owner,
        worker_owner=turn.worker.billing_owner,
        amount=Money(bonus.amount_minor, bonus.currency),
        fee=Money(bonus.fee_minor, bonus.currency),
        key=f"bonus:{bonus.pk}",
        subject=f"assignment:{turn.pk}",
        reason=bonus.reason,
    )
    details = {"assignment": str(turn.pk), "amount_minor": bonus.amount_minor, "fee_minor": bonus.fee_minor}
    record(action="bonus.given", subject=bonus, by=Actor.user(by), why=bonus.reason, details=details)
    return bonus


def _require_sensible(turn: Assignment, amount_minor: int) -> None:
    most = min(LARGEST_MINOR, MOST_REWARDS * turn.reward_minor)
    if not 1 <= amount_minor <= most:
        message = f"A bonus for this answer is between 1 and {most} minor units, not {amount_minor}."
        raise Invalid(message, [{"field": "amount_minor", "message": message}])


def _require_somebody_else(turn: Assignment, by: User) -> None:
    acts_for_client = Job.objects.filter(pk=turn.job_id).filter(is_tied(worker_id=turn.worker_id)).exists()
    if turn.worker.user_id == by.pk or acts_for_client:
        raise BonusToOneself("This answer's worker acts for its client, and nobody gives a bonus to themselves.")

"""Answers that a recall of gold is to pay, and for which the client has no funds, are put before people.

One escalation for each job says what is missing, and the client's owners are told once. As soon as there is money the
next sweep pays, and what waits for a person is withdrawn.
"""

from typing import Any, Final
from uuid import UUID

from django.db import transaction

from kernel.flow import move
from kernel.money import Money
from kernel.services.audit import Actor
from marketplace.models import Assignment, Escalation, Job
from marketplace.services.clients import tell_owners
from marketplace.services.escalations import lock_escalation, open_escalation
from marketplace.services.posting import lock_job

RECALL: Final = Actor.system("gold_recall")


@transaction.atomic
def put_before_people(*, assignment_id: UUID) -> None:
    """Say that this answer waits for the client's money; saying it again changes nothing, also once it was noted."""
    job = lock_job(Assignment.objects.only("job_id").get(pk=assignment_id).job_id)
    told = Escalation.objects.filter(job=job, kind=Escalation.Kind.RECALL_UNPAID)
    named = told.filter(details__assignments__contains=str(assignment_id))
    if named.exclude(state=Escalation.State.WITHDRAWN).exists():
        return
    waiting = told.filter(state__in=Escalation.LIVE).select_for_update(no_key=True, of=("self",)).first()
    before = waiting.details["assignments"] if waiting is not None else []
    details = _details(job, [*before, str(assignment_id)])
    if waiting is not None:
        waiting.details = details
        waiting.save(update_fields=["details"])
        return
    missing = Money(details["missing_minor"], job.currency)
    why = f"answers are to be paid after a recall of gold, and the client lacks {missing}"
    open_escalation(
        kind=Escalation.Kind.RECALL_UNPAID, by=RECALL, why=why, job=job, subject=f"job:{job.pk}", details=details
    )
    tell_owners(client_id=job.client_id, notice="recall_needs_funds", detail=f"{missing} for job {job.pk}")


def _details(job: Job, assignments: list[str]) -> dict[str, Any]:
    prices = Assignment.objects.filter(pk__in=assignments).values_list("reward_minor", "fee_minor")
    missing = sum(reward + fee for reward, fee in prices)
    return {"assignments": assignments, "missing_minor": missing, "currency": job.currency}


def withdraw_what_was_paid() -> None:
    """Withdraw what waits for a person though nothing is left to be paid."""
    waiting = Escalation.objects.filter(kind=Escalation.Kind.RECALL_UNPAID, state__in=Escalation.LIVE)
    for escalation in waiting.order_by("opened_at", "pk"):
        unpaid = Assignment.objects.filter(pk__in=escalation.details["assignments"], state=Assignment.State.REJECTED)
        if not unpaid.exists():
            _withdraw(escalation.pk)


@transaction.atomic
def _withdraw(escalation_id: UUID) -> None:
    escalation = lock_escalation(escalation_id)
    if escalation.state in Escalation.LIVE:
        move(escalation, Escalation.State.WITHDRAWN, by=RECALL, why="all that a recall was to pay has been paid")

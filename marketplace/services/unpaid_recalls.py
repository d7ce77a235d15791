"""Answers that a recall of gold is to pay, and for which the client has no funds, are put before people.

One escalation for each job says what its funds lack, and the client's owners are told once. As soon as there is money
the next sweep pays, and what waits for a person is withdrawn.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from billing.services import ledger
from billing.services.ledger import Kind
from kernel.flow import move
from kernel.money import Money
from kernel.services.audit import Actor
from marketplace.models import Assignment, Escalation, Job
from marketplace.services.budgets import held_by, worst_case_left
from marketplace.services.clients import tell_owners
from marketplace.services.escalations import lock_escalation, open_escalation
from marketplace.services.posting import lock_job

RECALL: Final = Actor.system("gold_recall")


def put_before_people(*, assignment_ids: Iterable[UUID]) -> None:
    """Say that these answers wait for their clients' money; saying it again changes nothing, also once it was noted."""
    by_job: dict[UUID, list[str]] = defaultdict(list)
    for pk, job_id in Assignment.objects.filter(pk__in=list(assignment_ids)).order_by("pk").values_list("pk", "job_id"):
        by_job[job_id].append(str(pk))
    for job_id, assignments in by_job.items():
        _put_before_people(job_id, assignments)


@transaction.atomic
def _put_before_people(job_id: UUID, assignments: Sequence[str]) -> None:
    job = lock_job(job_id)
    told = Escalation.objects.filter(job=job, kind=Escalation.Kind.RECALL_UNPAID)
    known = set[str]().union(
        *told.exclude(state=Escalation.State.WITHDRAWN).values_list("details__assignments", flat=True)
    )
    new = [each for each in assignments if each not in known]
    waiting = told.filter(state__in=Escalation.LIVE).select_for_update(no_key=True, of=("self",)).first()
    before = waiting.details["assignments"] if waiting is not None else []
    details = _details(job, [*before, *new])
    if not new or not details["missing_minor"]:  # told already; or the money came this moment, and the next sweep pays
        return
    if waiting is not None:
        _save(waiting, details)
        return
    missing = Money(details["missing_minor"], job.currency)
    why = f"answers are to be paid after a recall of gold, and the client lacks {missing}"
    open_escalation(
        kind=Escalation.Kind.RECALL_UNPAID, by=RECALL, why=why, job=job, subject=f"job:{job.pk}", details=details
    )
    tell_owners(client_id=job.client_id, notice="recall_needs_funds", detail=f"{missing} for job {job.pk}")


def _details(job: Job, assignments: Sequence[str]) -> dict[str, Any]:
    """Those of these answers that are not paid yet, and what the funds of a locked job's client lack for them."""
    turns = Assignment.objects.filter(pk__in=assignments, state=Assignment.State.REJECTED)
    prices = {str(turn.pk): turn.reward_minor + turn.fee_minor for turn in turns.only("reward_minor", "fee_minor")}
    funds = ledger.balance(kind=Kind.CLIENT_FUNDS, owner=job.client.billing_owner, currency=job.currency)
    needed = worst_case_left(job).minor + sum(prices.values()) - held_by(job).minor
    return {
        "assignments": [each for each in assignments if each in prices],
        "missing_minor": max(0, needed - funds.minor),
        "currency": job.currency,
    }


def bring_up_to_date() -> None:
    """Let what waits for a person say what is lacking now; it is withdrawn where nothing is left to be paid."""
    waiting = Escalation.objects.filter(kind=Escalation.Kind.RECALL_UNPAID, state__in=Escalation.LIVE)
    for escalation in waiting.order_by("opened_at", "pk"):
        assert escalation.job_id is not None, "What a recall is to pay was answered in a job."
        _bring_up_to_date(escalation.pk, escalation.job_id)


@transaction.atomic
def _bring_up_to_date(escalation_id: UUID, job_id: UUID) -> None:
    job, escalation = lock_job(job_id), lock_escalation(escalation_id)
    if escalation.state not in Escalation.LIVE:
        return
    details = _details(job, escalation.details["assignments"])
    if not details["assignments"]:
        move(escalation, Escalation.State.WITHDRAWN, by=RECALL, why="all that a recall was to pay has been paid")
    elif details != escalation.details:
        _save(escalation, details)


def _save(escalation: Escalation, details: dict[str, Any]) -> None:
    escalation.details = details
    escalation.save(update_fields=["details"])

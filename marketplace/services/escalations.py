"""Escalations: what waits for a person, who takes it, and by when."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from kernel import clock
from kernel.errors import NotFound, Refused
from kernel.flow import move
from kernel.models import User
from kernel.rows import insert
from kernel.services.audit import Actor, record, telling
from marketplace.models import Escalation, Job, JobUserObjectPermission, Membership, Task

TIME_TO_DECIDE: Final = {
    Escalation.Kind.NO_CONSENSUS: timedelta(days=2),
    Escalation.Kind.DECERTIFICATION: timedelta(days=3),
    Escalation.Kind.FAILED_PAYOUT: timedelta(days=1),
    Escalation.Kind.DISPUTE: timedelta(days=1),
    Escalation.Kind.APPEAL: timedelta(days=5),
    Escalation.Kind.REJECTION_BREAKER: timedelta(days=2),
    Escalation.Kind.INSPECTION: timedelta(days=7),
    Escalation.Kind.PAY_FLOOR: timedelta(days=2),
    Escalation.Kind.SIGNAL: timedelta(days=7),
    Escalation.Kind.GOLD_REVIEW: timedelta(days=3),
    Escalation.Kind.AUTOMATION_STOPPED: timedelta(days=3),
    Escalation.Kind.RECALL_UNPAID: timedelta(days=3),
}


FLAGGED_AT_ONCE: Final = 500
GATHERER: Final = 0x9A275  # the advisory lock, with that of the matter, that stands for "one more part of it comes"
ESCALATION_CLOCK: Final = Actor.system("escalation_clock")


class NotYours(Refused):
    """Somebody else has claimed this escalation, or it is about the person who asks."""

    code = "not_yours_to_decide"


def open_escalation(
    *,
    kind: Escalation.Kind,
    by: Actor,
    why: str,
    job: Job | None = None,
    task: Task | None = None,
    worker_id: UUID | None = None,
    subject: str = "",
    details: Mapping[str, object] | None = None,
) -> Escalation:
    """Put something before a person, with the time they have. Runs in the caller's transaction."""
    now = clock.now()
    escalation = Escalation(
        kind=kind,
        job=job,
        task=task,
        worker_id=worker_id,
        subject=subject,
        details=dict(details or {}),
        opened_at=now,
        due_at=now + TIME_TO_DECIDE[kind],
    )
    told = telling(action="escalation.open", subject=escalation, by=by, why=why, to_state=Escalation.State.OPEN)
    insert(escalation, beside=told)
    return escalation


def open_or_extend(
    *,
    kind: Escalation.Kind,
    by: Actor,
    why: str,
    about: Mapping[str, str],
    subject: str,
    part: Mapping[str, Any],
    details: Mapping[str, object],
    worker_id: UUID | None = None,
) -> Escalation:
    """Put a part of a matter of money before a person: with the parts before it, where these still wait for one.

    ``about`` finds the matter, by columns of an escalation; the ``amount_minor`` of its parts are summed up. Parts that
    come at once wait for each other. Runs in the caller's transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [GATHERER, f"{kind} {sorted(about.items())}"])
    waiting = Escalation.objects.filter(kind=kind, state__in=Escalation.LIVE, **about).order_by("opened_at", "pk")
    escalation = waiting.select_for_update(no_key=True, of=("self",)).first()
    parts = escalation.details.get("parts", [escalation.details]) if escalation else []
    parts = [*parts, {**part, "why": why, "at": clock.now().isoformat()}]
    gathered = {**details, "amount_minor": sum(each["amount_minor"] for each in parts), "parts": parts}
    if escalation is None:
        return open_escalation(kind=kind, by=by, why=why, worker_id=worker_id, subject=subject, details=gathered)
    escalation.details = gathered
    escalation.save(update_fields=["details"])
    record(action="escalation.extended", subject=escalation, by=by, why=why, details=dict(part))
    return escalation


@transaction.atomic
def claim_escalation(*, escalation_id: UUID, by: User) -> Escalation:
    """Take an open escalation, so that nobody else decides it meanwhile. Raises NotFound, WrongState or NotYours."""
    escalation = lock_escalation(escalation_id)
    require_impartial(escalation, by)
    escalation.claimed_by, escalation.claimed_at = by, clock.now()
    move(
        escalation,
        Escalation.State.CLAIMED,
        by=Actor.user(by),
        why="claimed to decide it",
        fields=["claimed_by", "claimed_at"],
    )
    return escalation


@transaction.atomic
def release_escalation(*, escalation_id: UUID, by: User) -> Escalation:
    """Give a claimed escalation back to all. Raises NotFound, WrongState or NotYours."""
    escalation = lock_escalation(escalation_id)
    require_mine_or_free(escalation, by)
    _give_back(escalation, by=Actor.user(by), why="given back")
    return escalation


def _give_back(escalation: Escalation, *, by: Actor, why: str) -> None:
    escalation.claimed_by, escalation.claimed_at = None, None
    move(escalation, Escalation.State.OPEN, by=by, why=why, fields=["claimed_by", "claimed_at"])


def flag_overdue_escalations() -> int:
    """Flag what nobody has decided in time, and give what somebody sits on back to all; returns how many.

    An appeal is not flagged: its missed deadline decides it (`marketplace.services.appeals`).
    """
    late = Escalation.objects.filter(
        state__in=Escalation.LIVE, due_at__lte=clock.now(), overdue_at__isnull=True
    ).exclude(kind=Escalation.Kind.APPEAL)
    ids = list(late.order_by("due_at", "id").values_list("pk", flat=True)[:FLAGGED_AT_ONCE])
    return sum(_flag_if_overdue(escalation_id) for escalation_id in ids)


@transaction.atomic
def _flag_if_overdue(escalation_id: UUID) -> bool:
    escalation = lock_escalation(escalation_id)
    if escalation.state not in Escalation.LIVE or escalation.overdue_at is not None:
        return False
    if escalation.state == Escalation.State.CLAIMED:
        _give_back(escalation, by=ESCALATION_CLOCK, why="not decided in time: anybody may take it")
    escalation.overdue_at = clock.now()
    record(
        action="escalation.overdue",
        subject=escalation,
        by=ESCALATION_CLOCK,
        why=f"was to be decided by {escalation.due_at:%Y-%m-%d %H:%M} UTC by an admin with the role {escalation.owner}",
    )
    escalation.save(update_fields=["overdue_at"])
    return True


def lock_escalation(escalation_id: UUID) -> Escalation:
    """The escalation, locked. Raises NotFound."""
    escalation = Escalation.objects.select_for_update(no_key=True, of=("self",)).filter(pk=escalation_id).first()
    if escalation is None:
        raise NotFound("escalation")
    return escalation


def lock_live(*, job: Job, kinds: Collection[Escalation.Kind]) -> list[Escalation]:
    """What of these kinds waits in a locked job, locked: after its tasks and turns, before the ledger's accounts."""
    live = Escalation.objects.filter(job=job, kind__in=kinds, state__in=Escalation.LIVE).order_by("pk")
    return list(live.select_for_update(no_key=True, of=("self",)))


def withdraw_all(escalations: Iterable[Escalation], *, by: Actor, why: str) -> None:
    """Take locked escalations back: there is nothing left to decide."""
    for escalation in escalations:
        move(escalation, Escalation.State.WITHDRAWN, by=by, why=why)


def require_mine_or_free(escalation: Escalation, by: User) -> None:
    """Refuse who may not decide: the party itself, or anybody while another person has claimed it."""
    require_impartial(escalation, by)
    if escalation.claimed_by_id not in {None, by.pk}:
        raise NotYours("Another admin has claimed this escalation. Ask them to give it back, or take another one.")


def require_impartial(escalation: Escalation, by: User) -> None:
    """Nobody decides their own escalation: not who acts for the client or on its job, not the worker it is about."""
    is_party = escalation.job is not None and (
        Membership.objects.filter(client=escalation.job.client_id, user=by).exists()
        or JobUserObjectPermission.objects.filter(content_object=escalation.job_id, user=by).exists()
    )
    is_of_client = "client" in escalation.details and (
        Membership.objects.filter(client=escalation.details["client"], user=by).exists()
    )
    is_worker = escalation.worker is not None and escalation.worker.user_id == by.pk
    answered = (
        escalation.task is not None
        and escalation.task.assignments.filter(worker__user=by, submitted_at__isnull=False).exists()
    )
    if is_party or is_of_client or is_worker or answered:
        raise NotYours("You are a party to this escalation, and nobody decides their own. Another admin must.")


def mark_decided(escalation: Escalation, *, by: User, decision: str, note: str) -> None:
    """Close a locked escalation with its decision."""
    escalation.decided_by, escalation.decided_at = by, clock.now()
    escalation.decision, escalation.note = decision, note
    move(
        escalation,
        Escalation.State.DECIDED,
        by=Actor.user(by),
        why=note or decision,
        fields=["decided_by", "decided_at", "decision", "note"],
    )

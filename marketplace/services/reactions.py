"""What the marketplace does when a lower app announces something: it puts the matter before a person."""

from uuid import UUID

from billing.events import PayoutFailed
from kernel.services.audit import Actor
from marketplace.models import Escalation
from marketplace.services.escalations import open_escalation
from qualification.events import ScoreFellBelowFloor


def request_decertification(event: ScoreFellBelowFloor) -> None:
    """A score is below what a job accepts: an admin decides whether the certification stands."""
    open_escalation(
        kind=Escalation.Kind.DECERTIFICATION,
        by=Actor.system("scoring"),
        why=f"the score is surely only {event.lower_bound:.3f}, and a job asks for {event.floor:.3f}",
        worker_id=UUID(event.worker_id),
        subject=f"skill:{event.skill_id}",
        details={"lower_bound": event.lower_bound, "floor": event.floor, "evidence": event.subject},
    )


def escalate_failed_payout(event: PayoutFailed) -> None:
    """Money could not be sent: an admin looks why; it is among the worker's earnings again."""
    owner_kind, _, owner_id = event.owner.partition(":")
    open_escalation(
        kind=Escalation.Kind.FAILED_PAYOUT,
        by=Actor.system("payouts"),
        why=event.failure,
        worker_id=UUID(owner_id) if owner_kind == "worker" else None,
        subject=f"payout:{event.payout_id}",
        details={"amount_minor": event.amount_minor, "currency": event.currency},
    )

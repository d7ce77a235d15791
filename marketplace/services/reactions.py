"""What the marketplace does when a lower app announces something: it puts the matter before a person."""

from datetime import datetime
from uuid import UUID

from billing.events import FundingFailed, PayoutDestinationChanged, PayoutFailed
from billing.models import Funding, PayoutAccount
from kernel.services.audit import Actor
from kernel.services.notices import tell
from marketplace.models import Escalation
from marketplace.services.clients import tell_owners
from marketplace.services.escalations import open_escalation, open_or_extend
from qualification.events import ScoreFellBelowFloor
from qualification.models import ScoreFall
from workforce.models import Worker


def request_decertification(event: ScoreFellBelowFloor) -> None:
    """A score is below what a job accepts: an admin decides whether the certification stands.

    Unless the fall was lifted meanwhile, by a recall of gold, which waits here while this is being asked.
    """
    falls = ScoreFall.objects.select_for_update(no_key=True, of=("self",)).filter(
        score__worker=UUID(event.worker_id), score__skill=UUID(event.skill_id), subject=event.subject, floor=event.floor
    )
    if any(fall.lifted_by_id is not None for fall in falls):
        return
    open_escalation(
        kind=Escalation.Kind.DECERTIFICATION,
        by=Actor.system("scoring"),
        why=f"the score is surely only {event.lower_bound:.3f}, and a job asks for {event.floor:.3f}",
        worker_id=UUID(event.worker_id),
        subject=f"skill:{event.skill_id}",
        details={"lower_bound": event.lower_bound, "floor": event.floor, "evidence": event.subject},
    )


def tell_of_changed_destination(event: PayoutDestinationChanged) -> None:
    """Payouts go elsewhere from now on: the worker is told, who may not have been the one to say so."""
    owner_kind, _, owner_id = event.owner.partition(":")
    worker = Worker.objects.filter(pk=owner_id).first() if owner_kind == "worker" else None
    if worker is not None:
        until = datetime.fromisoformat(event.held_until)
        what = PayoutAccount.Held(event.held_because).label
        detail = f"to {what}. Payouts wait until {until:%Y-%m-%d %H:%M} UTC"
        tell(user_id=worker.user_id, notice="payout_destination_changed", detail=detail)


def tell_of_failed_funding(event: FundingFailed) -> None:
    """A debit of the client's bank account came to nothing: its owners are told, as nobody looks at it any more."""
    funding = Funding.objects.get(pk=event.funding_id)
    owner_kind, _, client_id = event.client_owner.partition(":")
    if owner_kind == "client":
        detail = f"{funding.amount}: {event.failure}"
        tell_owners(client_id=UUID(client_id), notice="funding_failed", detail=detail)


def escalate_failed_payout(event: PayoutFailed) -> None:
    """Money could not be sent, or came back: an admin looks why; it is among the worker's earnings again.

    What comes back of one payout part by part is one matter, as long as nobody has decided it.
    """
    owner_kind, _, owner_id = event.owner.partition(":")
    subject = f"payout:{event.payout_id}"
    open_or_extend(
        kind=Escalation.Kind.FAILED_PAYOUT,
        by=Actor.system("payouts"),
        why=event.failure,
        about={"subject": subject},
        subject=subject,
        part={"amount_minor": event.amount_minor},
        details={"currency": event.currency},
        worker_id=UUID(owner_id) if owner_kind == "worker" else None,
    )

"""Clients of whom a bank took a payment back: their running jobs wait until a person has looked."""

from uuid import UUID

from billing.events import DisputeOpened
from billing.models import Dispute
from kernel.errors import Refused
from kernel.flow import move
from kernel.services.audit import Actor
from marketplace.models import Client, Escalation, Job
from marketplace.services.escalations import open_or_extend

DESK = Actor.system("disputes")


class ClientDisputed(Refused):
    """A payment of the client's is disputed, and an admin has not looked at it yet."""

    code = "client_disputed"


def pause_disputed_client(event: DisputeOpened) -> None:
    """Stop new claims at all of the client's jobs, and put the matter before a person.

    What is claimed may be finished and is paid: a job's escrow belongs to those who work on it. What banks take of one
    payment, at once or by and by, is one matter, as long as nobody has decided it.
    """
    owner_kind, _, owner_id = event.client_owner.partition(":")
    client = Client.objects.filter(pk=owner_id).first() if owner_kind == "client" else None
    if client is None:
        return
    running = Job.objects.select_for_update(no_key=True).filter(client=client, state=Job.State.OPEN).order_by("pk")
    paused = list(running)
    for job in paused:
        move(job, Job.State.PAUSED, by=DESK, why="a payment of the client's is disputed")
    funding = str(Dispute.objects.values_list("funding", flat=True).get(pk=event.dispute_id))
    open_or_extend(
        kind=Escalation.Kind.DISPUTE,
        by=DESK,
        why="a payer's bank took a payment back",
        about={"details__funding": funding},
        subject=f"dispute:{event.dispute_id}",
        part={
            "dispute": event.dispute_id,
            "amount_minor": event.amount_minor,
            "paused_jobs": [str(job.pk) for job in paused],
        },
        details={"client": str(client.pk), "funding": funding, "currency": event.currency},
    )


def require_undisputed(client_id: UUID) -> None:
    """Refuse while an admin has still to look at a dispute of this client's. Raises ClientDisputed."""
    waiting = Escalation.objects.filter(
        kind=Escalation.Kind.DISPUTE,
        state__in=[Escalation.State.OPEN, Escalation.State.CLAIMED],
        details__client=str(client_id),
    )
    if waiting.exists():
        raise ClientDisputed(
            "The payer's bank has taken a payment of this client's back. Its jobs wait until an admin has looked "
            "at it; what is held for work stays held."
        )

"""Stripe's webhooks: stored first, processed after. An event says where to look; what is so is read from Stripe."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from billing import stripe_gateway, stripe_webhooks
from billing.events import StripeEventStored
from billing.models import Funding, Payout, PayoutAccount, Refund, StripeEvent
from billing.services.bank_payouts import follow_bank_payout, look_for_shortfall
from billing.services.disputes import follow_dispute
from billing.services.funding import settle_funding
from billing.services.payout_accounts import refresh_payout_account
from billing.services.payouts import settle_payout
from billing.services.refunds import settle_refund
from billing.services.sending import Unexplained
from billing.stripe_gateway import StripeRefused, StripeServerError, StripeUnknown
from billing.webhook_event import WebhookEvent
from kernel import clock
from kernel.errors import Refused
from kernel.flow import move
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce

logger = logging.getLogger(__name__)

PARKED_AFTER_ATTEMPTS: Final = 10
INBOX: Final = Actor.system("stripe_webhook")

KEPT_OF_EVENT: Final = ("created", "api_version", "livemode")
KEPT_OF_OBJECT: Final = ("object", "status", "payment_status", "amount", "amount_total", "amount_reversed", "currency")

State = StripeEvent.State


@transaction.atomic
def store_event(*, raw_body: bytes, signature: str) -> StripeEvent:
    """Keep an event that Stripe signed, once, and owe it its processing. Raises WebhookRefused for any other."""
    return keep_event(stripe_webhooks.verify_webhook(raw_body=raw_body, signature=signature))


@transaction.atomic
def keep_event(event: WebhookEvent) -> StripeEvent:
    """Keep an event that is surely Stripe's, once, and owe it its processing."""
    fresh = StripeEvent(
        stripe_id=event.id,
        type=event.type,
        account=event.account,
        object_id=event.object_id,
        payload=_without_persons(event.payload),
    )
    StripeEvent.objects.bulk_create([fresh], ignore_conflicts=True)
    stored = StripeEvent.objects.get(stripe_id=event.id)
    if stored.pk == fresh.pk:
        what = {"type": event.type}
        record(action="stripeevent.stored", subject=stored, by=INBOX, to_state=State.STORED, details=what)
        announce(StripeEventStored(stripe_event_id=str(stored.pk)))
    return stored


def process_stored_event(event: StripeEventStored) -> None:
    """What follows when an event is stored. A reaction that speaks to the network; it may be run again."""
    process_event(stripe_event_id=UUID(event.stripe_event_id))


def process_event(*, stripe_event_id: UUID) -> None:
    """Look at Stripe for what an event hints at, and book it. An event that is not waiting is left alone.

    What does not fit, or can never be, parks the event for a person. Raises when it is to be tried again later.
    """
    event = StripeEvent.objects.get(pk=stripe_event_id)
    if event.state != State.STORED:
        return
    try:
        look = LOOK.get(event.type)
        if look is not None and _is_of_our_mode(event):
            look(event)
    except (Refused, StripeRefused) as problem:
        logger.warning("Stripe event %s (%s) waits for a person: %s", event.stripe_id, event.type, problem)
        _park(stripe_event_id=event.pk, problem=problem)
    except (StripeUnknown, StripeServerError) as trouble:
        _note_failure(stripe_event_id=event.pk, problem=trouble)
        raise
    except Exception as problem:
        if event.attempts + 1 >= PARKED_AFTER_ATTEMPTS:
            logger.exception("Stripe event %s (%s) keeps failing.", event.stripe_id, event.type)
            _park(stripe_event_id=event.pk, problem=problem)
            return
        _note_failure(stripe_event_id=event.pk, problem=problem)
        raise
    else:
        _finish(stripe_event_id=event.pk)


@transaction.atomic
def redrive_event(*, stripe_event_id: UUID, by: Actor) -> StripeEvent:
    """Let a parked event be processed once more. Raises WrongState when it is not parked."""
    event = StripeEvent.objects.select_for_update(no_key=True).get(pk=stripe_event_id)
    event.attempts = 0
    move(event, State.STORED, by=by, why="driven again", fields=["attempts"])
    announce(StripeEventStored(stripe_event_id=str(event.pk)))
    return event


def _without_persons(payload: Mapping[str, Any]) -> dict[str, object]:
    """What tells events apart. Names, addresses and the like stay at Stripe, where they can be read when needed."""
    subject = payload["data"]["object"]
    kept: dict[str, object] = {name: payload.get(name) for name in KEPT_OF_EVENT}
    kept["object"] = {name: subject[name] for name in KEPT_OF_OBJECT if isinstance(subject.get(name), str | int)}
    return kept


def _is_of_our_mode(event: StripeEvent) -> bool:
    """Whether an event is of live money and our key too, or neither; what the others are about is not to be found."""
    return event.payload.get("livemode") in (None, "_live_" in settings.STRIPE_API_KEY)


def _look_at_checkout(event: StripeEvent) -> None:
    funding_id = Funding.objects.filter(stripe_session_id=event.object_id).values_list("pk", flat=True).first()
    if funding_id is not None:
        settle_funding(funding_id=funding_id)


def _look_at_account(event: StripeEvent) -> None:
    refresh_payout_account(stripe_account_id=event.account or event.object_id)


def _look_at_transfer(event: StripeEvent) -> None:
    transfer = stripe_gateway.read_transfer(transfer_id=event.object_id)
    payout_id = _id_in(transfer.transfer_group, "payout")
    if payout_id is not None and Payout.objects.filter(pk=payout_id).exists():
        settle_payout(payout_id=payout_id, transfer=transfer)
        if transfer.reversed_minor:
            look_for_shortfall(stripe_account_id=transfer.account_id)
    elif PayoutAccount.objects.filter(stripe_account_id=transfer.account_id).exists():
        raise Unexplained(f"Transfer {transfer.transfer_id} went to a payout account, but belongs to no payout.")


def _look_at_refund(event: StripeEvent) -> None:
    seen = stripe_gateway.read_refund(refund_id=event.object_id)
    refund_id = _id_in(seen.refund_group, "refund")
    if refund_id is not None and Refund.objects.filter(pk=refund_id).exists():
        settle_refund(refund_id=refund_id, seen=seen)
    elif Funding.objects.filter(payment_intent_id=seen.payment_intent_id).exists():
        raise Unexplained(f"Refund {seen.refund_id} went back to a client, but was never asked for here.")


def _look_at_dispute(event: StripeEvent) -> None:
    follow_dispute(stripe_dispute_id=event.object_id)


def _look_at_bank_payout(event: StripeEvent) -> None:
    if event.account:  # the platform's own are no worker's
        follow_bank_payout(stripe_payout_id=event.object_id, stripe_account_id=event.account)


LOOK: Final[Mapping[str, Callable[[StripeEvent], None]]] = {
    "checkout.session.completed": _look_at_checkout,
    "checkout.session.async_payment_succeeded": _look_at_checkout,
    "checkout.session.async_payment_failed": _look_at_checkout,
    "checkout.session.expired": _look_at_checkout,
    "account.updated": _look_at_account,
    "capability.updated": _look_at_account,
    "account.external_account.created": _look_at_account,
    "account.external_account.updated": _look_at_account,
    "account.external_account.deleted": _look_at_account,
    "transfer.created": _look_at_transfer,
    "transfer.updated": _look_at_transfer,
    "transfer.reversed": _look_at_transfer,
    "refund.created": _look_at_refund,
    "refund.updated": _look_at_refund,
    "refund.failed": _look_at_refund,
    "payout.created": _look_at_bank_payout,
    "payout.updated": _look_at_bank_payout,
    "payout.paid": _look_at_bank_payout,
    "payout.failed": _look_at_bank_payout,
    "payout.canceled": _look_at_bank_payout,
    "charge.dispute.created": _look_at_dispute,
    "charge.dispute.updated": _look_at_dispute,
    "charge.dispute.closed": _look_at_dispute,
    "charge.dispute.funds_withdrawn": _look_at_dispute,
    "charge.dispute.funds_reinstated": _look_at_dispute,
}
"""Where an event leads. Of all others it is enough to have them stored."""


def _id_in(reference: str, noun: str) -> UUID | None:
    """The id in one of our own references, such as ``payout:<id>``; None if it is none of that noun."""
    name, _, written = reference.partition(":")
    try:
        return UUID(written) if name == noun else None
    except ValueError:
        return None


@transaction.atomic
def _finish(*, stripe_event_id: UUID) -> None:
    event = StripeEvent.objects.select_for_update(no_key=True).get(pk=stripe_event_id)
    if event.state == State.STORED:
        event.processed_at, event.last_error = clock.now(), ""
        move(event, State.PROCESSED, by=INBOX, why=event.type, fields=["processed_at", "last_error"])


@transaction.atomic
def _park(*, stripe_event_id: UUID, problem: Exception) -> None:
    event = StripeEvent.objects.select_for_update(no_key=True).get(pk=stripe_event_id)
    if event.state == State.STORED:
        event.attempts, event.last_error = event.attempts + 1, _written(problem)
        move(event, State.PARKED, by=INBOX, why=event.last_error, fields=["attempts", "last_error"])


@transaction.atomic
def _note_failure(*, stripe_event_id: UUID, problem: Exception) -> None:
    event = StripeEvent.objects.select_for_update(no_key=True).get(pk=stripe_event_id)
    event.attempts, event.last_error = event.attempts + 1, _written(problem)
    event.save(update_fields=["attempts", "last_error"])


def _written(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"[:2000]

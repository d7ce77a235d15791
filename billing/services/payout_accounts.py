"""Where payouts go: an account at Stripe, made for its owner, who opens it on Stripe's own pages."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from billing import stripe_gateway
from billing.events import PayoutAccountOpened, PayoutDestinationChanged
from billing.models import PayoutAccount
from billing.stripe_gateway import OnboardingLink, StripeRefused, StripeServerError, StripeTrouble
from kernel import clock
from kernel.errors import Refused
from kernel.flow import WrongState
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce

STRIPE = Actor.system("stripe")

HOLD: Final = timedelta(hours=72)
"""How long nothing is sent to a destination that was changed: time for its owner to notice."""


class PayoutAccountMissing(Refused):
    """There is no payout account yet: open one first."""

    code = "payout_account_missing"


class PayoutAccountRefused(Refused):
    """Stripe will not make this payout account, for the reason in the message."""

    code = "payout_account_refused"


class StripeUnavailable(Refused):
    """Stripe cannot do this at the moment: try again in a minute."""

    code = "stripe_unavailable"


@transaction.atomic
def open_payout_account(*, owner: str, email: str, country: str, by: Actor) -> PayoutAccount:
    """The owner's payout account, opened if there is none. One that Stripe refused is tried again as it is given now.

    ``country`` is an ISO 3166 code of two letters. The account at Stripe is made in the background.
    """
    fresh = PayoutAccount(owner=owner, country=country, prefill_email=email)
    PayoutAccount.objects.bulk_create([fresh], ignore_conflicts=True)
    account = PayoutAccount.objects.of(owner).select_for_update(no_key=True).get()
    if account.pk != fresh.pk and not account.failure:
        return account
    if account.failure:
        account.country, account.prefill_email, account.failure = country, email, ""
        account.attempt += 1
        account.save(update_fields=["country", "prefill_email", "failure", "attempt"])
    record(action="payoutaccount.opened", subject=account, by=by, details={"country": country})
    announce(PayoutAccountOpened(payout_account_id=str(account.pk)))
    return account


@transaction.atomic
def change_payout_account(*, owner: str, email: str, country: str, by: Actor) -> PayoutAccount:
    """Another payout account in place of the owner's, to be opened on Stripe's pages like the first.

    What was asked for before still goes to the old one. What is asked for from now on waits until 72 hours after Stripe
    knows the new one's bank account; the owner is told. Raises PayoutAccountMissing, or WrongState while the present
    one is not set up itself.
    """
    old = PayoutAccount.objects.of(owner).select_for_update(no_key=True).first()
    if old is None:
        raise PayoutAccountMissing("You have no payout account yet. Open one first.")
    if not old.destination:
        raise WrongState(
            "Your payout account is still being set up. Go on with its onboarding, and say there what is so."
        )
    now = clock.now()
    old.replaced_at = now
    old.save(update_fields=["replaced_at"])
    new = PayoutAccount(owner=owner, country=country, prefill_email=email, replaces=old, opened_at=now)
    new.held_until, new.held_because = now + HOLD, PayoutAccount.Held.NEW_ACCOUNT
    new.save(force_insert=True)
    record(action="payoutaccount.replaced", subject=old, by=by, details={"replaced_by": str(new.pk)})
    record(action="payoutaccount.opened", subject=new, by=by, details=_told_of_hold(new))
    announce(PayoutAccountOpened(payout_account_id=str(new.pk)))
    _announce_change(new)
    return new


def open_stripe_account(event: PayoutAccountOpened) -> None:
    """Make the account at Stripe, once. A reaction that speaks to the network; it may be run again."""
    account = PayoutAccount.objects.get(pk=event.payout_account_id)
    if account.stripe_account_id or account.failure:
        return
    try:
        stripe_account_id = stripe_gateway.create_account(
            worker_ref=account.owner,
            email=account.prefill_email,
            country=account.country,
            idempotency_key=f"payout_account:{account.pk}:{account.attempt}",
        )
    except StripeServerError:
        # Should the account have come about all the same, it stays empty: nobody was ever sent to it.
        PayoutAccount.objects.filter(pk=account.pk, attempt=account.attempt).update(attempt=account.attempt + 1)
        raise
    except StripeRefused as refusal:
        _note_refusal(payout_account_id=account.pk, refusal=refusal)
    else:
        _note_made(payout_account_id=account.pk, stripe_account_id=stripe_account_id)


def onboarding_link(*, owner: str, return_url: str, refresh_url: str | None = None) -> OnboardingLink:
    """A fresh page of Stripe's on which the owner opens the account. Calls Stripe: never inside a transaction.

    Stripe sends the owner on to ``return_url``, or to ``refresh_url`` when the link was stale. Raises
    PayoutAccountMissing, PayoutAccountRefused or StripeUnavailable.
    """
    account = PayoutAccount.objects.of(owner).first()
    if account is None:
        raise PayoutAccountMissing("You have no payout account yet. Open one first.")
    try:
        open_stripe_account(PayoutAccountOpened(payout_account_id=str(account.pk)))
        account.refresh_from_db()
        if account.failure:
            raise PayoutAccountRefused(f"Stripe will not make this payout account: {account.failure}")
        return stripe_gateway.create_onboarding_link(
            account_id=account.stripe_account_id, refresh_url=refresh_url or return_url, return_url=return_url
        )
    except StripeTrouble as trouble:
        raise StripeUnavailable(f"Stripe did not make the page: {trouble.message} Try again in a minute.") from trouble


def refresh_payout_account(*, stripe_account_id: str) -> None:
    """Keep what the account may do now, as read from Stripe; one that is not ours is left alone. Calls Stripe."""
    if not PayoutAccount.objects.filter(stripe_account_id=stripe_account_id).exists():
        return
    asked_at = clock.now()
    seen = stripe_gateway.read_account(account_id=stripe_account_id)
    with transaction.atomic():
        account = PayoutAccount.objects.select_for_update(no_key=True).get(stripe_account_id=stripe_account_id)
        if account.refreshed_at is not None and account.refreshed_at > asked_at:
            return  # a later answer is here already
        before = account.is_ready
        account.transfers_active, account.payouts_enabled = seen.transfers_active, seen.payouts_enabled
        account.requirements_due, account.refreshed_at = list(seen.requirements_due), asked_at
        account.disabled_reason = seen.disabled_reason
        read = ["transfers_active", "payouts_enabled", "requirements_due", "disabled_reason", "refreshed_at"]
        account.save(update_fields=read)
        if seen.destination not in ("", account.destination):
            _note_destination(account, seen.destination)
        elif account.shared_with_id is not None and _other_owner_of(account) is None:
            account.shared_with = None
            account.save(update_fields=["shared_with"])
            record(action="payoutaccount.destination_free", subject=account, by=STRIPE)
        if account.is_ready != before:
            action = "payoutaccount.became_ready" if account.is_ready else "payoutaccount.no_longer_ready"
            record(action=action, subject=account, by=STRIPE, details={"requirements_due": account.requirements_due})


def _note_destination(account: PayoutAccount, destination: str) -> None:
    """Stripe names another bank account than before, or the first one. The first one of all waits for nothing."""
    is_first, now = not account.destination, clock.now()
    account.destination, account.destination_since = destination, now
    account.shared_with = _other_owner_of(account)
    if not is_first or account.replaces_id is not None:
        account.held_until = now + HOLD
        account.held_because = PayoutAccount.Held.NEW_ACCOUNT if is_first else PayoutAccount.Held.NEW_BANK
    account.save(update_fields=["destination", "destination_since", "held_until", "held_because", "shared_with"])
    told = _told_of_hold(account)
    record(
        action=f"payoutaccount.destination_{'named' if is_first else 'changed'}",
        subject=account,
        by=STRIPE,
        details=told,
    )
    if account.shared_with_id is not None:
        shared = {"with": str(account.shared_with_id)}
        record(action="payoutaccount.destination_shared", subject=account, by=STRIPE, details=shared)
    if account.held_until is not None:
        _announce_change(account)


def _other_owner_of(account: PayoutAccount) -> PayoutAccount | None:
    same = PayoutAccount.objects.filter(destination=account.destination, replaced_at__isnull=True)
    return same.exclude(owner=account.owner).order_by("destination_since", "id").first()


def _told_of_hold(account: PayoutAccount) -> dict[str, object]:
    if account.held_until is None:
        return {}
    return {"held_until": account.held_until.isoformat(), "held_because": str(account.held_because)}


def _announce_change(account: PayoutAccount) -> None:
    assert account.held_until is not None
    announce(
        PayoutDestinationChanged(
            payout_account_id=str(account.pk),
            owner=account.owner,
            held_because=str(account.held_because),
            held_until=account.held_until.isoformat(),
        )
    )


@transaction.atomic
def _note_made(*, payout_account_id: UUID, stripe_account_id: str) -> None:
    account = PayoutAccount.objects.select_for_update(no_key=True).get(pk=payout_account_id)
    if account.stripe_account_id:
        return
    account.stripe_account_id, account.prefill_email = stripe_account_id, ""
    account.save(update_fields=["stripe_account_id", "prefill_email"])
    record(action="payoutaccount.made", subject=account, by=STRIPE, details={"stripe_account_id": stripe_account_id})


@transaction.atomic
def _note_refusal(*, payout_account_id: UUID, refusal: StripeRefused) -> None:
    account = PayoutAccount.objects.select_for_update(no_key=True).get(pk=payout_account_id)
    if account.stripe_account_id:
        return
    account.failure = refusal.message
    account.save(update_fields=["failure"])
    record(action="payoutaccount.refused", subject=account, by=STRIPE, why=str(refusal))

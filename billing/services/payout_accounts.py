"""Where payouts go: an account at Stripe, made for its owner, who opens it on Stripe's own pages."""

from uuid import UUID

from django.db import transaction

from billing import stripe_gateway
from billing.events import PayoutAccountOpened
from billing.models import PayoutAccount
from billing.stripe_gateway import OnboardingLink, StripeRefused, StripeServerError, StripeTrouble
from kernel import clock
from kernel.errors import Refused
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce

STRIPE = Actor.system("stripe")


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
    account = PayoutAccount.objects.select_for_update(no_key=True).get(owner=owner)
    if account.pk != fresh.pk and not account.failure:
        return account
    if account.failure:
        account.country, account.prefill_email, account.failure = country, email, ""
        account.attempt += 1
        account.save(update_fields=["country", "prefill_email", "failure", "attempt"])
    record(action="payoutaccount.opened", subject=account, by=by, details={"country": country})
    announce(PayoutAccountOpened(payout_account_id=str(account.pk)))
    return account


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
    account = PayoutAccount.objects.filter(owner=owner).first()
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
        account.save(update_fields=["transfers_active", "payouts_enabled", "requirements_due", "refreshed_at"])
        if account.is_ready != before:
            action = "payoutaccount.became_ready" if account.is_ready else "payoutaccount.no_longer_ready"
            record(action=action, subject=account, by=STRIPE, details={"requirements_due": account.requirements_due})


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

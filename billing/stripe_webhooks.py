"""Whether a webhook is Stripe's: signed with our secret, just now, over exactly these bytes."""

from typing import Final

import stripe
from django.conf import settings

from billing.webhook_event import WebhookEvent, event_in
from kernel import clock

WEBHOOK_TOLERANCE_SECONDS: Final = 300


class WebhookRefused(Exception):
    """A webhook that Stripe did not sign, or not lately. Nothing in it may be believed."""


def verify_webhook(*, raw_body: bytes, signature: str) -> WebhookEvent:
    """The event in a webhook, if Stripe signed exactly these bytes within the last five minutes.

    STRIPE_WEBHOOK_SECRET may hold several secrets with commas between: Stripe gives one to the endpoint for the
    platform's events and another to the one for events of connected accounts. Raises WebhookRefused.
    """
    secrets = [secret.strip() for secret in settings.STRIPE_WEBHOOK_SECRET.split(",") if secret.strip()]
    if not secrets:
        raise WebhookRefused("This installation has no webhook secret of Stripe's, so it can believe no webhook.")
    problems = [problem for secret in secrets if (problem := _signature_problem(raw_body, signature, secret))]
    if len(problems) == len(secrets):
        raise WebhookRefused(f"This webhook is not from Stripe, or it is too old: {problems[-1]}")
    if _signed_at(signature) > clock.now().timestamp() + WEBHOOK_TOLERANCE_SECONDS:
        # Their library looks at age only: one of tomorrow could be sent again and again until then.
        raise WebhookRefused("This webhook is signed for a time that has not come. Look at the clocks.")
    try:
        return event_in(raw_body)
    except ValueError as problem:
        raise WebhookRefused(f"This webhook is signed, but holds no event: {problem}") from problem


def _signature_problem(raw_body: bytes, signature: str, secret: str) -> str:
    try:
        stripe.WebhookSignature.verify_header(raw_body, signature, secret, WEBHOOK_TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, UnicodeDecodeError) as problem:
        return str(problem)
    return ""


def _signed_at(signature: str) -> int:
    """When a signature that was found good says that it was made, in seconds since 1970."""
    return next(int(part.split("=")[1]) for part in signature.split(",") if part.startswith("t="))

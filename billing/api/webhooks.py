"""Where Stripe's webhooks come in: believed only when signed, stored, answered; all else follows in the background."""

import logging

from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.models import StripeEvent
from billing.services.stripe_inbox import INBOX, store_event
from billing.stripe_webhooks import WebhookRefused
from kernel.services.attempts import note_attempt

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def receive_stripe_event(request: HttpRequest) -> JsonResponse:
    """200 once the event is stored, also when it was before; 400 for what Stripe did not sign."""
    try:
        raw_body = request.body
    except UnreadablePostError:
        return _refusal("malformed", "The body broke off before its end.")
    try:
        store_event(raw_body=raw_body, signature=request.headers.get("Stripe-Signature", ""))
    except WebhookRefused as refusal:
        logger.warning("A webhook from %s was refused: %s", request.META.get("REMOTE_ADDR"), refusal)
        note_attempt(action="webhook.refused", subject=StripeEvent(), by=INBOX, details={"why": str(refusal)[:200]})
        return _refusal("webhook_refused", str(refusal))
    return JsonResponse({"received": True})


def _refusal(code: str, message: str) -> JsonResponse:
    return JsonResponse({"code": code, "message": message}, status=400)


urlpatterns = [path("stripe/", receive_stripe_event, name="stripe_webhook")]

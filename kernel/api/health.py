"""`/health/live` and `/health/ready`: for load balancers, supervisors and people. Nothing of the inside is shown."""

from dataclasses import asdict

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from rest_framework.exceptions import Throttled

from kernel.api.throttles import address_of, count_or_refuse
from kernel.console.permits import console_permit
from kernel.services.health import examine


@csrf_exempt
@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers at all."""
    return JsonResponse({"status": "live"})


@csrf_exempt
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when the database, the broker and every part that works in the background are well, else 503.

    In production only admins are told which part it is.
    """
    try:
        count_or_refuse("stranger", f"health-{address_of(request)}")
    except Throttled as refusal:
        return _too_many(refusal)
    findings = examine()
    well = all(finding.well for finding in findings)
    body: dict[str, object] = {"status": "ready" if well else "not_ready"}
    if not settings.PRODUCTION or (findings[0].well and console_permit(request, "page.admin:index")):
        body["parts"] = [asdict(finding) for finding in findings]
    return JsonResponse(body, status=200 if well else 503)


def _too_many(refusal: Throttled) -> JsonResponse:
    seconds = max(1, round(getattr(refusal, "wait", None) or 1))
    body = {"code": "too_many_requests", "message": f"Too many requests. Try again in {seconds} s."}
    return JsonResponse(body, status=429, headers={"Retry-After": str(seconds)})


urlpatterns = [path("live", live, name="live"), path("ready", ready, name="ready")]

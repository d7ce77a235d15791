"""`/health/live` and `/health/ready`: for load balancers, supervisors and people. Nothing of the inside is shown."""

from dataclasses import asdict

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kernel.services.health import examine


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers at all."""
    return JsonResponse({"status": "live"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when the database, the broker and every part that works in the background are well, else 503."""
    findings = examine()
    well = all(finding.well for finding in findings)
    body = {"status": "ready" if well else "not_ready", "parts": [asdict(finding) for finding in findings]}
    return JsonResponse(body, status=200 if well else 503)


urlpatterns = [path("live", live, name="live"), path("ready", ready, name="ready")]

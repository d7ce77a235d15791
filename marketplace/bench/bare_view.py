"""The smallest Django view that does what a claim and a submit do: the same statements, and nothing around them.

No framework above Django, no models, no serializers, no checks of its own. Same server, same processes, same
middleware, same sign-in by the same bearer token.
"""

import hashlib
import json
import pickle
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from marketplace.bench.script import Script
from marketplace.models import Band, Price

SCRIPTS_FILE = settings.VAR_DIR / "bench_scripts.pickle"


@cache
def scripts() -> dict[str, Script]:
    """What Assay says at a claim and at a submit, as recorded at the start of this run of the benchmark."""
    kept: dict[str, Script] = pickle.loads(SCRIPTS_FILE.read_bytes())  # noqa: S301  (written by ourselves, just now)
    return kept


@cache
def price_id_of(job_id: UUID) -> int:
    """What the job's one price is known by: Assay, too, reads a price list once in each process."""
    return Price.objects.get(job_id=job_id, band=Band.STANDARD).pk


@csrf_exempt
def claim(request: HttpRequest) -> JsonResponse:
    """A claim in the job that the body names."""
    job_id = UUID(json.loads(request.body)["job"])
    given = {"token_sha256": _token_sha256(request), "job_id": job_id, "price_id": price_id_of(job_id)}
    return JsonResponse({"id": scripts()["claim"].run(**given)}, status=201)


@csrf_exempt
def submit(request: HttpRequest, assignment_id: UUID) -> JsonResponse:
    """The answer to an assignment; it is always the same one."""
    json.loads(request.body)
    return JsonResponse(
        {"id": scripts()["submit"].run(token_sha256=_token_sha256(request), assignment_id=assignment_id)}
    )


def _token_sha256(request: HttpRequest) -> Any:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    return hashlib.sha256(token.encode()).hexdigest()

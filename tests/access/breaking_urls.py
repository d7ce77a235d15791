"""The project's addresses, and some beside them that end badly."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from marketplace.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def breaks(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("postgresql://assay:secret@db/assay")


def forbids(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("the secret reason")


def suspects(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("the secret reason")


def reads(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


urlpatterns = [
    *(
        path(f"{above}{view.__name__}/", view)
        for above in ("", "api/v1/")
        for view in (breaks, forbids, suspects, reads)
    ),
    path("", include("marketplace.urls")),
]

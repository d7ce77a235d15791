"""Answers to requests that no view answers: JSON below the addresses of programs, else a page."""

from typing import Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

FOR_PROGRAMS: Final = ("/api/", "/webhooks/", "/health/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What cannot be meant: a host that is not ours, a form that cannot be read, a body that is too large."""
    if isinstance(exception, RequestDataTooBig):
        return _answer(request, 413, "body_too_large", "The body is larger than what is read here.")
    return _answer(request, 400, "malformed", "The request is malformed.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What this person may not do."""
    return _answer(request, 403, "not_allowed", "You may not do this.")


def not_allowed(request: HttpRequest, message: str) -> HttpResponse:
    """What this person may not do, with the sentence that tells them the way out."""
    return _answer(request, 403, "not_allowed", message)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was not sent from a page of ours, as far as can be told."""
    message = "This form was not sent from a page of ours, or its page is too old. Load the page again and repeat it."
    return _answer(request, 403, "not_from_here", message)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What stands at an address that nobody has."""
    message = "There is nothing at this address."
    if request.path.startswith("/api/") and not request.path.endswith("/"):
        message += " Addresses end in a slash."
    return _answer(request, 404, "not_found", message)


def method_not_allowed(request: HttpRequest, *, allow: str) -> HttpResponse:
    """A method that the address does not know."""
    message = "This address does not know this method; the header Allow names those that it knows."
    response = _answer(request, 405, "method_not_allowed", message)
    response.headers["Allow"] = allow
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """The answer when even the answering failed."""
    return _answer(request, 500, "internal_error", "Something went wrong here.")


def _answer(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    if request.path.startswith(FOR_PROGRAMS):
        return JsonResponse({"code": code, "message": message}, status=status)
    return render(request, "error.html", {"message": message, "status": status}, status=status)

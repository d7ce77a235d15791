"""From an exception to the answer: always `code` and `message`, never anything of the inside."""

import logging
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from kernel.errors import Invalid, NotAllowed, NotFound, Refused

logger = logging.getLogger(__name__)

CODES: dict[type[exceptions.APIException], str] = {
    exceptions.ParseError: "malformed",
    exceptions.NotAuthenticated: "not_signed_in",
    exceptions.AuthenticationFailed: "not_signed_in",
    exceptions.PermissionDenied: "not_allowed",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "too_many_requests",
}


def answer_to(error: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to a request whose view raised ``error``. Nothing passes: what is unknown becomes a bare 500."""
    if isinstance(error, Refused):
        return _answer(error.status, error.code, error.message, details=error.details)
    if isinstance(error, Invalid):
        return _answer(400, error.code, error.message, errors=error.errors)
    if isinstance(error, (NotFound, NotAllowed)):
        return _answer(404 if isinstance(error, NotFound) else 403, error.code, error.message)
    if isinstance(error, exceptions.ValidationError):
        faults = list(_faults(error.detail))
        return _answer(400, "invalid", "What was sent cannot be taken as it is.", errors=faults)
    if isinstance(error, exceptions.APIException):
        return _answer_of_framework(error)
    return _answer_of_outside(error, context)


def _answer_of_framework(error: exceptions.APIException) -> Response:
    code = CODES.get(type(error), error.default_code)
    if isinstance(error, exceptions.Throttled):
        seconds = max(1, round(getattr(error, "wait", None) or 1))
        answer = _answer(429, code, f"Too many requests. Try again in {seconds} s.", details={"wait_seconds": seconds})
        answer["Retry-After"] = str(seconds)
        return answer
    answer = _answer(error.status_code, code, _message_of_framework(error))
    if challenge := getattr(error, "auth_header", None):
        answer["WWW-Authenticate"] = challenge
    return answer


def _message_of_framework(error: exceptions.APIException) -> str:
    if isinstance(error, exceptions.NotAuthenticated):
        return "Sign in first, and send the token: `Authorization: Bearer <token>`."
    if type(error) is exceptions.PermissionDenied and error.detail == exceptions.PermissionDenied.default_detail:
        return "You are signed in, but this is for others."
    if isinstance(error, exceptions.MethodNotAllowed):
        return "This address does not know this method; the header Allow names those that it knows."
    if isinstance(error, exceptions.UnsupportedMediaType) and "in request" in str(error.detail):
        return "The body must be `Content-Type: application/json`."
    return str(error.detail)


def _answer_of_outside(error: Exception, context: Mapping[str, Any]) -> Response:
    if isinstance(error, ObjectDoesNotExist):
        noun = re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__qualname__.partition(".")[0]).lower()
        return _answer(404, "not_found", f"There is no such {noun}.")
    for kind, (status, code, message) in _OUTSIDE.items():
        if isinstance(error, kind):
            return _answer(status, code, message)
    return _answer_of_failure(error, context)


_OUTSIDE: dict[type[Exception], tuple[int, str, str]] = {
    Http404: (404, "not_found", "There is nothing at this address."),
    DjangoPermissionDenied: (403, "not_allowed", "You may not do this."),
    RequestDataTooBig: (413, "body_too_large", "The body is larger than what is read here."),
    SuspiciousOperation: (400, "malformed", "The request is malformed."),
}


def _answer_of_failure(error: Exception, context: Mapping[str, Any]) -> Response:
    reference = str(uuid.uuid4())
    logger.error("Request %s to %s failed.", reference, _operation(context), exc_info=error)
    if isinstance(error, DataError):  # the last guard: strict fields should have refused it before
        return _answer(400, "invalid", "What was sent holds a value that cannot be stored.")
    if isinstance(error, (OperationalError, InterfaceError)):
        answer = _answer(503, "try_again", "The database did not answer in time. Nothing was changed; try again.")
        answer["Retry-After"] = "1"
        return answer
    message = "Something went wrong here. Whoever runs this installation finds it in the log under this request's id."
    return _answer(500, "internal_error", message, details={"request": reference})


def _answer(
    status: int,
    code: str,
    message: str,
    *,
    details: Mapping[str, object] | None = None,
    errors: list[dict[str, object]] | None = None,
) -> Response:
    body: dict[str, object] = {"code": code, "message": message}
    if details:
        body["details"] = dict(details)
    if errors:
        body["errors"] = errors
    return Response(body, status=status)


def _faults(detail: Any, field: str = "") -> Iterator[dict[str, object]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _faults(inner, field if name == "non_field_errors" else f"{field}.{name}".lstrip("."))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _faults(inner, field)
    else:
        yield {"field": field, "message": str(detail)}


def _operation(context: Mapping[str, Any]) -> str:
    view, request = context.get("view"), context.get("request")
    return f"{getattr(request, 'method', '?')} {type(view).__name__}"

"""How long the body of a request says to be, looked at before any view, form or middleware counts on it."""

import re
from collections.abc import Callable
from typing import Final

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase

LENGTH: Final = re.compile(r"[0-9]{1,19}", re.ASCII)

Answering = Callable[[HttpRequest], HttpResponseBase]


def known_length(answer_to: Answering) -> Answering:
    """Middleware that refuses a Content-Length that is no number of bytes: Django's forms would break over it."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if not LENGTH.fullmatch(request.META.get("CONTENT_LENGTH") or "0"):
            raise BadRequest("The Content-Length is not a number of bytes.")
        return answer_to(request)

    return answer

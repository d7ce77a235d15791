"""What may run in a page: nothing but our own files, however something got into its text."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase

OWN_PARTS_ONLY: Final = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)

Answering = Callable[[HttpRequest], HttpResponseBase]


def page_policy(answer_to: Answering) -> Answering:
    """Middleware that says so in every answer, unless the page has a policy of its own."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = answer_to(request)
        response.headers.setdefault("Content-Security-Policy", OWN_PARTS_ONLY)
        return response

    return answer

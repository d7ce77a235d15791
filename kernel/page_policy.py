"""What every answer tells the browser that gets it, a refusal too; and what no address answers to.

Scripts and styles run in a page when they are files of ours; whatever got into its text does not. Once a page asks for
the nonce of this one answer (``nonce="{{ request.csp_nonce }}"``), no script runs in it without.
"""

import secrets
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from kernel.pages.errors import method_not_allowed

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
"""The policy of whatever is no page: should a browser ever show it as one, nothing in it runs."""

_POWERS: Final = (
    *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media"),
    *("gamepad", "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts", "magnetometer", "microphone"),
    *("midi", "payment", "picture-in-picture", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
)
ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{power}=()" for power in _POWERS),
}

Answering = Callable[[HttpRequest], HttpResponseBase]


class Nonce:
    """A word that nobody can know beforehand, made when it is first asked for."""

    __slots__ = ("_word",)

    def __init__(self) -> None:
        self._word = ""

    def __bool__(self) -> bool:
        """Whether it was asked for."""
        return bool(self._word)

    def __str__(self) -> str:
        self._word = self._word or secrets.token_urlsafe(18)
        return self._word


def policy_of_page(*, nonce: Nonce | None = None, style: str = "", worker: str = "") -> str:
    """The policy of a page: its parts come from here, and nobody puts it into theirs.

    With a ``nonce``, scripts need it. ``style`` and ``worker`` are further sources of styles and workers.
    """
    sources = {
        "default-src": "'none'",
        "script-src": "'self'" if nonce is None else f"'nonce-{nonce}'",
        "style-src": f"'self' {style}".rstrip(),
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "worker-src": worker or "'none'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{directive} {source}" for directive, source in sources.items())


_PAGE: Final = policy_of_page()


def page_policy(answer_to: Answering) -> Answering:
    """Middleware, the outermost: it sees every answer. What an answer says of itself already stays."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        nonce = request.csp_nonce = Nonce()  # type: ignore[attr-defined]  # where Django's later versions have theirs
        response = answer_to(request)
        if response.status_code == 405 and isinstance(response, HttpResponse) and not response.content:
            response = method_not_allowed(request, allow=response.headers.get("Allow", ""))
        headers = response.headers
        for name, value in ALWAYS.items():
            headers.setdefault(name, value)
        if "Content-Security-Policy" not in headers:
            is_page = headers.get("Content-Type", "").startswith("text/html")
            headers["Content-Security-Policy"] = (
                NOTHING if not is_page else policy_of_page(nonce=nonce) if nonce else _PAGE
            )
        return response

    return answer


def known_methods_only(answer_to: Answering) -> Answering:
    """Middleware that answers 405 to TRACE, and to whatever else no address of ours knows."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.method in METHODS:
            return answer_to(request)
        return method_not_allowed(request, allow=", ".join(sorted(METHODS)))

    return answer

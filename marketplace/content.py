"""What serves media: an origin of its own, with one kind of address, no cookies, and nothing that could run.

A WSGI application beside the web server's. What it serves is told by the signed address alone, and whether it may still
be shown is asked each time (`marketplace.queries.content`).
"""

import logging
import os
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

import django
from django.apps import apps
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import DatabaseError
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase

if not apps.ready:
    django.setup(set_prefix=False)

from kernel.content_addresses import read_address
from kernel.media_store import open_file
from kernel.models import Media
from kernel.pictures.kinds import ENDINGS
from marketplace.queries.content import media_at

logger = logging.getLogger(__name__)

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",  # the pages that show it are on another site, as they should be
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Accept-Ranges": "none",
}
"""In every answer, whatever it is."""

GONE: Final = "This address is good no more: it has run out, or what it was made for is over. Ask for a new one.\n"
NOTHING: Final = "There is nothing here.\n"

_ADDRESS: Final = re.compile(r"/[A-Za-z0-9_-]{92}\.[A-Za-z0-9_-]{43}", re.ASCII)


def answer_to(request: HttpRequest) -> HttpResponseBase:
    """The file at the address, or a refusal: one and the same for whatever stands in the way."""
    if request.META.get("HTTP_HOST", "").lower() != urlsplit(settings.CONTENT_ORIGIN).netloc.lower():
        return _said(404, NOTHING)  # nothing of this is served under the name of another origin
    if request.method not in ("GET", "HEAD"):
        return _said(405, "Only GET and HEAD are answered here.\n", Allow="GET, HEAD")
    if not _ADDRESS.fullmatch(request.path_info):
        return _said(404, NOTHING)
    address = read_address(request.path_info)
    media = media_at(address) if address else None
    return _file(media, is_head=request.method == "HEAD") if media else _said(403, GONE)


def _file(media: Media, *, is_head: bool) -> HttpResponseBase:
    name = f"{media.pk}.{ENDINGS.get(media.media_type, 'bin')}"
    if is_head:
        return HttpResponse(
            content_type=media.media_type,
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Content-Length": str(media.size_bytes),
            },
        )
    return FileResponse(open_file(media), as_attachment=True, filename=name, content_type=media.media_type)


def _said(status: int, sentence: str, **headers: str) -> HttpResponse:
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8", headers=headers)


class ContentHandler(WSGIHandler):
    """Django without middleware, addresses or pages of its own: just the answer."""

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002  (as Django calls it)
        self._middleware_chain: Callable[[HttpRequest], HttpResponseBase] = _with_headers

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        # A Content-Type that cannot be read would end the request without an answer; none is read here.
        return super().__call__({**environ, "CONTENT_TYPE": ""}, start_response)


def _with_headers(request: HttpRequest) -> HttpResponseBase:
    try:
        response = answer_to(request)
    except DatabaseError:
        logger.exception("The database did not answer.")
        response = _said(503, "This cannot be told now. Try again in a moment.\n")
    except Exception:
        logger.exception("A file could not be served.")
        response = _said(500, "This is our fault.\n")
    for name, value in HEADERS.items():
        response.headers[name] = value
    if settings.SECURE_HSTS_SECONDS:
        response.headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    return response


application = ContentHandler()

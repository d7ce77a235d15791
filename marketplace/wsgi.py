"""What a WSGI server runs."""

import gc
import os
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")


class TolerantRequest(WSGIRequest):
    """A request whose Content-Type may be anything: one that cannot be read counts as none, and no view reads that.

    Django reads the header before it is ready to answer, so that a fault in it would end the request without one. It
    would also decode forms and addresses by whatever codec the header names, and many of Python's make no text.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        is_readable = _is_readable(environ.get("CONTENT_TYPE", ""))
        super().__init__(environ if is_readable else {**environ, "CONTENT_TYPE": ""})


def _is_readable(content_type: str) -> bool:
    if ";" not in content_type:
        return True
    try:
        _, parameters = parse_header_parameters(content_type)
    except ValueError:
        return False
    return parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8", "us-ascii")


application = get_wsgi_application()
application.request_class = TolerantRequest

from kernel.api.checks import refuse_holes  # noqa: E402  (models exist only now)

# Everything that requests need is loaded now, not while the first one waits: looking for holes in the policy loads all
# views. What is loaded stays, so the garbage collector need not walk through it in the middle of later ones.
refuse_holes()
gc.collect()
gc.freeze()

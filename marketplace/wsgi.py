"""What a WSGI server runs."""

import gc
import os
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")


class TolerantRequest(WSGIRequest):
    """A request whose Content-Type may be anything: one that cannot be read counts as none, and no view reads that.

    Django reads the header before it is ready to answer, so that a fault in it would end the request without one.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        try:
            super().__init__(environ)
        except ValueError:
            super().__init__({**environ, "CONTENT_TYPE": ""})


application = get_wsgi_application()
application.request_class = TolerantRequest

from kernel.api.checks import refuse_holes  # noqa: E402  (models exist only now)

# Everything that requests need is loaded now, not while the first one waits: looking for holes in the policy loads all
# views. What is loaded stays, so the garbage collector need not walk through it in the middle of later ones.
refuse_holes()
gc.collect()
gc.freeze()

"""What an ASGI server runs."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

application = get_asgi_application()

from kernel.api.checks import refuse_holes  # noqa: E402  (models exist only now)

refuse_holes()

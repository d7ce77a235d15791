"""What gunicorn runs while measuring: the project as it is, and the bare view beside it in the same processes."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.bench.settings"

application = get_wsgi_application()

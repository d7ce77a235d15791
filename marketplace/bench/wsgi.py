"""What gunicorn runs while measuring: the project as it is, and the bare view beside it in the same processes."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.bench.settings"

from marketplace.wsgi import application

__all__ = ["application"]

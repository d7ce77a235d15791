"""The project's settings, with the bare view's addresses added. Only the benchmark's own server runs under them."""

from marketplace.settings import *  # noqa: F403  (all of them: that is the point)

ROOT_URLCONF = "marketplace.bench.urls"

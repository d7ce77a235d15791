"""Where Django's cache stands: beside the broker, when that is Redis or Valkey."""

from typing import Any


def cache_beside(broker_url: str) -> dict[str, Any]:
    """Django's cache entry for the server that Celery uses; another kind of broker leaves each process its own memory.

    Only throttles count there, and they go on alone when it does not answer; so it is given little time to.
    """
    url = broker_url.replace("redis+socket://", "unix://", 1)
    if not url.startswith(("redis://", "rediss://", "unix://")):
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        "KEY_PREFIX": "assay",
        "OPTIONS": {"socket_connect_timeout": 0.2, "socket_timeout": 0.2},
    }

"""Reads ASSAY_EMAIL_URL into Django's settings of how mail is sent."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SECONDS_TO_ANSWER: Final = 20
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
PORTS: Final = {"smtp": 587, "smtps": 465}


def mail_settings(url: str, *, folder: Path) -> dict[str, Any]:
    """Django's settings for `smtp://user:password@host:port` (TLS after the greeting) or `smtps://…` (TLS at once).

    `smtp://host:port?tls=no` speaks plainly, to a server on this machine. Without an address mails become files in
    ``folder``.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": str(folder)}
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    plain = options.pop("tls", "yes") == "no"
    wrongly_plain = plain and (parts.scheme == "smtps" or parts.hostname not in LOOPBACK)
    if parts.scheme not in PORTS or not parts.hostname or options or wrongly_plain:
        raise ImproperlyConfigured(
            "ASSAY_EMAIL_URL must be written smtp://user:password@host:587 or smtps://user:password@host:465; a server "
            "on this machine without TLS is smtp://127.0.0.1:25?tls=no."
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp" and not plain,
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": SECONDS_TO_ANSWER,
    }

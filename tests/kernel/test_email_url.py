"""How ASSAY_EMAIL_URL is read."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from kernel.email_url import mail_settings

FOLDER = Path("/var/mail")


def test_without_an_address_mails_are_files() -> None:
    assert mail_settings("", folder=FOLDER) == {
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": "/var/mail",
    }


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("smtp://ada:p%40ss@mail.test", ("mail.test", 587, "ada", "p@ss", True, False)),
        ("smtp://mail.test:2525", ("mail.test", 2525, "", "", True, False)),
        ("smtps://ada:pass@mail.test", ("mail.test", 465, "ada", "pass", False, True)),
        ("smtp://127.0.0.1:1025?tls=no", ("127.0.0.1", 1025, "", "", False, False)),
    ],
)
def test_a_mail_server_is_spoken_to_with_tls(url: str, read: tuple[str, int, str, str, bool, bool]) -> None:
    made = mail_settings(url, folder=FOLDER)
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert tuple(made[f"EMAIL_{name}"] for name in names) == read
    assert made["EMAIL_TIMEOUT"] == 20


@pytest.mark.parametrize(
    "url",
    [
        "mail.test",
        "https://mail.test",
        "smtp://",
        "smtp://mail.test?tls=no",
        "smtps://localhost?tls=no",
        "smtp://a?x=1",
    ],
)
def test_what_cannot_be_meant_or_could_be_overheard_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="ASSAY_EMAIL_URL must be written"):
        mail_settings(url, folder=FOLDER)

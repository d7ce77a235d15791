"""What an installation does not start with, and that with safe settings Django has nothing to add."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha512
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from kernel.environment import Secret
from marketplace.production import ADVICE, Doors, refuse_unsafe_settings

NAMES = (
    "ASSAY_SECRET_KEY",
    "ASSAY_MASTER_KEYS",
    "ASSAY_AUDIT_KEY",
    "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "DATABASE_URL",
    "BROKER_URL",
    "ASSAY_EMAIL_URL",
)
DOORS = Doors(
    debug=False,
    hosts=["assay.test"],
    origins=["https://assay.test"],
    base_url="https://assay.test",
    content_origin="https://assay-content.test",
)
UNSET = {
    "ASSAY_SECRET_KEY": "",
    "ASSAY_MASTER_KEYS": "",
    "ASSAY_AUDIT_KEY": "",
    "STRIPE_API_KEY": "",
    "STRIPE_WEBHOOK_SECRET": "",
    "ASSAY_EMAIL_URL": "",
}


def random(digits: int, of: str) -> str:
    """Digits that look random, the same for the same name."""
    return sha512(of.encode()).hexdigest()[:digits]


def a_master_key(number: int = 1) -> str:
    return f"k{number}:{base64.b64encode(sha512(bytes([number])).digest()[:32]).decode()}"


def safe() -> dict[str, str]:
    """Secrets as a careful operator makes them."""
    return {
        "ASSAY_SECRET_KEY": random(80, "secret key"),
        "ASSAY_MASTER_KEYS": f"{a_master_key(2)}, {a_master_key()}",
        "ASSAY_AUDIT_KEY": f"assay.test:{a_master_key(3).partition(':')[2]}",
        "STRIPE_API_KEY": f"sk_live_{random(48, 'stripe')}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{random(32, 'webhook')}, whsec_{random(32, 'another')}",
        "DATABASE_URL": f"postgresql://assay:{random(24, 'database')}@db.test/assay",
        "BROKER_URL": "redis://broker.test:6379/0",
        "ASSAY_EMAIL_URL": f"smtp://assay:{random(24, 'mail')}@mail.test:587",
    }


def faults_of(
    values: Mapping[str, str],
    *,
    doors: Doors = DOORS,
    production: bool = True,
    api_base: str = "",
    project: Path = Path("/nowhere"),
    files: Mapping[str, Path] | None = None,
) -> list[str]:
    """What such settings are refused for; nothing when they are taken."""
    given = {name: Secret(values.get(name, ""), (files or {}).get(name)) for name in ADVICE}
    try:
        refuse_unsafe_settings(
            production=production,
            secrets=given,
            doors=doors,
            stripe_api_base=api_base,
            project=project,
            apart=project / "var",
        )
    except ImproperlyConfigured as refusal:
        first_line, *faults = str(refusal).splitlines()
        assert first_line == "Assay does not start with these settings:"
        return faults
    return []


def test_production_starts_with_safe_settings() -> None:
    assert faults_of(safe()) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"ASSAY_SECRET_KEY": ""}, "ASSAY_SECRET_KEY is not set. Make one: python3"),
        ({"ASSAY_SECRET_KEY": "0aB-" * 12}, "ASSAY_SECRET_KEY can be guessed: it must be random and at least 50"),
        ({"ASSAY_SECRET_KEY": "abc" * 20}, "ASSAY_SECRET_KEY can be guessed"),
        ({"ASSAY_SECRET_KEY": "django-insecure-" + "0b5c9e71da" * 6}, "ASSAY_SECRET_KEY can be guessed"),
        ({"ASSAY_SECRET_KEY": "change-me-0b5c9e71da" * 4}, "ASSAY_SECRET_KEY can be guessed"),
        ({"ASSAY_MASTER_KEYS": ""}, "ASSAY_MASTER_KEYS is not set. Make one: python3"),
        (
            {"ASSAY_MASTER_KEYS": f"k1:{base64.b64encode(bytes(32)).decode()}"},
            "Key 1 of ASSAY_MASTER_KEYS (k1) is a placeholder;",
        ),
        ({"ASSAY_MASTER_KEYS": "k1:dG9vIHNob3J0"}, "Key 1 of ASSAY_MASTER_KEYS (k1) has 9 bytes;"),
        ({"ASSAY_AUDIT_KEY": ""}, "ASSAY_AUDIT_KEY is not set. Make one, under a name of yours: python3"),
        ({"ASSAY_AUDIT_KEY": "bm8gbmFtZQ=="}, "ASSAY_AUDIT_KEY is written name:base64"),
        (
            {"ASSAY_AUDIT_KEY": f"log:{base64.b64encode(bytes(32)).decode()}"},
            "The key of ASSAY_AUDIT_KEY (log) must be 32",
        ),
        ({"STRIPE_API_KEY": ""}, "STRIPE_API_KEY is not set. Take it from Stripe's dashboard."),
        ({"STRIPE_API_KEY": "sk_live_your_own_key_from_the_dashboard"}, "STRIPE_API_KEY can be guessed"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET is not set. Stripe's dashboard shows it"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_abc"}, "STRIPE_WEBHOOK_SECRET can be guessed"),
        (
            {"STRIPE_WEBHOOK_SECRET": "whsec_3b1f60d29e5c47a8f2d1, whsec_change_me_to_your_own"},
            "STRIPE_WEBHOOK_SECRET can be guessed",
        ),
        ({"ASSAY_EMAIL_URL": ""}, "ASSAY_EMAIL_URL is not set. Links in mails confirm addresses"),
        ({"DATABASE_URL": "postgresql://assay:assay@db.test/assay"}, "DATABASE_URL can be guessed"),
        ({"BROKER_URL": "amqp://guest:guest@broker.test//"}, "BROKER_URL can be guessed"),
    ],
)
def test_secrets_that_can_be_guessed_are_refused_by_a_sentence(change: dict[str, str], fault: str) -> None:
    faults = faults_of({**safe(), **change})

    assert len(faults) == 1
    assert faults[0].startswith(f"- {fault}")
    assert not any(value in faults[0] for value in change.values() if value)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"debug": True}, "ASSAY_DEBUG is on;"),
        ({"hosts": []}, "ASSAY_HOSTS must name the hosts"),
        ({"hosts": ["*"]}, "ASSAY_HOSTS must name the hosts"),
        ({"base_url": ""}, "ASSAY_BASE_URL must be the address at which people reach Assay, as https://host;"),
        ({"base_url": "https://assay.test/app"}, "ASSAY_BASE_URL must be the address"),
        ({"base_url": "http://assay.test"}, "ASSAY_BASE_URL is http://assay.test; on http:// anybody"),
        (
            {"content_origin": ""},
            "ASSAY_CONTENT_ORIGIN must name the origin that media are served from, as https://host;",
        ),
        ({"content_origin": "http://assay-content.test"}, "ASSAY_CONTENT_ORIGIN must name the origin"),
        ({"content_origin": "https://assay-content.test/files"}, "ASSAY_CONTENT_ORIGIN must name the origin"),
        (
            {"content_origin": "https://assay.test"},
            "ASSAY_CONTENT_ORIGIN is https://assay.test, a host of",
        ),
        ({"base_url": "https://assay.test.evil.test"}, "ASSAY_BASE_URL is https://assay.test.evil.test, a host that"),
        ({"origins": ["http://assay.test"]}, "ASSAY_ORIGINS names http://assay.test, whose forms anybody"),
    ],
)
def test_doors_that_stand_open_are_refused_by_a_sentence(change: dict[str, Any], fault: str) -> None:  # [B125, B129]
    faults = faults_of(safe(), doors=replace(DOORS, **change))

    assert [found for found in faults if not found.startswith(f"- {fault}")] == []
    assert len(faults) == 1


@pytest.mark.parametrize(
    ("production", "api_key", "api_base", "fault"),
    [
        (True, "sk_test_3b1f60d29e5c47a8f2d1", "http://127.0.0.1:1", "STRIPE_API_BASE is for the demo"),
        (False, "sk_live_a", "http://127.0.0.1:1", "STRIPE_API_BASE is set together with a live"),
        (
            False,
            "sk_test_a",
            "http://10.0.0.1:1",
            "STRIPE_API_BASE is http://10.0.0.1:1; the double is reached on this",
        ),
    ],
)
def test_the_double_meets_no_live_key_no_production_and_no_other_machine(
    *, production: bool, api_key: str, api_base: str, fault: str
) -> None:
    (found,) = faults_of({**safe(), "STRIPE_API_KEY": api_key}, production=production, api_base=api_base)
    assert found.startswith(f"- {fault}")


def test_outside_production_nothing_of_this_is_asked_for() -> None:
    assert faults_of({}, production=False, doors=replace(DOORS, debug=True, hosts=[], base_url="")) == []


def test_one_secret_is_not_used_for_two_things() -> None:
    both = safe()
    both["DATABASE_URL"] = f"postgresql://assay:{both['ASSAY_SECRET_KEY']}@db.test/assay"

    (fault,) = faults_of(both)

    assert fault.startswith("- ASSAY_SECRET_KEY and DATABASE_URL hold the same secret; who learns one would have both.")


@pytest.mark.parametrize("name", ["INSTALL.md", "deploy/values.yml", ".env.example", ".ci/run"])
@pytest.mark.parametrize("setting", ["ASSAY_SECRET_KEY", "ASSAY_MASTER_KEYS", "DATABASE_URL"])
def test_a_secret_that_stands_in_the_projects_files_is_refused(
    tmp_path: Path, name: str, setting: str
) -> None:  # [B146]
    given = safe()
    secret = re.findall(r"[\w+/=-]{20,}", given[setting])[-1]
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(f"Start with `{secret}`.", encoding="utf-8")

    (fault,) = faults_of(given, project=tmp_path)

    assert fault.startswith(f"- {setting} stands in {name}, for whoever has the code to read.")
    assert secret not in fault


@pytest.mark.parametrize("name", [".env", "var/secret_key", ".venv/x.py", "other-venv/x.py", "run/key"])
def test_files_that_did_not_come_with_the_code_may_hold_secrets(tmp_path: Path, name: str) -> None:
    given = safe()
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(given["ASSAY_SECRET_KEY"], encoding="utf-8")
    (tmp_path / "other-venv").mkdir(exist_ok=True)
    (tmp_path / "other-venv" / "pyvenv.cfg").touch()
    (tmp_path / name).chmod(0o600)

    assert (
        faults_of(
            given, project=tmp_path, files={"ASSAY_SECRET_KEY": tmp_path / "run" / "key"} if "run" in name else {}
        )
        == []
    )


@pytest.mark.parametrize(("mode", "is_refused"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_a_file_with_a_secret_is_not_for_everybody(tmp_path: Path, *, mode: int, is_refused: bool) -> None:
    file = tmp_path / "key"
    file.touch()
    file.chmod(mode)

    faults = faults_of(safe(), files={"ASSAY_SECRET_KEY": file})

    sentence = f"- ASSAY_SECRET_KEY_FILE is {file}, which everybody on this machine may read: chmod 640, or 600."
    assert faults == ([sentence] if is_refused else [])


def in_production(*command: str, var: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of manage.py in a production environment that has nothing but what is given."""
    given = {"ASSAY_ENV": "production", "ASSAY_VAR": str(var), "ASSAY_NO_BOOTSTRAP": "1", **environment}
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *command],
        cwd=settings.BASE_DIR,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_without_settings_names_all_that_is_missing_and_starts_nothing(tmp_path: Path) -> None:
    result = in_production("check", var=tmp_path / "var")

    assert result.returncode == 1
    assert re.findall(r"^- (\w+) ", result.stderr, re.MULTILINE) == [
        "ASSAY_SECRET_KEY",
        "ASSAY_MASTER_KEYS",
        "ASSAY_AUDIT_KEY",
        "STRIPE_API_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "ASSAY_EMAIL_URL",
        "ASSAY_HOSTS",
        "ASSAY_BASE_URL",
        "ASSAY_CONTENT_ORIGIN",
    ]
    assert not (tmp_path / "var").exists()


def environment_of_a_careful_operator(folder: Path) -> dict[str, str]:
    """All that production asks for; the secret key in a file."""
    file = folder / "secret_key"
    file.write_text(random(80, "secret key") + "\n", encoding="utf-8")
    file.chmod(0o600)
    return {
        **{name: value for name, value in safe().items() if name != "ASSAY_SECRET_KEY"},
        "ASSAY_SECRET_KEY_FILE": str(file),
        "ASSAY_HOSTS": "assay.test",
        "ASSAY_BASE_URL": "https://assay.test",
        "ASSAY_CONTENT_ORIGIN": "https://assay-content.test",
        "ASSAY_BEHIND_PROXY": "yes",
        "PATH": os.environ["PATH"],
    }


def test_django_has_nothing_to_add_to_production_settings(tmp_path: Path) -> None:
    command = ("check", "--deploy", "--fail-level", "WARNING")

    result = in_production(*command, var=tmp_path / "var", **environment_of_a_careful_operator(tmp_path))

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip() == "System check identified no issues (1 silenced)."
    assert not (tmp_path / "var").exists()


def test_in_production_cookies_are_bound_to_the_host_and_everything_to_tls(tmp_path: Path) -> None:
    names = (
        *("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"),
        *("SESSION_COOKIE_DOMAIN", "CSRF_COOKIE_DOMAIN", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "DEBUG"),
        *("CSRF_TRUSTED_ORIGINS", "WHITENOISE_ALLOW_ALL_ORIGINS"),
    )
    look = f"from django.conf import settings; print(*(getattr(settings, name) for name in {names}))"

    shown = in_production(
        *("shell", "-v", "0", "-c", look), var=tmp_path / "var", **environment_of_a_careful_operator(tmp_path)
    )

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.strip() == (
        "__Host-session __Host-csrf True True None None True 31536000 False ['https://assay.test'] False"
    )

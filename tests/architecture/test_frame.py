"""The frame: settings and documentation say the same, and unsafe settings are refused."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from kernel.environment import DECLARED
from marketplace.production import refuse_unsafe_settings
from marketplace.stack import WEBHOOK

PACKAGES = ("kernel", "billing", "workforce", "qualification", "marketplace")
BEFORE_SETTINGS = {"ASSAY_NO_BOOTSTRAP", "ASSAY_VENV"}
OURS_ALONE = {"ASSAY_ENTERED", "ASSAY_DEMO_PASSWORD"}  # from one of our processes to the next; nobody else sets them
SAFE: dict[str, Any] = {
    "production": True,
    "secret_key": "w3Jr-7fPq2_LzXn8VbTd5HsKm4YcRg9EuAi6QoBt1NvWx0Zj",
    "master_keys": ["k1:c29tZXRoaW5nIHJhbmRvbSBvZiAzMiBieXRlcyAuLi4="],
    "debug": False,
    "hosts": ["assay.example.org"],
    "stripe_api_key": "sk_live_abc",
    "stripe_webhook_secret": "whsec_9fQ2mZtL7xKc4VbN8rWd5HsJ",
    "stripe_api_base": "",
}


def documented() -> str:
    """What docs/configuration.md says."""
    return Path(settings.BASE_DIR, "docs", "configuration.md").read_text(encoding="utf-8")


def sources() -> Iterator[str]:
    """All code of the project, tests aside."""
    for package in PACKAGES:
        for path in Path(settings.BASE_DIR, package).rglob("*.py"):
            yield path.read_text(encoding="utf-8")


def test_the_docs_list_every_setting_as_the_code_has_it() -> None:
    table = documented().split("Two more are read")[0]

    rows = [line for line in table.splitlines() if line.startswith("| `")]

    assert rows == [
        f"| `{variable.name}` | {f'`{variable.default}` ' if variable.default else ''}| {variable.about} |"
        for variable in DECLARED.values()
    ]


def test_every_variable_that_the_code_names_is_documented() -> None:
    named = {name for source in sources() for name in re.findall(r"\bASSAY_[A-Z][A-Z_]*[A-Z]\b", source)}

    assert named - OURS_ALONE == {name for name in DECLARED if name.startswith("ASSAY_")} | BEFORE_SETTINGS
    assert all(f"| `{name}` |" in documented() for name in BEFORE_SETTINGS)


def test_production_starts_with_safe_settings() -> None:
    refuse_unsafe_settings(**SAFE)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"secret_key": ""}, "ASSAY_SECRET_KEY must be random and at least 40 characters long."),
        ({"secret_key": "abc" * 20}, "ASSAY_SECRET_KEY must be random and at least 40 characters long."),
        ({"secret_key": f"change-me-{SAFE['secret_key']}"}, "ASSAY_SECRET_KEY must be random"),
        ({"master_keys": []}, "ASSAY_MASTER_KEYS is not set;"),
        ({"debug": True}, "ASSAY_DEBUG is on;"),
        ({"hosts": []}, "ASSAY_HOSTS must name the hosts"),
        ({"hosts": ["*"]}, "ASSAY_HOSTS must name the hosts"),
        ({"stripe_api_key": ""}, "STRIPE_API_KEY is not set;"),
        ({"stripe_webhook_secret": ""}, "STRIPE_WEBHOOK_SECRET is not set;"),
        ({"stripe_webhook_secret": "whsec_abc"}, "STRIPE_WEBHOOK_SECRET is a placeholder;"),
        ({"stripe_webhook_secret": f"{SAFE['stripe_webhook_secret']}, whsec_change_me_to_your_own"}, "STRIPE_WEBHOOK"),
        ({"stripe_api_key": "sk_test_a", "stripe_api_base": "http://127.0.0.1:1"}, "STRIPE_API_BASE is for the demo"),
        ({"production": False, "stripe_api_base": "http://127.0.0.1:1"}, "STRIPE_API_BASE is set together with a live"),
        (
            {"production": False, "stripe_api_key": "sk_test_a", "stripe_api_base": "http://10.0.0.1:1"},
            "STRIPE_API_BASE is http://10.0.0.1:1; the double is reached on this machine only,",
        ),
    ],
)
def test_unsafe_settings_are_refused_by_a_sentence(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        refuse_unsafe_settings(**{**SAFE, **change})

    first_line, *faults = str(refusal.value).splitlines()
    assert first_line == "Assay does not start with these settings:"
    assert len(faults) == 1
    assert faults[0].startswith(f"- {fault}")


def test_production_without_settings_names_all_that_is_missing_and_starts_nothing(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={"ASSAY_ENV": "production", "ASSAY_VAR": str(tmp_path / "var"), "ASSAY_NO_BOOTSTRAP": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    names = re.findall(r"^- (\w+) ", result.stderr, re.MULTILINE)
    assert names == [
        "ASSAY_SECRET_KEY",
        "ASSAY_MASTER_KEYS",
        "ASSAY_HOSTS",
        "STRIPE_API_KEY",
        "STRIPE_WEBHOOK_SECRET",
    ]
    assert not (tmp_path / "var").exists()


def test_the_double_sends_its_webhooks_where_they_are_received() -> None:
    assert reverse("stripe_webhook") == WEBHOOK
    assert f"`{WEBHOOK}`" in Path(settings.BASE_DIR, "docs", "operations.md").read_text(encoding="utf-8")


def test_help_starts_no_server(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "help"],
        cwd=settings.BASE_DIR,
        env={"ASSAY_VAR": str(tmp_path), "ASSAY_NO_BOOTSTRAP": "1"},
        capture_output=True,
        check=True,
    )

    assert not (tmp_path / "postgres").exists()


def test_the_import_contracts_hold() -> None:
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_the_files_of_somebody_else_are_a_sentence_and_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("somebody else's", encoding="ascii")
    (tmp_path / "secret_key").chmod(0o000)

    result = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={"ASSAY_VAR": str(tmp_path), "ASSAY_NO_BOOTSTRAP": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert result.stderr == (
        f"{tmp_path}/secret_key is not for you to read, or its folder not for you to write. "
        "Run as its owner, or set ASSAY_VAR to a folder of your own.\n"
    )

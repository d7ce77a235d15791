"""Reads settings from the environment: typed, declared once, and listed so that the docs can be held equal."""

import contextlib
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from kernel.destinations import Origin, Unreadable, origin_of

TRUE_WORDS = ("1", "true", "yes", "on")
FALSE_WORDS = ("0", "false", "no", "off")


@dataclass(frozen=True)
class Variable:
    """One setting that the environment may give; `default` is written as a person would type it."""

    name: str
    default: str
    about: str


@dataclass(frozen=True)
class Secret:
    """A secret as the environment gives it, and the file that held it, if it was one."""

    value: str = field(default="", repr=False)
    file: Path | None = None


DECLARED: dict[str, Variable] = {}
SECRETS: dict[str, Secret] = {}


def text(name: str, *, default: str = "", about: str) -> str:
    """The variable as it stands; an empty one counts as not set."""
    DECLARED[name] = Variable(name=name, default=default, about=about)
    return os.environ.get(name, "").strip() or default


def secret(name: str, *, about: str) -> str:
    """The variable as it stands, or what is in the file that the variable of this name with `_FILE` behind it names."""
    written = text(name, about=about)
    place = os.environ.get(f"{name}_FILE", "").strip()
    if written and place:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; which one is meant? Unset the other.")
    file = Path(place).expanduser() if place else None
    SECRETS[name] = Secret(_content_of(file, f"{name}_FILE") if file else written, file)
    return SECRETS[name].value


def _content_of(file: Path, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name} is {file}, which cannot be read: {error}.") from error


def number(name: str, *, default: int, at_least: int = 0, about: str) -> int:
    """The variable as a whole number."""
    written = text(name, default=str(default), about=about)
    if not (written.isascii() and written.isdigit() and int(written) >= at_least):
        raise ImproperlyConfigured(f"{name} is {written!r}; it must be a whole number, at least {at_least}.")
    return int(written)


def flag(name: str, *, default: bool, about: str) -> bool:
    """The variable as yes or no."""
    written = text(name, default="yes" if default else "no", about=about).lower()
    if written not in TRUE_WORDS + FALSE_WORDS:
        raise ImproperlyConfigured(f"{name} is {written!r}; it must be yes or no.")
    return written in TRUE_WORDS


def choice(name: str, *, options: Sequence[str], about: str) -> str:
    """The variable as one of `options`, of which the first is the default."""
    written = text(name, default=options[0], about=about)
    if written not in options:
        raise ImproperlyConfigured(f"{name} is {written!r}; it must be one of: {', '.join(options)}.")
    return written


def names(name: str, *, default: str = "", about: str) -> list[str]:
    """The variable as a list written with commas."""
    return listed(text(name, default=default, about=about))


def listed(written: str) -> list[str]:
    """What stands between the commas."""
    return [word.strip() for word in written.split(",") if word.strip()]


def origins(name: str, *, about: str) -> frozenset[Origin]:
    """The variable as a list of origins, `https://host` or `http://host:port`, written with commas."""
    try:
        return frozenset(origin_of(written) for written in names(name, about=about))
    except Unreadable as fault:
        raise ImproperlyConfigured(f"{name} holds something that is no origin. {fault.message}") from None


def random_secret() -> str:
    """86 random characters."""
    return secrets.token_urlsafe(64)


def kept_secret(path: Path, *, make: Callable[[], str] = random_secret) -> str:
    """A secret made once and kept in a file that only its owner can read."""
    try:
        if not path.exists():
            _keep(path, make())
        return path.read_text(encoding="ascii")
    except PermissionError as error:
        raise ImproperlyConfigured(
            f"{path} is not for you to read, or its folder not for you to write. "
            "Run as its owner, or set ASSAY_VAR to a folder of your own."
        ) from error


def _keep(path: Path, secret: str) -> None:
    """Write a secret in one step, unless another first start was quicker: then its secret is the one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()

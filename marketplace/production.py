"""What an installation may not start with."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

from kernel.checkpoints import signing_key_of
from kernel.destinations import Unreadable, origin_of
from kernel.environment import Secret
from kernel.keyring import keyring_of

PLACEHOLDERS: Final = ("change", "insecure", "secret", "example", "placeholder", "password", "xxxx", "12345", "your")
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
LARGEST_FILE_SEARCHED: Final = 2 * 1024 * 1024
EXAMPLES: Final = ("example", "sample", "template", "dist")

SECRET_KEY: Final = "ASSAY_SECRET_KEY"  # noqa: S105  (the names of settings, here and below)
MASTER_KEYS: Final = "ASSAY_MASTER_KEYS"
AUDIT_KEY: Final = "ASSAY_AUDIT_KEY"
STRIPE_KEY: Final = "STRIPE_API_KEY"
WEBHOOK_SECRET: Final = "STRIPE_WEBHOOK_SECRET"  # noqa: S105
EMAIL_URL: Final = "ASSAY_EMAIL_URL"
SHORTEST: Final = {SECRET_KEY: 50, STRIPE_KEY: 24, WEBHOOK_SECRET: 24, "DATABASE_URL": 12, "BROKER_URL": 12}

ADVICE: Final = {
    SECRET_KEY: 'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(64))"',
    MASTER_KEYS: "Make one: python3 -c \"import base64, os; print('k1:' + base64.b64encode(os.urandom(32)).decode())\"",
    AUDIT_KEY: "Make one, under a name of yours: python3 -c "
    "\"import base64, os; print('assay.example.org:' + base64.b64encode(os.urandom(32)).decode())\"",
    STRIPE_KEY: "Take it from Stripe's dashboard.",
    WEBHOOK_SECRET: "Stripe's dashboard shows it beside the webhook endpoint.",
    "DATABASE_URL": "Give the database's user another password.",
    "BROKER_URL": "Give the broker another password.",
    EMAIL_URL: "Links in mails confirm addresses and reset passwords: smtp://user:password@host:587 of a mail server.",
}


@dataclass(frozen=True)
class Doors:
    """How an installation is reached, as its settings have it."""

    debug: bool
    hosts: Sequence[str]
    origins: Sequence[str]
    base_url: str
    content_origin: str


def refuse_unsafe_settings(
    *, production: bool, secrets: Mapping[str, Secret], doors: Doors, stripe_api_base: str, project: Path, apart: Path
) -> None:
    """Raise ImproperlyConfigured with every reason at once, each one a sentence that says what to do.

    ``secrets`` has all names of ``ADVICE``. ``project`` is the folder in whose files none of them may stand, its folder
    ``apart`` left out.
    """
    api_key = secrets[STRIPE_KEY].value
    faults = list(stripe_double_faults(api_key=api_key, api_base=stripe_api_base, production=production))
    if production:
        faults += secret_faults(secrets)
        faults += committed_secret_faults(secrets, project=project, apart=apart)
        faults += door_faults(doors)
    if faults:
        raise ImproperlyConfigured("Assay does not start with these settings:\n" + "\n".join(f"- {f}" for f in faults))


def secret_faults(secrets: Mapping[str, Secret]) -> Iterator[str]:
    """Secrets that are missing, weak, used twice, or for everybody to read."""
    for name in (SECRET_KEY, MASTER_KEYS, AUDIT_KEY, STRIPE_KEY, WEBHOOK_SECRET, EMAIL_URL):
        if not secrets[name].value:
            yield f"{name} is not set. {ADVICE[name]}"
    for name, shortest in SHORTEST.items():
        if any(looks_weak(value, shortest=shortest) for value in _values(name, secrets[name])):
            yield f"{name} can be guessed: it must be random and at least {shortest} characters long. {ADVICE[name]}"
    yield from _key_faults(secrets)
    held: dict[str, str] = {}
    for name, secret in secrets.items():
        for value in _values(name, secret):
            if value in held:
                yield f"{held[value]} and {name} hold the same secret; who learns one would have both. {ADVICE[name]}"
            held[value] = name
        if secret.file and secret.file.stat().st_mode & 0o007:
            yield f"{name}_FILE is {secret.file}, which everybody on this machine may read: chmod 640, or 600."


def committed_secret_faults(secrets: Mapping[str, Secret], *, project: Path, apart: Path) -> Iterator[str]:
    """Secrets that stand in a file of the project, where whoever has the code can read them."""
    wanted = {value.encode(): name for name, secret in secrets.items() for value in _values(name, secret)}
    own = {apart, *(secret.file for secret in secrets.values() if secret.file)}
    for path in _files_of(project, but=own):
        content = path.read_bytes()
        for value in [value for value in wanted if value in content]:
            name = wanted.pop(value)
            yield f"{name} stands in {path.relative_to(project)}, for whoever has the code to read. {ADVICE[name]}"


def door_faults(doors: Doors) -> Iterator[str]:
    """Doors that stand open, and addresses on which anybody on the way could listen."""
    if doors.debug:
        yield "ASSAY_DEBUG is on; debug pages show settings and source to everybody. Turn it off."
    if not doors.hosts or any(host.strip("[]*.") == "" for host in doors.hosts):
        yield "ASSAY_HOSTS must name the hosts that this server answers to; * and an empty list would let in any."
    if fault := _base_url_fault(doors):
        yield f"ASSAY_BASE_URL {fault}"
    for origin in doors.origins:
        if not origin.startswith("https://"):
            yield f"ASSAY_ORIGINS names {origin}, whose forms anybody on the way could change; trust https:// only."
    if fault := _content_origin_fault(doors):
        yield f"ASSAY_CONTENT_ORIGIN {fault}"


def stripe_double_faults(*, api_key: str, api_base: str, production: bool) -> Iterator[str]:
    """The double moves no money; it must never meet a live key, a production database or another machine."""
    if not api_base:
        return
    if production:
        yield "STRIPE_API_BASE is for the demo and for tests; in production leave it unset."
    if "_live_" in api_key:
        yield "STRIPE_API_BASE is set together with a live STRIPE_API_KEY; unset one of them."
    if urlsplit(api_base).hostname not in LOOPBACK:
        yield f"STRIPE_API_BASE is {api_base}; the double is reached on this machine only, as http://127.0.0.1:port."


def looks_weak(secret: str, *, shortest: int) -> bool:
    """Whether a secret is short, monotonous or a placeholder."""
    words = secret.lower()
    return len(secret) < shortest or len(set(secret)) < 10 or any(word in words for word in PLACEHOLDERS)


def _values(name: str, secret: Secret) -> list[str]:
    """The secrets in a setting, which may be a list of them, or an address that holds one."""
    if name in ("DATABASE_URL", "BROKER_URL", EMAIL_URL):
        password = urlsplit(secret.value).password
        return [unquote(password)] if password else []
    values = [value.strip() for value in secret.value.split(",") if value.strip()]
    return [value.partition(":")[2] for value in values] if name in (MASTER_KEYS, AUDIT_KEY) else values


def _key_faults(secrets: Mapping[str, Secret]) -> Iterator[str]:
    """Keys that are set, and cannot be read or are no keys."""
    readers: dict[str, Callable[[str], object]] = {
        MASTER_KEYS: lambda value: keyring_of([entry.strip() for entry in value.split(",")]),
        AUDIT_KEY: signing_key_of,
    }
    for name, read in readers.items():
        try:
            if secrets[name].value:
                read(secrets[name].value)
        except ImproperlyConfigured as fault:
            yield str(fault)


def _base_url_fault(doors: Doors) -> str:
    try:
        origin = origin_of(doors.base_url)
    except Unreadable:
        return "must be the address at which people reach Assay, as https://host; links in mails begin with it."
    if origin.scheme != "https":
        return f"is {doors.base_url}; on http:// anybody on the way could read and change what is sent."
    if doors.hosts and not validate_host(origin.host, doors.hosts):
        return f"is {doors.base_url}, a host that ASSAY_HOSTS does not name."
    return ""


def _content_origin_fault(doors: Doors) -> str:
    try:
        origin = origin_of(doors.content_origin)
    except Unreadable:
        origin = None
    if origin is None or origin.scheme != "https":
        return (
            "must name the origin that media are served from, as https://host; best on a domain of its own, which "
            "shares no cookies with this one."
        )
    if "*" not in doors.hosts and validate_host(origin.host, doors.hosts):
        return (
            f"is {doors.content_origin}, a host of ASSAY_HOSTS; media need a host of their own, so that nothing in "
            "them can act as this site."
        )
    return ""


def _files_of(project: Path, *, but: set[Path]) -> Iterator[Path]:
    """The files that came with the code, as far as that can be told: no hidden ones, unless they are examples."""
    for folder, folders, files in os.walk(project):
        here = Path(folder)
        folders[:] = [name for name in folders if _is_of_the_project(here / name, but)]
        for name in files:
            path = here / name
            is_shown = not name.startswith(".") or any(word in name for word in EXAMPLES)
            if is_shown and path not in but and path.is_file() and path.stat().st_size <= LARGEST_FILE_SEARCHED:
                yield path


def _is_of_the_project(folder: Path, but: set[Path]) -> bool:
    is_another = folder in but or folder.name == "__pycache__" or (folder / "pyvenv.cfg").exists()
    return not is_another and (not folder.name.startswith(".") or folder.name == ".ci")

"""Brings the project's environment before Django can be imported; standard library only.

`.venv` holds what requirements.lock names, each file checked against its hash. A stamp inside says for which lock and
which interpreter it was made; it is written last and removed first, so that a half-made environment never passes.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOCK = PROJECT / "requirements.lock"
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)\s*(?P<marker>;)?", re.MULTILINE)
ENTERED = "ASSAY_ENTERED"  # set for the restarted process: whatever happens, it does not restart again
SAY_NOTHING = ("-q", "--disable-pip-version-check", "--no-input")
PIP_THAT_SERVES_OTHERS = (22, 3)  # the first pip with --python


class SetUpError(Exception):
    """The environment cannot be made; the message says why and what helps."""


@dataclass(frozen=True)
class Environment:
    """A folder with an interpreter and packages of its own."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where its packages lie, given that it was made for the interpreter that runs now."""
        return self.folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"

    @property
    def stamp(self) -> Path:
        """Says what it was made for."""
        return self.folder / "assay-stamp"

    def is_ready(self) -> bool:
        """Whether it was completed for this lock and machine, and its interpreter is there for this user."""
        try:
            digest, interpreter, machine = self.stamp.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return False
        is_there = os.path.realpath(self.python) == interpreter and os.access(self.python, os.X_OK)
        return is_there and (digest, machine) == (digest_of_lock(), this_machine())

    def write_stamp(self) -> None:
        """Declare it complete."""
        lines = (digest_of_lock(), os.path.realpath(self.python), this_machine())
        self.stamp.write_text("\n".join(lines), encoding="utf-8")

    def works(self) -> bool:
        """Whether its interpreter starts for this user, is of this version, and looks here for packages."""
        probe = "import sys; print(sys.prefix, *sys.version_info[:2])"
        try:
            answer = subprocess.run(  # noqa: S603  (the interpreter that we put there)
                [self.python, "-I", "-S", "-c", probe], capture_output=True, text=True, check=True, timeout=60
            ).stdout.split()
        except (OSError, subprocess.SubprocessError):
            return False
        return answer[-2:] == [str(part) for part in sys.version_info[:2]]


def enter_environment() -> None:
    """Return if this interpreter has all that requirements.lock names; else make an environment and restart inside.

    With ASSAY_NO_BOOTSTRAP=1 nothing is looked at. ASSAY_VENV names another folder than .venv.
    """
    if os.environ.get("ASSAY_NO_BOOTSTRAP") == "1":
        return
    environment = Environment(folder=PROJECT / os.environ.get("ASSAY_VENV", ".venv"))
    if environment.is_ready():
        if is_inside(environment):
            return
        with contextlib.suppress(OSError):  # an interpreter that cannot be run: made anew below
            restart_in(environment)
    elif satisfies_lock(Path(entry) for entry in sys.path if entry):
        return
    try:
        make_ready(environment)
    except SetUpError as error:
        sys.exit(f"Assay could not set itself up. {error}")
    restart_in(environment)


def is_inside(environment: Environment) -> bool:
    """Whether this process runs in the environment, or was sent there already."""
    return os.path.realpath(sys.prefix) == os.path.realpath(environment.folder) or (
        os.environ.get(ENTERED) == str(environment.folder)
    )


def restart_in(environment: Environment) -> None:
    """Become the same command under the environment's interpreter."""
    os.environ[ENTERED] = str(environment.folder)
    arguments = [str(environment.python), *sys.orig_argv[1:]]
    os.execv(environment.python, arguments)  # noqa: S606  (our own interpreter, no shell)


def digest_of_lock() -> str:
    """What the environment must have been made for."""
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def this_machine() -> str:
    """The kind of machine that installed programs run on."""
    return f"{sys.platform} {platform.machine()}"


def pinned(lock: str) -> tuple[dict[str, set[str]], set[str]]:
    """The versions that a lock allows for each package, and the packages that only some platforms need."""
    versions: dict[str, set[str]] = {}
    conditional = set()
    for pin in PIN.finditer(lock):
        name = canonical(pin["name"])
        versions.setdefault(name, set()).add(pin["version"])
        if pin["marker"]:
            conditional.add(name)
    return versions, conditional


def canonical(name: str) -> str:
    """A package's name as all tools compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def satisfies_lock(folders: Iterator[Path]) -> bool:
    """Whether every package of the lock is installed in one of the folders, in the version that is pinned."""
    versions, conditional = pinned(LOCK.read_text(encoding="utf-8"))
    installed: dict[str, str] = {}
    for folder in folders:
        with contextlib.suppress(OSError):
            for entry in os.listdir(folder):
                if entry.endswith(".dist-info"):
                    name, _, version = entry.removesuffix(".dist-info").partition("-")
                    installed.setdefault(canonical(name), version)
    return all(
        installed[name] in allowed if name in installed else name in conditional for name, allowed in versions.items()
    )


def make_ready(environment: Environment) -> None:
    """Install the lock into the environment, made anew where it cannot be used; one process at a time."""
    if not os.access(environment.folder.parent, os.W_OK):
        raise SetUpError(
            f"It installs its packages into {environment.folder}, and {environment.folder.parent} is not writable for "
            "you. Run as its owner, or set ASSAY_VENV (and ASSAY_VAR) to folders of your own."
        )
    with one_at_a_time(environment.folder):
        if environment.is_ready() and environment.works():
            return
        prepare(environment)
        if not satisfies_lock(iter([environment.packages])):
            install(environment)
        environment.write_stamp()


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Lock the folder above, not a file in it that could be another user's; the lock ends with the process."""
    above = os.open(folder.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(above, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another start is setting the environment up; waiting for it.")
            fcntl.flock(above, fcntl.LOCK_EX)
        yield
    finally:
        os.close(above)


def prepare(environment: Environment) -> None:
    """Leave a working environment, with or without packages. One that does not work is replaced, and it is said."""
    folder = environment.folder
    if folder.exists() and (not os.access(folder, os.W_OK) or not environment.works()):
        say(f"{shown(folder)} is broken, or was made by another Python or another user; making it anew.")
        put_away(folder)
    environment.stamp.unlink(missing_ok=True)
    if not folder.exists():
        try:
            create(environment)
        except (OSError, subprocess.SubprocessError) as error:
            raise SetUpError(f"The environment {folder} could not be made: {error}.") from error


def put_away(folder: Path) -> None:
    """Delete an environment, or at least move it aside when its files are somebody else's."""
    aside = folder.with_name(f"{folder.name}.old-{int(time.time())}")
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
    if aside.exists():
        say(f"What was there is now {shown(aside)}; its owner may delete it.")


def create(environment: Environment) -> None:
    """Make an empty environment. Where Python came without its `venv` module, lay it by hand: it is just this."""
    if importlib.util.find_spec("venv"):
        command = [sys.executable, "-m", "venv", "--without-pip", str(environment.folder)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603  (ourselves)
        return
    base = Path(getattr(sys, "_base_executable", sys.executable))
    environment.packages.mkdir(parents=True)
    environment.python.parent.mkdir()
    environment.python.symlink_to(base)
    environment.python.with_name("python3").symlink_to("python")
    settings = f"home = {base.parent}\ninclude-system-site-packages = false\nversion = {platform.python_version()}\n"
    (environment.folder / "pyvenv.cfg").write_text(settings, encoding="utf-8")


def install(environment: Environment) -> None:
    """Install the lock by the first installer that is there and succeeds."""
    versions, _ = pinned(LOCK.read_text(encoding="utf-8"))
    say(f"Installing {len(versions)} packages into {shown(environment.folder)}, once; about a minute.")
    started = time.monotonic()
    failures = []
    for name, command in installers(environment):
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (listed below)
        if result.returncode == 0:
            say(f"Installed in {time.monotonic() - started:.0f} s.")
            return
        failures.append(f"{name}: {(result.stderr or result.stdout).strip()[-1500:]}")
    if not failures:
        raise SetUpError(
            "There is neither pip nor uv to install packages with. Install one of them, "
            "for example Debian's python3-venv or python3-pip, and start again."
        )
    raise SetUpError("The packages could not be installed.\n" + "\n".join(failures))


def installers(environment: Environment) -> Iterator[tuple[str, list[str | Path]]]:
    """Commands that can fill the environment, best first; each checks the hash of every file."""
    wanted: list[str | Path] = ["--require-hashes", "--no-deps", "-r", LOCK]
    if uv := shutil.which("uv"):
        yield "uv", [uv, "pip", "install", "-q", "--python", environment.python, *wanted]
    pip_options: list[str | Path] = ["install", *SAY_NOTHING, "--no-compile", "--prefer-binary", *wanted]
    version = version_of_pip()
    if version >= PIP_THAT_SERVES_OTHERS:
        yield "pip", [sys.executable, "-m", "pip", "--python", environment.python, *pip_options]
    if importlib.util.find_spec("ensurepip"):
        own_pip = [str(environment.python), "-m", "ensurepip"]
        if subprocess.run(own_pip, capture_output=True, check=False).returncode == 0:  # noqa: S603  (our interpreter)
            yield "pip of the environment", [environment.python, "-m", "pip", *pip_options]
    if version:
        yield "pip --target", [sys.executable, "-m", "pip", *pip_options, "--target", environment.packages]


def version_of_pip() -> tuple[int, ...]:
    """The version of this interpreter's own pip, or an empty tuple."""
    words = subprocess.run(
        [sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=False
    ).stdout.split()
    return tuple(int(part) for part in words[1].split(".")[:2] if part.isdigit()) if len(words) > 1 else ()


def shown(folder: Path) -> str:
    """A folder as a person in the project would name it."""
    return str(folder.relative_to(PROJECT)) if folder.is_relative_to(PROJECT) else str(folder)


def say(sentence: str) -> None:
    """Tell the person what is going on, apart from the command's own output."""
    print(sentence, file=sys.stderr, flush=True)

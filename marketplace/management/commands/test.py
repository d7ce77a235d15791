"""`manage.py test`: the project's tests, by pytest, in the environment that everything else runs in."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from django.conf import settings
from django.core.management.base import BaseCommand

DEFAULTS = ("-n", "2", "--dist", "loadgroup")


class Command(BaseCommand):
    """Becomes pytest; what is not known here is handed on to it."""

    help = (
        "Run the tests with pytest, two processes side by side. Slow ones only with --all. "
        "Everything else is given to pytest: manage.py test tests/kernel -k flow -n 0"
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="run the slow tests too")
        parser.add_argument("pytest_arguments", nargs="*", help="arguments of pytest")

    def run_from_argv(self, argv: list[str]) -> None:
        """Django's parser would refuse pytest's options, so it does not see them."""
        if "-h" in argv or "--help" in argv:
            self.print_help(argv[0], argv[1])
            return
        become_pytest(argv[2:])


def become_pytest(arguments: Sequence[str]) -> None:
    """Replace this process by pytest over `arguments`."""
    everything = "--all" in arguments
    chosen = [argument for argument in arguments if argument != "--all"]
    if not everything and not any(argument.startswith("-m") for argument in chosen):
        chosen = ["-m", "not slow", *chosen]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    os.chdir(settings.BASE_DIR)
    os.execve(sys.executable, [sys.executable, "-m", "pytest", *DEFAULTS, *chosen], environment)  # noqa: S606

"""``manage.py check_invariants``: whether everything that must always hold does, promise by promise."""

from argparse import ArgumentParser
from collections import defaultdict
from json import dumps
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.checks import Fault
from marketplace.services.checks import CHECKS, check_invariants


class Command(BaseCommand):
    """Prints each promise with what breaks it; ends with 1 when any is broken."""

    help = "Check the books, turns, payments, escrows and states of everything."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print only how many faults each promise has, as JSON")

    def handle(self, *args: Any, json: bool = False, **options: Any) -> None:
        """Check, then print."""
        broken: defaultdict[str, list[Fault]] = defaultdict(list)
        for fault in check_invariants():
            broken[fault.check].append(fault)
        if json:
            self.stdout.write(dumps({promise: len(broken[promise]) for promise in CHECKS}))
            return
        for promise in CHECKS:
            self.stdout.write(f"{'BROKEN' if promise in broken else 'ok':>6}  {promise}")
            for fault in broken.get(promise, []):
                self.stdout.write(f"          {fault.subject} {fault.message}")
        if broken:
            faults = sum(map(len, broken.values()))
            raise CommandError(f"Broken: {len(broken)} of {len(CHECKS)} promises. Faults: {faults}.")

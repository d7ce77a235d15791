"""``manage.py check_invariants``: whether everything that must always hold does, promise by promise."""

from collections import defaultdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.checks import Fault
from marketplace.services.checks import CHECKS, check_invariants


class Command(BaseCommand):
    """Prints each promise with what breaks it; ends with 1 when any is broken."""

    help = "Check the books, turns, payments, escrows and states of everything."

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, then print."""
        broken: defaultdict[str, list[Fault]] = defaultdict(list)
        for fault in check_invariants():
            broken[fault.check].append(fault)
        for promise in CHECKS:
            self.stdout.write(f"{'BROKEN' if promise in broken else 'ok':>6}  {promise}")
            for fault in broken.get(promise, []):
                self.stdout.write(f"          {fault.subject} {fault.message}")
        if broken:
            faults = sum(map(len, broken.values()))
            raise CommandError(f"Broken: {len(broken)} of {len(CHECKS)} promises. Faults: {faults}.")

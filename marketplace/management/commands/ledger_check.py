"""``manage.py ledger_check``: whether every promise holds, of money, work and states, and where the money is."""

from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Mapping, Sequence
from json import dumps
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import queries
from billing.checks import Fault
from marketplace.services.checks import CHECKS, SECTIONS, check_invariants


class Command(BaseCommand):
    """Prints each promise with what breaks it; ends with 1 when any is broken."""

    help = "Check that the books are true and every promise of work and pay is kept, and show where the money is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print only how many faults each promise has, as JSON")

    def handle(self, *args: Any, json: bool = False, **options: Any) -> None:
        """Check, then show."""
        found: defaultdict[str, list[Fault]] = defaultdict(list)
        for fault in check_invariants():
            found[fault.check].append(fault)
        if json:
            self.stdout.write(dumps({promise: len(found[promise]) for promise in CHECKS}))
            return
        self._show_promises(found)
        for currency in queries.currencies():
            self._show_books(queries.books(currency))
        broken = [promise for promise in CHECKS if found[promise]]
        if broken:
            faults = sum(map(len, found.values()))
            raise CommandError(f"Broken: {len(broken)} of {len(CHECKS)} promises. Faults: {faults}.")

    def _show_promises(self, found: Mapping[str, Sequence[Fault]]) -> None:
        for section, promises in SECTIONS.items():
            self.stdout.write(f"{section}")
            for promise in promises:
                faults = found.get(promise, [])
                self.stdout.write(f"{'BROKEN' if faults else 'ok':>8}  {promise}")
                for fault in faults:
                    self.stdout.write(f"            {fault.subject}: {fault.message}")

    def _show_books(self, books: queries.Books) -> None:
        self.stdout.write(f"\n{books.currency}, in minor units")
        for label, minor in (
            ("came in", books.funded_minor),
            ("clients' funds", books.client_funds_minor),
            ("held in escrow", books.job_escrow_minor),
            ("reserves for pay", books.pay_reserve_minor),
            ("workers' earnings", books.worker_earnings_minor),
            ("payouts in flight", books.payouts_in_flight_minor),
            ("refunds in flight", books.refunds_in_flight_minor),
            ("disputed", books.disputed_minor),
            ("platform's fees", books.platform_fees_minor),
            ("processor's fees", books.processor_fees_minor),
            ("losses", books.loss_minor),
            ("refunded", books.refunded_minor),
            ("paid out", books.paid_out_minor),
            ("taken back by banks", books.taken_back_minor),
            ("processing", books.processing_minor),
            ("accounted for", books.accounted_minor),
        ):
            self.stdout.write(f"{label:>20} {minor:>18,}")

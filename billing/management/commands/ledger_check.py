"""``manage.py ledger_check``: whether the books are true, promise by promise, and where the money is."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import queries
from billing.checks import CHECKS, check_books


class Command(BaseCommand):
    """Prints each promise of the ledger with what breaks it; ends with 1 when any is broken."""

    help = "Check that the books are true, and show where the money is."

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, then show."""
        faults = check_books()
        for name in CHECKS:
            broken = [fault for fault in faults if fault.check == name]
            self.stdout.write(f"{'BROKEN' if broken else 'ok':>6}  {name}")
            for fault in broken:
                self.stdout.write(f"        {fault.subject}: {fault.message}")
        for currency in queries.currencies():
            self._show(queries.books(currency))
        if faults:
            raise CommandError(f"The books are not true: {len(faults)} faults.")

    def _show(self, books: queries.Books) -> None:
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

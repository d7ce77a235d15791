"""``manage.py reconcile``: what moved at Stripe against the postings that say why, in counts and cents."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.models import StripeMovement
from billing.services.reconciliation import ROWS_AT_ONCE, reconcile


class Command(BaseCommand):
    """Reads Stripe, matches, and prints how each currency stands; ends with 1 while anything is unmatched."""

    help = "Match every movement of the balance at Stripe with one posting; show what is left, in counts and cents."

    def handle(self, *args: Any, **options: Any) -> None:
        """Reconcile, then show."""
        standing = reconcile()
        for row in standing:
            self.stdout.write(f"{row.currency}, in minor units")
            for label, number in (
                ("movements matched", row.matched),
                ("explained by a person", row.explained),
                ("unmatched", row.unmatched),
                ("kept by Stripe", row.fees_minor),
                ("moved, less that", row.moved_minor),
                ("there, says Stripe", row.at_stripe_minor),
                ("there, say the books", row.booked_minor),
                ("not read yet", row.unread_minor),
                ("not booked", row.unbooked_minor),
            ):
                self.stdout.write(f"{label:>24} {number:>18,}")
        unmatched = StripeMovement.objects.filter(state="unmatched").order_by("moved_at", "pk")
        for movement in unmatched.iterator(chunk_size=ROWS_AT_ONCE):
            self.stdout.write(f"unmatched: {movement} {movement.amount_minor} {movement.currency} {movement.source_id}")
        if left := sum(row.unmatched for row in standing):
            raise CommandError(f"{left} movements at Stripe have no posting that says why.")

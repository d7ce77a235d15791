"""Invoices: what a client was charged in a month, written down once."""

import uuid

from django.db import models
from django.db.models import F, Q

from kernel import clock
from kernel.money import Money


class Invoice(models.Model):
    """What one client was charged in one month in one currency. Rows are facts; a trigger lets no number be left out.

    ``lines`` are of the form of `marketplace.services.invoicing.Line`. ``month`` is written as 2026-11.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField(unique=True, help_text="Counts up over all clients, without gaps.")
    client = models.ForeignKey("marketplace.Client", on_delete=models.PROTECT, related_name="invoices")
    client_name = models.CharField(max_length=120, help_text="As it was when this was issued.")
    client_country = models.CharField(max_length=2)
    month = models.CharField(max_length=7)
    currency = models.CharField(max_length=3)
    lines = models.JSONField()
    pay_minor = models.BigIntegerField(help_text="What went to workers.")
    fees_minor = models.BigIntegerField(help_text="What the platform took for it.")
    total_minor = models.BigIntegerField()
    issued_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "month", "currency"], name="one_invoice_per_month_and_currency"),
            models.CheckConstraint(condition=Q(number__gte=1), name="invoice_number_is_positive"),
            models.CheckConstraint(
                condition=Q(total_minor=F("pay_minor") + F("fees_minor")), name="invoice_total_is_its_parts"
            ),
            models.CheckConstraint(
                condition=Q(month__regex=r"^[0-9]{4}-(0[1-9]|1[0-2])$"), name="invoice_month_is_one"
            ),
        ]
        indexes = [models.Index(fields=["client", "number"], name="invoice_by_client")]

    def __str__(self) -> str:
        return self.shown_number

    @property
    def shown_number(self) -> str:
        """The number as it stands on the invoice."""
        return f"INV-{self.number:06d}"

    @property
    def total(self) -> Money:
        """What was charged."""
        return Money(self.total_minor, self.currency)

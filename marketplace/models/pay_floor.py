"""The floor on hourly pay: what an hour of work is worth at least, by country; and what was paid to reach it."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.money import Money
from marketplace.models.job import Job


class PayFloor(models.Model):
    """What an hour is worth at least from ``valid_from`` on, in a country (ISO 3166-1), or where none is named ("").

    Rows are facts: a floor is changed by a later row, and ended by one with nothing an hour.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    country = models.CharField(max_length=2, blank=True, default="")
    currency = models.CharField(max_length=3)
    hourly_minor = models.BigIntegerField()
    valid_from = models.DateTimeField()
    set_at = models.DateTimeField(default=clock.now)
    set_by = models.ForeignKey("kernel.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["country", "currency", "valid_from"], name="one_pay_floor_at_a_time"),
            models.CheckConstraint(condition=Q(hourly_minor__gte=0), name="pay_floor_is_not_negative"),
            models.CheckConstraint(condition=Q(country__regex=r"^([A-Z]{2})?$"), name="pay_floor_country_is_iso"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="pay_floor_currency_is_iso"),
        ]

    def __str__(self) -> str:
        return f"{Money(self.hourly_minor, self.currency)} an hour in {self.country or 'any country'}"


class Lift(models.Model):
    """That one worker's pay in one job was lifted towards the floor, by how much, and what it was reckoned from."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="lifts")
    worker = models.ForeignKey("workforce.Worker", on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    inputs = models.JSONField(help_text="Floor, answers, median seconds and what was paid, as they stood.")
    lifted_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gt=0), name="lift_amount_is_positive")]

    def __str__(self) -> str:
        return f"lift of worker {self.worker_id} in job {self.job_id}"

"""What Stripe told us, kept before anything is made of it."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.flow import Flow


class StripeEvent(models.Model):
    """One webhook event, once. It is only a hint: what is true is read from Stripe again when it is processed.

    ``payload`` keeps what tells events apart and nothing personal: an event may carry names and addresses.
    """

    class State(models.TextChoices):
        STORED = "stored", "waits to be processed"
        PROCESSED = "processed", "done"
        PARKED = "parked", "waits for a person"

    FLOW = Flow({State.STORED: {State.PROCESSED, State.PARKED}, State.PARKED: {State.STORED}})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    stripe_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=100)
    account = models.CharField(max_length=255, blank=True, default="")
    object_id = models.CharField(max_length=255, blank=True, default="", db_index=True)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=20, choices=State.choices, default=State.STORED)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True, default="")
    received_at = models.DateTimeField(default=clock.now)
    processed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["stored", "processed", "parked"]), name="stripe_event_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="processed", processed_at__isnull=False)
                | ~Q(state="processed") & Q(processed_at__isnull=True),
                name="stripe_event_processed_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="parked") | ~Q(last_error=""), name="stripe_event_parked_has_why"
            ),
        ]
        indexes = [
            models.Index(fields=["received_at", "id"], condition=Q(state="stored"), name="stripe_event_stored"),
        ]
        verbose_name = "Stripe event"

    def __str__(self) -> str:
        return f"{self.type} {self.stripe_id}"

"""Reactions that are owed: one row for each announced event and each of its subscribers."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock


class OutboxMessage(models.Model):
    """One reaction to one event, waiting, done, or parked with the reason why it keeps failing."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        PARKED = "parked"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.CharField(max_length=100)
    reaction = models.CharField(max_length=100)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=clock.now)
    lease = models.UUIDField(null=True)
    last_error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="done", done_at__isnull=False) | (~Q(state="done") & Q(done_at__isnull=True)),
                name="outbox_done_has_its_time",
            ),
            models.CheckConstraint(condition=Q(state__in=["waiting", "done", "parked"]), name="outbox_state_known"),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state="waiting"), name="outbox_due"),
            models.Index(fields=["done_at", "id"], condition=Q(state="done"), name="outbox_done"),
            models.Index(fields=["created_at", "id"], condition=Q(state="parked"), name="outbox_parked"),
        ]

    def __str__(self) -> str:
        return f"{self.event} → {self.reaction} ({self.state})"

"""Workers: people who annotate, and whether they may."""

import uuid
from typing import ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.flow import Flow


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Which workers."""

    def locked(self) -> Self:
        """Lock the rows for a change of standing; rows that refer to them may still be written."""
        return self.select_for_update(no_key=True, of=("self",))


class Worker(models.Model):
    """A person who was approved to annotate; ``state`` is their standing. Clients know them by a pseudonym only."""

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        SUSPENDED = "suspended"
        OFFBOARDED = "offboarded"

    FLOW: ClassVar[Flow] = Flow(
        {
            State.ACTIVE: {State.PAUSED, State.SUSPENDED, State.OFFBOARDED},
            State.PAUSED: {State.PAUSED, State.ACTIVE, State.SUSPENDED, State.OFFBOARDED},
            State.SUSPENDED: {State.ACTIVE, State.OFFBOARDED},
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField("kernel.User", on_delete=models.PROTECT, related_name="worker")
    application = models.OneToOneField("workforce.Application", on_delete=models.PROTECT, related_name="+")
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2.")
    languages = models.JSONField(help_text="Codes such as en or pt-BR, the best spoken first.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    standing_since = models.DateTimeField(default=clock.now)
    standing_reason = models.TextField(blank=True, default="", help_text="Shown to the worker.")
    paused_until = models.DateTimeField(null=True)
    applied_at = models.DateTimeField()
    approved_at = models.DateTimeField(default=clock.now)

    objects: ClassVar[models.Manager["Worker"]] = WorkerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="paused", paused_until__isnull=False)
                | Q(state__in=["active", "suspended", "offboarded"], paused_until__isnull=True),
                name="only_a_paused_worker_has_an_end_of_pause",
            ),
            models.CheckConstraint(
                condition=Q(state="active") | ~Q(standing_reason=""), name="adverse_standing_has_a_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["paused_until", "id"], condition=Q(state="paused"), name="workers_by_end_of_pause"),
            models.Index(fields=["approved_at", "id"], name="workers_by_approval"),
        ]

    def __str__(self) -> str:
        return f"worker {self.pk}"

    user_id: UUID

    @property
    def billing_owner(self) -> str:
        """The owner of this worker's accounts in the ledger."""
        return f"worker:{self.pk}"

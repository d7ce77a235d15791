"""Applications: a person asks to work here, and an admin decides."""

import uuid
from typing import ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import F, Q

from kernel import clock
from kernel.flow import Flow


class ApplicationQuerySet(models.QuerySet["Application"]):
    """Which applications."""

    def locked(self) -> Self:
        """Lock the rows for a change of state; rows that refer to them may still be written."""
        return self.select_for_update(no_key=True, of=("self",))


class Application(models.Model):
    """One request of one person to become a worker. After a refusal the person may send another."""

    class State(models.TextChoices):
        SUBMITTED = "submitted"
        APPROVED = "approved"
        DECLINED = "declined"

    FLOW: ClassVar[Flow] = Flow({State.SUBMITTED: {State.APPROVED, State.DECLINED}})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("kernel.User", on_delete=models.PROTECT, related_name="+", db_index=False)  # see indexes
    state = models.CharField(max_length=10, choices=State.choices, default=State.SUBMITTED)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2.")
    languages = models.JSONField(help_text="Codes such as en or pt-BR, the best spoken first.")
    note = models.TextField(blank=True, default="", help_text="What the person wants to say about themselves.")
    terms_version = models.CharField(max_length=20, help_text="The terms that the person accepted.")
    submitted_at = models.DateTimeField(default=clock.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("kernel.User", null=True, on_delete=models.PROTECT, related_name="+")
    decision_reason = models.TextField(blank=True, default="", help_text="Shown to the person.")

    objects: ClassVar[models.Manager["Application"]] = ApplicationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(state="submitted"), name="one_open_application"),
            models.CheckConstraint(
                condition=Q(state="submitted", decided_at__isnull=True, decided_by__isnull=True)
                | Q(state__in=["approved", "declined"], decided_at__isnull=False, decided_by__isnull=False),
                name="application_state_fits_its_decision",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("user")), name="nobody_decides_about_themselves"
            ),
            models.CheckConstraint(
                condition=~Q(state="declined") | ~Q(decision_reason=""), name="declined_application_has_a_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "submitted_at", "id"], name="applications_by_state"),
            models.Index(fields=["user", "submitted_at"], name="applications_of_user"),
        ]

    def __str__(self) -> str:
        return f"application {self.pk}"

    user_id: UUID

"""Certifications: granted, expiring rights to work with a skill."""

import uuid

from django.db import models
from django.db.models import F, Q

from kernel import clock
from kernel.flow import Flow
from qualification.models.exam import Exam
from qualification.models.skill import Skill


class Certification(models.Model):
    """One worker's right to work with one skill, from the request for it to its end.

    It counts while it is granted and not past ``expires_at`` (null: it does not expire). A renewal is a row of its own;
    when it is granted, the older one expires. ``decided_by`` is the admin who decided last, null while the score alone
    has: nobody decides for themselves (a trigger).
    """

    class State(models.TextChoices):
        PENDING = "pending"
        GRANTED = "granted"
        EXPIRED = "expired"
        REVOKED = "revoked"
        DENIED = "denied"

    FLOW = Flow(
        {
            State.PENDING: {State.GRANTED, State.DENIED},
            State.GRANTED: {State.EXPIRED, State.REVOKED},
        }
    )
    ADVERSE = (State.REVOKED, State.DENIED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    worker = models.ForeignKey("workforce.Worker", on_delete=models.PROTECT, related_name="+", db_index=False)
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="certifications", db_index=False)
    exam = models.OneToOneField(Exam, null=True, on_delete=models.PROTECT, related_name="certification")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    requested_at = models.DateTimeField(default=clock.now)
    granted_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When it was denied, revoked or over.")
    decided_by = models.ForeignKey("kernel.User", null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(blank=True, default="", help_text="Why it was denied or revoked, for the worker.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["worker", "skill"], condition=Q(state="pending"), name="one_pending_certification_per_skill"
            ),
            models.UniqueConstraint(
                fields=["worker", "skill"], condition=Q(state="granted"), name="one_granted_certification_per_skill"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "granted", "expired", "revoked", "denied"]),
                name="certification_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", granted_at__isnull=True, expires_at__isnull=True, ended_at__isnull=True)
                | Q(state="granted", granted_at__isnull=False, ended_at__isnull=True)
                | Q(state="expired", granted_at__isnull=False, ended_at__isnull=False)
                | Q(state="revoked", granted_at__isnull=False, ended_at__isnull=False)
                | Q(state="denied", granted_at__isnull=True, ended_at__isnull=False),
                name="certification_state_has_its_times",
            ),
            models.CheckConstraint(
                condition=(Q(decided_by__isnull=False) & ~Q(reason="")) | ~Q(state__in=["revoked", "denied"]),
                name="adverse_certification_has_a_person_and_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("granted_at")),
                name="certification_expires_after_its_grant",
            ),
        ]
        indexes = [
            models.Index(fields=["worker", "skill", "requested_at", "id"], name="certification_by_worker"),
            models.Index(fields=["expires_at", "id"], condition=Q(state="granted"), name="certification_expiring"),
            models.Index(fields=["requested_at", "id"], condition=Q(state="pending"), name="certification_waiting"),
        ]

    def __str__(self) -> str:
        return f"certification {self.pk}"

"""Invitations: somebody is asked to act for a client, or to look after one job of it."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.email_address import CANONICAL
from kernel.flow import Flow
from marketplace.models.client import Client
from marketplace.models.job import Job

TO_A_CLIENT = Q(job__isnull=True, role__in=["owner", "member"])
TO_A_JOB = Q(job__isnull=False, role__in=["viewer", "reviewer", "manager"])


class Invitation(models.Model):
    """That whoever has an e-mail address is asked to take a role at a client, or at one job of it, until a time.

    It names an address and nobody's account: whether there is one is not looked at before somebody accepts. Of an
    invitation that ended long ago the address is forgotten.
    """

    class Role(models.TextChoices):
        OWNER = "owner"
        MEMBER = "member"
        VIEWER = "viewer"
        REVIEWER = "reviewer"
        MANAGER = "manager"

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"

    FLOW = Flow({State.OPEN: {State.ACCEPTED, State.DECLINED, State.WITHDRAWN, State.EXPIRED}})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="invitations")
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="invitations")
    role = models.CharField(max_length=10, choices=Role.choices)
    email = models.EmailField(max_length=254, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    invited_by = models.ForeignKey("kernel.User", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, help_text="When the mail that tells of it went out.")
    ended_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey("kernel.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "email"],
                condition=Q(state="open", job__isnull=True),
                name="one_open_invitation_to_a_client",
            ),
            models.UniqueConstraint(
                fields=["job", "email"],
                condition=Q(state="open", job__isnull=False),
                name="one_open_invitation_to_a_job",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "accepted", "declined", "withdrawn", "expired"]),
                name="invitation_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True, accepted_by__isnull=True)
                | Q(state="accepted", ended_at__isnull=False, accepted_by__isnull=False)
                | Q(state__in=["declined", "withdrawn", "expired"], ended_at__isnull=False, accepted_by__isnull=True),
                name="invitation_state_has_its_times",
            ),
            models.CheckConstraint(condition=TO_A_CLIENT | TO_A_JOB, name="invitation_to_what_its_role_is_for"),
            models.CheckConstraint(
                condition=Q(email__regex=CANONICAL) | Q(email=""), name="invitation_email_canonical_or_forgotten"
            ),
            models.CheckConstraint(condition=~Q(state="open", email=""), name="open_invitation_has_its_email"),
        ]
        indexes = [
            models.Index(fields=["email", "created_at"], name="invitation_by_address"),
            models.Index(fields=["expires_at"], condition=Q(state="open"), name="invitation_due"),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

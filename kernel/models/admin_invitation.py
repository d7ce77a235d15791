"""Invitations to become an admin: how an installation gets its first, and how admins bring in others."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from kernel import clock


class AdminInvitation(models.Model):
    """That whoever shows a token, once and until ``expires_at``, becomes an admin with these roles.

    Only the token's hash is kept. ``invited_by`` is nobody for one that was made on the command line.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token_sha256 = models.CharField(max_length=64, unique=True)
    roles = ArrayField(models.TextField())
    invited_by = models.ForeignKey("kernel.User", on_delete=models.PROTECT, null=True, related_name="+")
    invited_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    redeemed_at = models.DateTimeField(null=True)
    redeemed_by = models.ForeignKey("kernel.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(redeemed_at=None, redeemed_by=None)
                | Q(redeemed_at__isnull=False, redeemed_by__isnull=False, withdrawn_at=None),
                name="admin_invitation_redeemed_or_withdrawn",
            ),
            models.CheckConstraint(condition=Q(roles__len__gt=0), name="admin_invitation_to_something"),
        ]

    def __str__(self) -> str:
        return f"invitation {self.id}"

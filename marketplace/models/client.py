"""Clients: organisations that post work, and the people who act for them."""

import uuid

from django.db import models
from guardian.models import UserObjectPermissionBase

from kernel import clock


class Client(models.Model):
    """An organisation that posts work and pays for it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    country = models.CharField(max_length=2)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        permissions = [
            ("post_jobs", "Can post, launch, pause and cancel jobs"),
            ("fund_client", "Can fund the client and take unspent money back"),
            ("manage_members", "Can add and remove members"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def billing_owner(self) -> str:
        """The owner of this client's accounts in the ledger."""
        return f"client:{self.pk}"

    @property
    def media_payer(self) -> str:
        """In whose allowance its jobs' media take room."""
        return f"client:{self.pk}"


class Membership(models.Model):
    """That a person acts for a client. What they may do there is granted object by object."""

    class Role(models.TextChoices):
        OWNER = "owner"
        MEMBER = "member"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey("kernel.User", on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "user"], name="one_membership_per_person"),
            models.CheckConstraint(condition=models.Q(role__in=["owner", "member"]), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.client_id}"


class ClientUserObjectPermission(UserObjectPermissionBase):
    """A permission on one client, granted to one person."""

    content_object = models.ForeignKey(Client, on_delete=models.CASCADE)


class JobUserObjectPermission(UserObjectPermissionBase):
    """A permission on one job, granted to one person."""

    content_object = models.ForeignKey("marketplace.Job", on_delete=models.CASCADE)

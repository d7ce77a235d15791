"""Admin roles: who looks after what for the platform."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.admin_roles import ADMIN_ROLES


class AdminRole(models.Model):
    """That a person holds an admin role. A role that was withdrawn is gone from here; the audit trail tells of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("kernel.User", on_delete=models.PROTECT, related_name="admin_roles")
    role = models.CharField(max_length=20, choices=[(name, name) for name in ADMIN_ROLES])
    granted_by = models.ForeignKey(
        "kernel.User",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Nobody for a role that was granted on the command line.",
    )
    granted_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], name="one_grant_of_each_admin_role"),
            models.CheckConstraint(condition=Q(role__in=list(ADMIN_ROLES)), name="admin_role_known"),
            models.CheckConstraint(
                condition=Q(granted_by=None) | ~Q(granted_by=models.F("user")), name="admin_role_by_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.user_id}"

"""What share of accepted work the platform takes from a client, by what the client has spent; kept for ever."""

from django.db import models
from django.db.models import Q

from kernel import clock
from marketplace.models.client import Client


class FeeSchedule(models.Model):
    """The fees of one client in one currency from ``set_at`` on; the latest counts, and without one the usual share.

    ``minimum_minor`` is the least that is taken for one accepted assignment.
    """

    id = models.BigAutoField(primary_key=True)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="fee_schedules", db_index=False)
    currency = models.CharField(max_length=3)
    minimum_minor = models.BigIntegerField(default=0)
    why = models.TextField()
    set_by = models.ForeignKey("kernel.User", on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(minimum_minor__gte=0, minimum_minor__lte=1_000_000), name="fee_minimum_in_range"
            )
        ]
        indexes = [models.Index(fields=["client", "currency", "id"], name="fee_schedule_by_client")]

    def __str__(self) -> str:
        return f"fees of client {self.client_id} in {self.currency}"


class FeeTier(models.Model):
    """From which spending of the client on, in accepted rewards, which share is taken of a reward."""

    id = models.BigAutoField(primary_key=True)
    schedule = models.ForeignKey(FeeSchedule, on_delete=models.PROTECT, related_name="tiers", db_index=False)
    from_spent_minor = models.BigIntegerField()
    basis_points = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["schedule", "from_spent_minor"], name="one_fee_tier_per_spending"),
            models.CheckConstraint(condition=Q(from_spent_minor__gte=0), name="fee_tier_counts_from_nothing"),
            models.CheckConstraint(condition=Q(basis_points__lte=10_000), name="fee_tier_share_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.basis_points} basis points from {self.from_spent_minor}"

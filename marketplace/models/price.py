"""What a job pays for a turn, by how hard the task is and how good the worker: price lists, kept for ever."""

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.money import Money
from marketplace.models.job import Job


class Band(models.TextChoices):
    """How hard a task is, as its client says."""

    EASY = "easy"
    STANDARD = "standard"
    HARD = "hard"


class Price(models.Model):
    """One row of a price list: what an accepted turn at a task of ``band`` costs, from a score on.

    It holds for workers whose lower bound in the job's skill is at least ``min_lower_bound`` (0 to 1), unless another
    row asks for more that they have. Lists are numbered within their job, and ``Job.price_list`` is the one in force;
    each quotes every band from 0 on. A trigger keeps rows as they are, and an assignment's price is one of them.
    """

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="prices", db_index=False)
    number = models.PositiveIntegerField()
    band = models.CharField(max_length=8, choices=Band.choices)
    min_lower_bound = models.FloatField(default=0.0)
    reward_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "number", "band", "min_lower_bound"], name="one_price_per_band_and_bound"
            ),
            # What an assignment's composite foreign key refers to.
            models.UniqueConstraint(
                fields=["id", "job", "reward_minor", "fee_minor", "currency"], name="price_as_it_was_quoted"
            ),
            models.CheckConstraint(condition=Q(band__in=Band.values), name="price_band_known"),
            models.CheckConstraint(condition=Q(number__gte=1), name="price_list_is_counted_from_one"),
            models.CheckConstraint(
                condition=Q(min_lower_bound__gte=0.0, min_lower_bound__lte=1.0), name="price_bound_in_range"
            ),
            models.CheckConstraint(condition=Q(reward_minor__gt=0, fee_minor__gte=0), name="price_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.band} from {self.min_lower_bound:g}: {self.total}"

    @property
    def reward(self) -> Money:
        """What the worker gets."""
        return Money(self.reward_minor, self.currency)

    @property
    def total(self) -> Money:
        """What it costs the client: reward and fee."""
        return Money(self.reward_minor + self.fee_minor, self.currency)

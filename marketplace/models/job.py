"""Jobs: a client's order, its versions and what it demands of workers."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from kernel import clock
from kernel.flow import Flow
from kernel.money import Money
from marketplace.models.client import Client


class Job(models.Model):
    """A client's order: instructions, label schema, price and policy for many tasks.

    ``reward_minor`` and ``fee_minor`` are the price of a standard task to whoever is let in, as the price list that is
    in force has it. Shares are in basis points (hundredths of a percent). Later changes of price touch only later
    claims: each assignment carries its own.
    """

    class WhenUnsure(models.TextChoices):
        ESCALATE = "escalate", "A person decides."
        RESOLVE = "resolve", "The label in front is given, with its honest, lower confidence."

    class State(models.TextChoices):
        DRAFT = "draft"
        AWAITING_FUNDS = "awaiting_funds"
        OPEN = "open"
        PAUSED = "paused"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    FLOW = Flow(
        {
            State.DRAFT: {State.OPEN, State.AWAITING_FUNDS, State.CANCELLED},
            State.AWAITING_FUNDS: {State.OPEN, State.DRAFT, State.CANCELLED},
            State.OPEN: {State.PAUSED, State.COMPLETED, State.CANCELLED},
            State.PAUSED: {State.OPEN, State.COMPLETED, State.CANCELLED},
        }
    )
    ENDED = (State.COMPLETED, State.CANCELLED)
    TAKES_TASKS = (State.DRAFT, State.OPEN, State.PAUSED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="jobs")
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFT)
    currency = models.CharField(max_length=3, default="USD")
    price_list = models.PositiveIntegerField(default=1, help_text="Number of the price list in force.")
    reward_minor = models.BigIntegerField(help_text="Pay for one accepted assignment, in minor units.")
    fee_minor = models.BigIntegerField(help_text="The platform's share of one accepted assignment, in minor units.")
    fee_basis_points = models.PositiveIntegerField()
    fee_minimum_minor = models.BigIntegerField(default=0, help_text="The least fee for one accepted assignment.")
    overlap_min = models.PositiveSmallIntegerField()
    overlap_max = models.PositiveSmallIntegerField()
    confidence_basis_points = models.PositiveSmallIntegerField(help_text="Confidence that resolves a task.")
    when_unsure = models.CharField(
        max_length=8,
        choices=WhenUnsure.choices,
        default=WhenUnsure.ESCALATE,
        db_default=WhenUnsure.ESCALATE,
        help_text="What becomes of a task that is not sure enough when no more answers are asked for.",
    )
    label_worth_minor = models.BigIntegerField(
        null=True, blank=True, help_text="What a right label is worth; no answer is bought that promises less."
    )
    gold_share_basis_points = models.PositiveSmallIntegerField(help_text="Share of turns that are hidden gold.")
    skill = models.ForeignKey("qualification.Skill", on_delete=models.PROTECT, related_name="+")
    reservation_seconds = models.PositiveIntegerField(help_text="How long a worker may hold a task.")
    review_seconds = models.PositiveIntegerField(help_text="How long the client may review; silence accepts.")
    accept_on_resolution = models.BooleanField(
        default=True, help_text="Answers equal to the resolution are accepted at once; the others wait for review."
    )
    max_assignments_per_worker = models.PositiveIntegerField(null=True, blank=True)
    guess_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long one answer takes, as its client guesses."
    )
    allowed_error_basis_points = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Share of errors allowed among predictions accepted without a person."
    )
    audit_share_basis_points = models.PositiveSmallIntegerField(
        default=1000, help_text="Share of predicted tasks that people always answer."
    )
    reserve_basis_points = models.PositiveIntegerField(
        default=1000, help_text="Share of the most it can cost that is set aside to lift pay, where a floor holds."
    )
    created_at = models.DateTimeField(default=clock.now)
    awaits_since = models.DateTimeField(null=True, help_text="Since when it waits for funds, if it does.")
    held_up_because = models.TextField(
        blank=True, default="", db_default="", help_text="What else than funds keeps it from starting while it waits."
    )
    launched_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        permissions = [
            ("review_job", "Can accept and reject answers and download results"),
            ("manage_job", "Can launch, pause, resume and cancel"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "awaiting_funds", "open", "paused", "completed", "cancelled"]),
                name="job_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "awaiting_funds"], launched_at__isnull=True, finished_at__isnull=True)
                | Q(state__in=["open", "paused"], launched_at__isnull=False, finished_at__isnull=True)
                | Q(state="completed", launched_at__isnull=False, finished_at__isnull=False)
                | Q(state="cancelled", finished_at__isnull=False),
                name="job_state_has_its_times",
            ),
            models.CheckConstraint(
                condition=Q(state="awaiting_funds", awaits_since__isnull=False)
                | (~Q(state="awaiting_funds") & Q(awaits_since__isnull=True)),
                name="job_awaits_since_it_waits",
            ),
            models.CheckConstraint(
                condition=Q(state="awaiting_funds") | Q(held_up_because=""), name="job_is_held_up_while_it_waits"
            ),
            models.CheckConstraint(
                condition=Q(reward_minor__gt=0, fee_minor__gte=0, fee_minimum_minor__gte=0),
                name="job_price_is_positive",
            ),
            models.CheckConstraint(
                condition=Q(overlap_min__gte=1, overlap_max__lte=100, overlap_max__gte=F("overlap_min")),
                name="job_overlap_in_range",
            ),
            models.CheckConstraint(
                condition=Q(confidence_basis_points__gte=1, confidence_basis_points__lte=9999),
                name="job_confidence_in_range",
            ),
            models.CheckConstraint(condition=Q(when_unsure__in=["escalate", "resolve"]), name="job_when_unsure_known"),
            models.CheckConstraint(
                condition=Q(label_worth_minor__isnull=True) | Q(label_worth_minor__gte=1),
                name="job_label_worth_is_positive",
            ),
            models.CheckConstraint(condition=Q(gold_share_basis_points__lte=5000), name="job_gold_share_in_range"),
            models.CheckConstraint(condition=Q(reserve_basis_points__lte=10_000), name="job_reserve_in_range"),
            models.CheckConstraint(
                condition=Q(reservation_seconds__gte=1, review_seconds__gte=1), name="job_clocks_are_positive"
            ),
            models.CheckConstraint(
                condition=Q(guess_seconds__isnull=True) | Q(guess_seconds__gte=1, guess_seconds__lte=86_400),
                name="job_guess_in_range",
            ),
            models.CheckConstraint(
                condition=Q(allowed_error_basis_points__isnull=True)
                | Q(allowed_error_basis_points__gte=1, allowed_error_basis_points__lte=5000),
                name="job_allowed_error_in_range",
            ),
            models.CheckConstraint(
                condition=Q(audit_share_basis_points__gte=1, audit_share_basis_points__lte=10_000),
                name="job_audit_share_in_range",
            ),
        ]
        indexes = [
            models.Index(fields=["launched_at", "id"], condition=Q(state="open"), name="job_open_by_launch"),
            models.Index(fields=["client", "created_at", "id"], name="job_by_client"),
            models.Index(fields=["awaits_since", "id"], condition=Q(state="awaiting_funds"), name="job_awaiting"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def billing_owner(self) -> str:
        """The owner of this job's escrow in the ledger."""
        return f"job:{self.pk}"

    @property
    def media_owner(self) -> str:
        """What this job's media belong to."""
        return f"job:{self.pk}"

    @property
    def reward(self) -> Money:
        """Pay for one accepted assignment."""
        return Money(self.reward_minor, self.currency)

    @property
    def fee(self) -> Money:
        """The platform's share of one accepted assignment."""
        return Money(self.fee_minor, self.currency)

    @property
    def price(self) -> Money:
        """What one accepted assignment costs the client."""
        return self.reward + self.fee

    @property
    def review_window(self) -> timedelta:
        """How long a submitted answer waits for the client before silence accepts it."""
        return timedelta(seconds=self.review_seconds)


class JobVersion(models.Model):
    """What workers are told and asked, as it stood from ``created_at`` on. An answer is judged by the one it saw."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    instructions = models.TextField()
    label_schema = models.ForeignKey("qualification.LabelSchema", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="one_job_version_per_number")]

    def __str__(self) -> str:
        return f"version {self.number} of job {self.job_id}"


class Requirement(models.Model):
    """A skill that a job demands, with the lowest bound of the score that it accepts (0 to 1)."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="requirements")
    skill = models.ForeignKey("qualification.Skill", on_delete=models.PROTECT, related_name="+")
    min_lower_bound = models.FloatField(default=0.0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "skill"], name="one_requirement_per_skill"),
            models.CheckConstraint(
                condition=Q(min_lower_bound__gte=0.0, min_lower_bound__lte=1.0), name="requirement_bound_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill_id} ≥ {self.min_lower_bound}"


class Participation(models.Model):
    """How often a worker has claimed in a job: one row for each pair, so that a cap needs no count."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="participations")
    worker = models.ForeignKey("workforce.Worker", on_delete=models.PROTECT, related_name="+")
    claims = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "worker"], name="one_participation_per_worker")]

    def __str__(self) -> str:
        return f"worker {self.worker_id} in job {self.job_id}: {self.claims}"


class EmptyClaim(models.Model):
    """That a worker who may work in a job asked for a task there when none was free: the first time in each week."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="+", db_index=False)
    worker = models.ForeignKey("workforce.Worker", on_delete=models.PROTECT, related_name="+")
    week = models.DateField(help_text="Its Monday (UTC).")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "week", "worker"], name="one_empty_claim_a_week")]

    def __str__(self) -> str:
        return f"worker {self.worker_id} found job {self.job_id} all taken in the week of {self.week}"

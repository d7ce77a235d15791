"""Assignments: a worker's turn at a task, the answer given in it, and its rejection."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.flow import Flow
from kernel.money import Money
from marketplace.models.job import Job, JobVersion
from marketplace.models.price import Price
from marketplace.models.task import Slot, Task


class Assignment(models.Model):
    """One worker's turn at one task, from claim to decision. Reward and fee are those of the moment of the claim.

    ``ordinal`` says which of the task's turns it takes up; it is given back (null) when returned or expired,
    when cut short if it can be offered again, and when the answer is softly rejected: what takes up no turn is not
    used. ``lane`` is that of the slot it was, so that gold is told from work without its task; nobody is shown it.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        SUBMITTED = "submitted"
        ACCEPTED = "accepted"
        REJECTED = "rejected"
        RETURNED = "returned"
        EXPIRED = "expired"
        CUT_SHORT = "cut_short", "taken away in the middle, and its time paid"

    FLOW = Flow(
        {
            State.ACTIVE: {State.SUBMITTED, State.RETURNED, State.EXPIRED, State.CUT_SHORT},
            State.SUBMITTED: {State.ACCEPTED, State.REJECTED},
            State.REJECTED: {State.ACCEPTED},
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="assignments", db_index=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="assignments", db_index=False)
    worker = models.ForeignKey("workforce.Worker", on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(JobVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    ordinal = models.PositiveSmallIntegerField(null=True)
    lane = models.PositiveSmallIntegerField(choices=Slot.Lane, default=Slot.Lane.WORK)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    # Its constraint is over more columns: a price that the job quoted, and no other (migration 0009).
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    reward_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    claimed_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    review_due_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["worker", "task"], name="one_turn_per_worker"),
            models.UniqueConstraint(fields=["task", "ordinal"], name="one_assignment_per_turn"),
            models.UniqueConstraint(fields=["worker"], condition=Q(state="active"), name="one_reservation_at_a_time"),
            models.CheckConstraint(
                condition=Q(
                    state__in=["active", "submitted", "accepted", "rejected", "returned", "expired", "cut_short"]
                ),
                name="assignment_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="active", submitted_at__isnull=True, decided_at__isnull=True, ordinal__isnull=False)
                | Q(
                    state="submitted",
                    submitted_at__isnull=False,
                    review_due_at__isnull=False,
                    decided_at__isnull=True,
                    ordinal__isnull=False,
                )
                | Q(state="accepted", submitted_at__isnull=False, decided_at__isnull=False)
                | Q(state="rejected", submitted_at__isnull=False, decided_at__isnull=False, ordinal__isnull=False)
                | Q(state__in=["returned", "expired"], submitted_at__isnull=True, ordinal__isnull=True)
                | Q(state="cut_short", submitted_at__isnull=True, decided_at__isnull=True),
                name="assignment_state_has_its_times",
            ),
            models.CheckConstraint(
                condition=Q(reward_minor__gt=0, fee_minor__gte=0), name="assignment_price_is_positive"
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(state="active"), name="assignment_expiring"),
            models.Index(fields=["review_due_at"], condition=Q(state="submitted"), name="assignment_awaiting_review"),
            models.Index(fields=["job", "claimed_at", "id"], name="assignment_by_job"),
            models.Index(fields=["worker", "claimed_at", "id"], name="assignment_by_worker"),
            models.Index(fields=["worker", "job"], condition=Q(lane=1), name="assignment_at_gold"),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"

    @property
    def is_rejected_softly(self) -> bool:
        """Whether the answer is paid and not used."""
        return self.state == self.State.ACCEPTED and self.ordinal is None

    @property
    def reward(self) -> Money:
        """What the worker gets when this is accepted."""
        return Money(self.reward_minor, self.currency)

    @property
    def fee(self) -> Money:
        """What the platform gets when this is accepted."""
        return Money(self.fee_minor, self.currency)


class Annotation(models.Model):
    """The answer given in an assignment, as it was sent. Rows are facts: a trigger refuses to change them.

    ``late`` answers came after the reservation had expired: kept as evidence, neither paid nor used. ``seconds`` is the
    time from claim to answer by the server's clock.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="annotation")
    result = models.JSONField()
    answer_key = models.TextField()
    seconds = models.FloatField()
    late = models.BooleanField(default=False)
    submitted_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(seconds__gte=0.0), name="annotation_took_time")]

    def __str__(self) -> str:
        return f"annotation of assignment {self.assignment_id}"


class Heartbeat(models.Model):
    """How often, and when last, a page said that its worker was at a turn: evidence beside the server's own clock."""

    assignment = models.OneToOneField(Assignment, primary_key=True, on_delete=models.PROTECT, related_name="heartbeat")
    beats = models.PositiveIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(beats__gte=1), name="heartbeat_was_there")]

    def __str__(self) -> str:
        return f"heartbeats of assignment {self.assignment_id}"


class Rejection(models.Model):
    """Why an answer was not accepted, in words from a list and words of substance. It can be reversed until a day."""

    class Contradicts(models.TextChoices):
        NOTHING = "", "nothing is known that speaks for the answer"
        CONSENSUS = "consensus", "the others' answers alone reach the same label"
        ADJUDICATION = "adjudication", "a person decided for the same label"
        GOLD = "gold", "the right answer is known, and is this one"

    REVERSIBLE_FOR = timedelta(days=7)

    class Pay(models.TextChoices):
        HELD = "held", "it stays in escrow, because the rejection may still be taken back"
        PAID = "paid", "the rejection was taken back, and the answer paid"
        GONE_BACK = "gone_back", "it is the client's again"

    class Reason(models.TextChoices):
        WRONG = "wrong", "The answer is wrong"
        INSTRUCTIONS = "instructions", "The instructions were not followed"
        EMPTY = "empty", "The answer is empty or meaningless"
        RANDOM = "random", "The answers look random"
        COPIED = "copied", "The answer was copied"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="rejection")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    message = models.TextField()
    rejected_by = models.ForeignKey("kernel.User", on_delete=models.PROTECT, related_name="+")
    rejected_at = models.DateTimeField(default=clock.now)
    reversible_until = models.DateTimeField()
    reversed_at = models.DateTimeField(null=True)
    reversed_by = models.ForeignKey("kernel.User", null=True, on_delete=models.PROTECT, related_name="+")
    reversal_why = models.TextField(blank=True, default="")
    contradicts = models.CharField(max_length=12, choices=Contradicts.choices, blank=True, default="")
    breaker = models.ForeignKey(
        "marketplace.Breaker", null=True, on_delete=models.PROTECT, related_name="rejections", db_index=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reversed_at__isnull=False) | Q(reversed_by__isnull=True, reversal_why=""),
                name="rejection_reversed_at_a_time",
            )
        ]
        indexes = [models.Index(fields=["breaker"], condition=Q(breaker__isnull=False), name="rejection_of_breaker")]

    def __str__(self) -> str:
        return f"rejection of assignment {self.assignment_id}"

    @property
    def pay(self) -> Pay:
        """What has become of the pay."""
        if self.reversed_at is not None:
            return self.Pay.PAID
        is_appealed = hasattr(self, "appeal") and self.appeal.decided_at is None
        is_looked_at = self.breaker is not None and self.breaker.decided_at is None
        is_held = is_appealed or is_looked_at or clock.now() < self.reversible_until
        return self.Pay.HELD if is_held else self.Pay.GONE_BACK

"""Signals: what stands out in how a worker answers in a job, put before a person; and when each job was looked at."""

import uuid

from django.db import models
from django.db.models import F, Q

from kernel import clock
from kernel.flow import Flow
from marketplace.models.escalation import Escalation
from marketplace.models.job import Job


class Signal(models.Model):
    """One signal of one worker in one job, with the numbers that it rests on. It decides nothing (docs/adr/0039).

    While it is ``shown`` each look brings its numbers up to date. ``reason`` is what an admin told the worker,
    ``answer`` what the worker says to it, ``note`` why it was decided for good. ``escalation`` is the latest about it.
    """

    class Name(models.TextChoices):
        GOLD_BELOW_CHANCE = "gold_below_chance", "gold is missed as often as by guessing"
        TOO_FAST = "too_fast", "far faster than others at the same items"
        STRAIGHT_LINES = "straight_lines", "the same answer again and again"
        ONE_PLACE = "one_place", "one choice more often than the tasks explain"
        DRIFT = "drift", "worse than at first"
        SHARED_ERRORS = "shared_errors", "the same wrong answers as somebody else"

    class State(models.TextChoices):
        SHOWN = "shown", "it shows, and waits for a person"
        PASSED = "passed", "it no longer shows"
        TOLD = "told", "a person told the worker"
        ANSWERED = "answered", "the worker answered, and a person is to decide"
        DISMISSED = "dismissed", "a person found nothing the matter"
        UPHELD = "upheld", "a person decided that it stands after the worker's answer"

    FLOW = Flow(
        {
            State.SHOWN: {State.PASSED, State.TOLD, State.DISMISSED},
            State.TOLD: {State.ANSWERED},
            State.ANSWERED: {State.DISMISSED, State.UPHELD},
        }
    )
    OF_THEIR_WORKER = (State.TOLD, State.ANSWERED, State.UPHELD, State.DISMISSED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="signals")
    worker = models.ForeignKey("workforce.Worker", on_delete=models.PROTECT, related_name="+")
    partner = models.ForeignKey("workforce.Worker", null=True, on_delete=models.PROTECT, related_name="+")
    escalation = models.OneToOneField(Escalation, on_delete=models.PROTECT, related_name="signal")
    name = models.CharField(max_length=20, choices=Name.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.SHOWN)
    score = models.FloatField(help_text="How far it stands out, in standard deviations where there are such.")
    chance = models.FloatField(help_text="How likely one as high is if nothing is the matter.")
    jobs = models.PositiveIntegerField(help_text="In how many jobs the worker is looked at, which share the budget.")
    numbers = models.JSONField()
    choice = models.CharField(max_length=1000, blank=True, default="", help_text="The choice at the place, if any.")
    since = models.DateTimeField()
    until = models.DateTimeField()
    shown_at = models.DateTimeField(default=clock.now)
    looked_at = models.DateTimeField(default=clock.now)
    passed_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    told_by = models.ForeignKey("kernel.User", null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(blank=True, default="")
    answered_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True, default="")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("kernel.User", null=True, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["worker", "job", "name"], condition=Q(state="shown"), name="one_shown_signal_per_worker"
            ),
            models.CheckConstraint(
                condition=Q(
                    name__in=[
                        "gold_below_chance",
                        "too_fast",
                        "straight_lines",
                        "one_place",
                        "drift",
                        "shared_errors",
                    ]
                ),
                name="signal_name_known",
            ),
            models.CheckConstraint(
                condition=Q(state="shown", passed_at=None, told_at=None, decided_at=None)
                | Q(state="passed", passed_at__isnull=False, told_at=None, decided_at=None)
                | Q(state="told", passed_at=None, told_at__isnull=False, answered_at=None, decided_at=None)
                | Q(state="answered", told_at__isnull=False, answered_at__isnull=False, decided_at=None)
                | Q(state="upheld", answered_at__isnull=False, decided_at__isnull=False)
                | Q(state="dismissed", passed_at=None, decided_at__isnull=False),
                name="signal_state_has_its_times",
            ),
            models.CheckConstraint(
                condition=Q(told_at=None, told_by=None, reason="") | (Q(told_by__isnull=False) & ~Q(reason="")),
                name="signal_told_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None, decided_by=None, note="") | (Q(decided_by__isnull=False) & ~Q(note="")),
                name="signal_decided_by_somebody",
            ),
            models.CheckConstraint(condition=Q(since__lt=F("until")), name="signal_window_in_order"),
            models.CheckConstraint(condition=Q(chance__gte=0.0, chance__lte=1.0), name="signal_chance_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.name} in job {self.job_id}"


class SignalLook(models.Model):
    """Until when the answers of a job were looked at last, and how many answers of how many workers that were."""

    job = models.OneToOneField(Job, primary_key=True, on_delete=models.PROTECT, related_name="signal_look")
    until = models.DateTimeField()
    answers = models.PositiveIntegerField(default=0)
    workers = models.PositiveIntegerField(default=0)
    looked_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"job {self.job_id} up to {self.until:%Y-%m-%d}"

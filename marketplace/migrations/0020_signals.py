"""What stands out in how somebody works comes before a person, and when each job was looked at is kept."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import guard_flow

FLOW = {
    "shown": ["passed", "told", "dismissed"],
    "told": ["answered"],
    "answered": ["dismissed", "upheld"],
}


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0019_soft_rejections"),
        ("workforce", "0003_identities_change_with_an_event"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SignalLook",
            fields=[
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="signal_look",
                        serialize=False,
                        to="marketplace.job",
                    ),
                ),
                ("until", models.DateTimeField()),
                ("answers", models.PositiveIntegerField(default=0)),
                ("workers", models.PositiveIntegerField(default=0)),
                ("looked_at", models.DateTimeField(default=kernel.clock.now)),
            ],
        ),
        migrations.AlterField(
            model_name="escalation",
            name="kind",
            field=models.CharField(
                choices=[
                    ("no_consensus", "No Consensus"),
                    ("decertification", "Decertification"),
                    ("failed_payout", "Failed Payout"),
                    ("dispute", "Dispute"),
                    ("appeal", "Appeal"),
                    ("rejection_breaker", "Rejection Breaker"),
                    ("inspection", "Inspection"),
                    ("pay_floor", "Pay Floor"),
                    ("signal", "Signal"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="Signal",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(
                        choices=[
                            ("gold_below_chance", "gold is missed as often as by guessing"),
                            ("too_fast", "far faster than others at the same items"),
                            ("straight_lines", "the same answer again and again"),
                            ("one_place", "one choice more often than the tasks explain"),
                            ("drift", "worse than at first"),
                            ("shared_errors", "the same wrong answers as somebody else"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("shown", "it shows, and waits for a person"),
                            ("passed", "it no longer shows"),
                            ("told", "a person told the worker"),
                            ("answered", "the worker answered, and a person is to decide"),
                            ("dismissed", "a person found nothing the matter"),
                            ("upheld", "a person decided that it stands after the worker's answer"),
                        ],
                        default="shown",
                        max_length=10,
                    ),
                ),
                (
                    "score",
                    models.FloatField(help_text="How far it stands out, in standard deviations where there are such."),
                ),
                ("chance", models.FloatField(help_text="How likely one as high is if nothing is the matter.")),
                (
                    "jobs",
                    models.PositiveIntegerField(
                        help_text="In how many jobs the worker is looked at, which share the budget."
                    ),
                ),
                ("numbers", models.JSONField()),
                (
                    "choice",
                    models.CharField(
                        blank=True, default="", help_text="The choice at the place, if any.", max_length=1000
                    ),
                ),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("shown_at", models.DateTimeField(default=kernel.clock.now)),
                ("looked_at", models.DateTimeField(default=kernel.clock.now)),
                ("passed_at", models.DateTimeField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True, default="")),
                ("answered_at", models.DateTimeField(null=True)),
                ("answer", models.TextField(blank=True, default="")),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True, default="")),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "escalation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="signal", to="marketplace.escalation"
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="signals", to="marketplace.job"
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="workforce.worker"
                    ),
                ),
                (
                    "told_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "worker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="workforce.worker"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "shown")),
                        fields=("worker", "job", "name"),
                        name="one_shown_signal_per_worker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "name__in",
                                [
                                    "gold_below_chance",
                                    "too_fast",
                                    "straight_lines",
                                    "one_place",
                                    "drift",
                                    "shared_errors",
                                ],
                            )
                        ),
                        name="signal_name_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("passed_at", None), ("state", "shown"), ("told_at", None)),
                            models.Q(
                                ("decided_at", None),
                                ("passed_at__isnull", False),
                                ("state", "passed"),
                                ("told_at", None),
                            ),
                            models.Q(
                                ("answered_at", None),
                                ("decided_at", None),
                                ("passed_at", None),
                                ("state", "told"),
                                ("told_at__isnull", False),
                            ),
                            models.Q(
                                ("answered_at__isnull", False),
                                ("decided_at", None),
                                ("state", "answered"),
                                ("told_at__isnull", False),
                            ),
                            models.Q(
                                ("answered_at__isnull", False), ("decided_at__isnull", False), ("state", "upheld")
                            ),
                            models.Q(("decided_at__isnull", False), ("passed_at", None), ("state", "dismissed")),
                            _connector="OR",
                        ),
                        name="signal_state_has_its_times",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), ("told_at", None), ("told_by", None)),
                            models.Q(("told_by__isnull", False), models.Q(("reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="signal_told_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("decided_by", None), ("note", "")),
                            models.Q(("decided_by__isnull", False), models.Q(("note", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="signal_decided_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("since__lt", models.F("until"))), name="signal_window_in_order"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("chance__gte", 0.0), ("chance__lte", 1.0)), name="signal_chance_in_range"
                    ),
                ],
            },
        ),
        guard_flow("marketplace_signal", FLOW),
    ]

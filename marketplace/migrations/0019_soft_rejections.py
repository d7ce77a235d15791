"""Answers that are paid and not used: they take up no turn, and a task whose label rested on one is open again."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import WidenConstraint, append_only, change_flow, guard_audited

BEFORE = {"open": ["resolved", "in_adjudication", "void"], "in_adjudication": ["resolved", "void"]}
AFTER = {**BEFORE, "resolved": ["open"]}


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0018_work_that_is_cut_short"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SoftRejection",
            fields=[
                (
                    "assignment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="soft_rejection",
                        serialize=False,
                        to="marketplace.assignment",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("wrong", "The answer is wrong"),
                            ("instructions", "The instructions were not followed"),
                            ("unclear", "The instructions could be understood like this, and meant something else"),
                            ("item", "What the task shows cannot be judged as it was"),
                        ],
                        max_length=20,
                    ),
                ),
                ("message", models.TextField()),
                ("rejected_at", models.DateTimeField(default=kernel.clock.now)),
                (
                    "rejected_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        WidenConstraint(model_name="assignment", name="assignment_state_has_its_times"),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decided_at__isnull", True),
                        ("ordinal__isnull", False),
                        ("state", "active"),
                        ("submitted_at__isnull", True),
                    ),
                    models.Q(
                        ("decided_at__isnull", True),
                        ("ordinal__isnull", False),
                        ("review_due_at__isnull", False),
                        ("state", "submitted"),
                        ("submitted_at__isnull", False),
                    ),
                    models.Q(("decided_at__isnull", False), ("state", "accepted"), ("submitted_at__isnull", False)),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("ordinal__isnull", False),
                        ("state", "rejected"),
                        ("submitted_at__isnull", False),
                    ),
                    models.Q(
                        ("ordinal__isnull", True),
                        ("state__in", ["returned", "expired"]),
                        ("submitted_at__isnull", True),
                    ),
                    models.Q(("decided_at__isnull", True), ("state", "cut_short"), ("submitted_at__isnull", True)),
                    _connector="OR",
                ),
                name="assignment_state_has_its_times",
            ),
        ),
        change_flow("marketplace_task", before=BEFORE, after=AFTER),
        append_only("marketplace_softrejection"),
        guard_audited("marketplace_softrejection"),
    ]

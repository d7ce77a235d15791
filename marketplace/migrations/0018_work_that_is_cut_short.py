"""Work that is taken away in the middle is cut short, and its time is paid."""

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import WidenConstraint, append_only, guard_audited, guard_flow, in_place_of

BEFORE = {
    "active": ["submitted", "returned", "expired"],
    "submitted": ["accepted", "rejected"],
    "rejected": ["accepted"],
}
AFTER = {**BEFORE, "active": ["submitted", "returned", "expired", "cut_short"]}


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0017_bonuses"),
        ("workforce", "0003_identities_change_with_an_event"),
    ]

    operations = [
        migrations.CreateModel(
            name="Interruption",
            fields=[
                (
                    "assignment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="interruption",
                        serialize=False,
                        to="marketplace.assignment",
                    ),
                ),
                ("seconds", models.FloatField()),
                ("expected_seconds", models.FloatField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("why", models.TextField()),
                ("interrupted_at", models.DateTimeField(default=kernel.clock.now)),
            ],
        ),
        WidenConstraint(
            model_name="assignment",
            name="assignment_state_known",
        ),
        WidenConstraint(
            model_name="assignment",
            name="assignment_state_has_its_times",
        ),
        migrations.AlterField(
            model_name="assignment",
            name="state",
            field=models.CharField(
                choices=[
                    ("active", "Active"),
                    ("submitted", "Submitted"),
                    ("accepted", "Accepted"),
                    ("rejected", "Rejected"),
                    ("returned", "Returned"),
                    ("expired", "Expired"),
                    ("cut_short", "taken away in the middle, and its time paid"),
                ],
                default="active",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["active", "submitted", "accepted", "rejected", "returned", "expired", "cut_short"])
                ),
                name="assignment_state_known",
            ),
        ),
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
                    models.Q(
                        ("decided_at__isnull", False),
                        ("ordinal__isnull", False),
                        ("state__in", ["accepted", "rejected"]),
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
        migrations.AddConstraint(
            model_name="interruption",
            constraint=models.CheckConstraint(condition=models.Q(("amount_minor__gt", 0)), name="interruption_is_paid"),
        ),
        migrations.AddConstraint(
            model_name="interruption",
            constraint=models.CheckConstraint(
                condition=models.Q(("expected_seconds__gt", 0.0), ("seconds__gte", 0.0)), name="interruption_took_time"
            ),
        ),
        in_place_of(guard_flow("marketplace_assignment", BEFORE), guard_flow("marketplace_assignment", AFTER)),
        append_only("marketplace_interruption"),
        guard_audited("marketplace_interruption"),
    ]

"""Fees are agreed client by client, and a job may wait for its funds."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import WidenConstraint, append_only, guard_audited, guard_flow, in_place_of

BEFORE = {
    "draft": ["open", "cancelled"],
    "open": ["paused", "completed", "cancelled"],
    "paused": ["open", "completed", "cancelled"],
}
AFTER = {
    **BEFORE,
    "draft": ["open", "awaiting_funds", "cancelled"],
    "awaiting_funds": ["open", "draft", "cancelled"],
}
PRICE = ["reward_minor", "fee_minor", "currency", "fee_basis_points", "price_list"]

# A column that a trigger names cannot become longer, so the guard is away while it does.
GUARDED = guard_flow("marketplace_job", BEFORE)
UNGUARDED = migrations.RunSQL(sql=GUARDED.reverse_sql or "", reverse_sql=GUARDED.sql)


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0012_invoices"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        UNGUARDED,
        migrations.CreateModel(
            name="FeeSchedule",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("currency", models.CharField(max_length=3)),
                ("minimum_minor", models.BigIntegerField(default=0)),
                ("why", models.TextField()),
                ("set_at", models.DateTimeField(default=kernel.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="FeeTier",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("from_spent_minor", models.BigIntegerField()),
                ("basis_points", models.PositiveIntegerField()),
            ],
        ),
        WidenConstraint(
            model_name="job",
            name="job_state_known",
        ),
        WidenConstraint(
            model_name="job",
            name="job_state_has_its_times",
        ),
        WidenConstraint(
            model_name="job",
            name="job_price_is_positive",
        ),
        migrations.AddField(
            model_name="job",
            name="awaits_since",
            field=models.DateTimeField(help_text="Since when it waits for funds, if it does.", null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="fee_minimum_minor",
            field=models.BigIntegerField(default=0, help_text="The least fee for one accepted assignment."),
        ),
        migrations.AlterField(
            model_name="job",
            name="state",
            field=models.CharField(
                choices=[
                    ("draft", "Draft"),
                    ("awaiting_funds", "Awaiting Funds"),
                    ("open", "Open"),
                    ("paused", "Paused"),
                    ("completed", "Completed"),
                    ("cancelled", "Cancelled"),
                ],
                default="draft",
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state", "awaiting_funds")), fields=["awaits_since", "id"], name="job_awaiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["draft", "awaiting_funds", "open", "paused", "completed", "cancelled"])
                ),
                name="job_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("finished_at__isnull", True),
                        ("launched_at__isnull", True),
                        ("state__in", ["draft", "awaiting_funds"]),
                    ),
                    models.Q(
                        ("finished_at__isnull", True), ("launched_at__isnull", False), ("state__in", ["open", "paused"])
                    ),
                    models.Q(("finished_at__isnull", False), ("launched_at__isnull", False), ("state", "completed")),
                    models.Q(("finished_at__isnull", False), ("state", "cancelled")),
                    _connector="OR",
                ),
                name="job_state_has_its_times",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("awaits_since__isnull", False), ("state", "awaiting_funds")),
                    models.Q(models.Q(("state", "awaiting_funds"), _negated=True), ("awaits_since__isnull", True)),
                    _connector="OR",
                ),
                name="job_awaits_since_it_waits",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(("fee_minimum_minor__gte", 0), ("fee_minor__gte", 0), ("reward_minor__gt", 0)),
                name="job_price_is_positive",
            ),
        ),
        migrations.AddField(
            model_name="feeschedule",
            name="client",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="fee_schedules",
                to="marketplace.client",
            ),
        ),
        migrations.AddField(
            model_name="feeschedule",
            name="set_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="feetier",
            name="schedule",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tiers",
                to="marketplace.feeschedule",
            ),
        ),
        migrations.AddIndex(
            model_name="feeschedule",
            index=models.Index(fields=["client", "currency", "id"], name="fee_schedule_by_client"),
        ),
        migrations.AddConstraint(
            model_name="feeschedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("minimum_minor__gte", 0), ("minimum_minor__lte", 1000000)),
                name="fee_minimum_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="feetier",
            constraint=models.UniqueConstraint(
                fields=("schedule", "from_spent_minor"), name="one_fee_tier_per_spending"
            ),
        ),
        migrations.AddConstraint(
            model_name="feetier",
            constraint=models.CheckConstraint(
                condition=models.Q(("from_spent_minor__gte", 0)), name="fee_tier_counts_from_nothing"
            ),
        ),
        migrations.AddConstraint(
            model_name="feetier",
            constraint=models.CheckConstraint(
                condition=models.Q(("basis_points__lte", 10000)), name="fee_tier_share_in_range"
            ),
        ),
        guard_flow("marketplace_job", AFTER),
        append_only("marketplace_feeschedule"),
        guard_audited("marketplace_feeschedule"),
        append_only("marketplace_feetier"),
        guard_audited("marketplace_feetier"),
        in_place_of(
            guard_audited("marketplace_job", columns=PRICE),
            guard_audited("marketplace_job", columns=[*PRICE, "fee_minimum_minor"]),
        ),
    ]

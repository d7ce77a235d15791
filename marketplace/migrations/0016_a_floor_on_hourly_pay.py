"""What an hour is worth at least, what was paid to reach it, and what a job sets aside for it."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import append_only, guard_audited


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0015_predictions"),
        ("qualification", "0005_todays_gold_is_not_noticed"),
        ("workforce", "0003_identities_change_with_an_event"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "assignment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="heartbeat",
                        serialize=False,
                        to="marketplace.assignment",
                    ),
                ),
                ("beats", models.PositiveIntegerField()),
                ("last_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Lift",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "inputs",
                    models.JSONField(help_text="Floor, answers, median seconds and what was paid, as they stood."),
                ),
                ("lifted_at", models.DateTimeField(default=kernel.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="PayFloor",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("country", models.CharField(blank=True, default="", max_length=2)),
                ("currency", models.CharField(max_length=3)),
                ("hourly_minor", models.BigIntegerField()),
                ("valid_from", models.DateTimeField()),
                ("set_at", models.DateTimeField(default=kernel.clock.now)),
            ],
        ),
        migrations.AddField(
            model_name="job",
            name="reserve_basis_points",
            field=models.PositiveIntegerField(
                default=1000,
                help_text="Share of the most it can cost that is set aside to lift pay, where a floor holds.",
            ),
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
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(("reserve_basis_points__lte", 10000)), name="job_reserve_in_range"
            ),
        ),
        migrations.AddConstraint(
            model_name="heartbeat",
            constraint=models.CheckConstraint(condition=models.Q(("beats__gte", 1)), name="heartbeat_was_there"),
        ),
        migrations.AddField(
            model_name="lift",
            name="job",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="lifts", to="marketplace.job"
            ),
        ),
        migrations.AddField(
            model_name="lift",
            name="worker",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="workforce.worker"
            ),
        ),
        migrations.AddField(
            model_name="payfloor",
            name="set_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="lift",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="lift_amount_is_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="payfloor",
            constraint=models.UniqueConstraint(
                fields=("country", "currency", "valid_from"), name="one_pay_floor_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="payfloor",
            constraint=models.CheckConstraint(
                condition=models.Q(("hourly_minor__gte", 0)), name="pay_floor_is_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="payfloor",
            constraint=models.CheckConstraint(
                condition=models.Q(("country__regex", "^([A-Z]{2})?$")), name="pay_floor_country_is_iso"
            ),
        ),
        migrations.AddConstraint(
            model_name="payfloor",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="pay_floor_currency_is_iso"
            ),
        ),
        append_only("marketplace_payfloor"),
        guard_audited("marketplace_payfloor"),
        append_only("marketplace_lift"),
        guard_audited("marketplace_lift"),
    ]

"""Predictions of clients' models: rows of their own, checked against people, and accepted only under a bound."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import append_only, guard_flow


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0014_certificates"),
        ("qualification", "0005_todays_gold_is_not_noticed"),
    ]

    operations = [
        migrations.CreateModel(
            name="AutoAcceptance",
            fields=[
                (
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="auto_acceptance",
                        serialize=False,
                        to="marketplace.task",
                    ),
                ),
                ("threshold", models.FloatField()),
                ("error_bound", models.FloatField()),
                ("at", models.DateTimeField(default=kernel.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="Prediction",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("score", models.FloatField(help_text="How sure the model says it is, 0 to 1.")),
                ("result", models.JSONField()),
                ("answer_key", models.TextField()),
                ("is_audit", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="Predictor",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(blank=True, default="", max_length=100)),
                ("version", models.CharField(max_length=100)),
                (
                    "state",
                    models.CharField(
                        choices=[("measuring", "Measuring"), ("accepting", "Accepting"), ("stopped", "Stopped")],
                        default="measuring",
                        max_length=9,
                    ),
                ),
                ("right", models.PositiveIntegerField(default=0)),
                ("wrong", models.PositiveIntegerField(default=0)),
                ("confusion", models.JSONField(default=dict)),
                ("thresholds", models.JSONField(default=list)),
                ("threshold", models.FloatField(null=True)),
                ("error_bound", models.FloatField(null=True)),
                ("accepting_since", models.DateTimeField(null=True)),
                ("stopped_because", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
            ],
        ),
        migrations.AddField(
            model_name="job",
            name="allowed_error_basis_points",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="Share of errors allowed among predictions accepted without a person.", null=True
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="audit_share_basis_points",
            field=models.PositiveSmallIntegerField(
                default=1000, help_text="Share of predicted tasks that people always answer."
            ),
        ),
        migrations.AlterField(
            model_name="task",
            name="method",
            field=models.CharField(
                blank=True,
                choices=[("consensus", "Consensus"), ("adjudication", "Adjudication"), ("prediction", "Prediction")],
                default="",
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("allowed_error_basis_points__isnull", True),
                    models.Q(("allowed_error_basis_points__gte", 1), ("allowed_error_basis_points__lte", 5000)),
                    _connector="OR",
                ),
                name="job_allowed_error_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(("audit_share_basis_points__gte", 1), ("audit_share_basis_points__lte", 10000)),
                name="job_audit_share_in_range",
            ),
        ),
        migrations.AddField(
            model_name="prediction",
            name="task",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="predictions", to="marketplace.task"
            ),
        ),
        migrations.AddField(
            model_name="autoacceptance",
            name="prediction",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="acceptance", to="marketplace.prediction"
            ),
        ),
        migrations.AddField(
            model_name="predictor",
            name="job",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="predictors",
                to="marketplace.job",
            ),
        ),
        migrations.AddField(
            model_name="prediction",
            name="predictor",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="predictions",
                to="marketplace.predictor",
            ),
        ),
        migrations.CreateModel(
            name="PredictionCheck",
            fields=[
                (
                    "prediction",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="checked",
                        serialize=False,
                        to="marketplace.prediction",
                    ),
                ),
                (
                    "source",
                    models.CharField(choices=[("gold", "Gold"), ("audit", "Audit"), ("work", "Work")], max_length=5),
                ),
                ("truth_key", models.TextField()),
                ("is_right", models.BooleanField()),
                ("at", models.DateTimeField(default=kernel.clock.now)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["gold", "audit", "work"])), name="check_source_known"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="autoacceptance",
            constraint=models.CheckConstraint(
                condition=models.Q(("error_bound__gte", 0.0), ("error_bound__lte", 1.0), ("threshold__gte", 0.0)),
                name="auto_acceptance_has_its_bound",
            ),
        ),
        migrations.AddConstraint(
            model_name="predictor",
            constraint=models.UniqueConstraint(fields=("job", "name", "version"), name="one_predictor_per_version"),
        ),
        migrations.AddConstraint(
            model_name="predictor",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "measuring"), ("stopped_because", ""), ("threshold__isnull", True)),
                    models.Q(
                        ("accepting_since__isnull", False),
                        ("error_bound__isnull", False),
                        ("state", "accepting"),
                        ("stopped_because", ""),
                        ("threshold__isnull", False),
                    ),
                    models.Q(
                        ("state", "stopped"),
                        ("threshold__isnull", True),
                        models.Q(("stopped_because", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="predictor_state_has_its_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="predictor",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("error_bound__isnull", True),
                    models.Q(("error_bound__gte", 0.0), ("error_bound__lte", 1.0)),
                    _connector="OR",
                ),
                name="predictor_bound_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.UniqueConstraint(fields=("predictor", "task"), name="one_prediction_per_version"),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(("score__gte", 0.0), ("score__lte", 1.0)), name="prediction_score_in_range"
            ),
        ),
        append_only("marketplace_prediction"),
        append_only("marketplace_predictioncheck"),
        append_only("marketplace_autoacceptance"),
        guard_flow(
            "marketplace_predictor",
            {"measuring": ["accepting", "stopped"], "accepting": ["measuring", "stopped"]},
        ),
    ]

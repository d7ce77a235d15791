"""What was learnt of a job weighs its answers; confidence has its interval; clients say what becomes of unsure tasks."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0025_gold_by_use"),
        ("workforce", "0003_identities_change_with_an_event"),
    ]

    operations = [
        migrations.CreateModel(
            name="Fit",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField(help_text="Counts the fits of a job, from 1.")),
                ("parts", models.JSONField()),
                ("answers", models.PositiveIntegerField()),
                ("gold", models.PositiveIntegerField(help_text="Gold tasks among those that were answered.")),
                ("workers", models.PositiveIntegerField()),
                ("claims", models.PositiveIntegerField()),
                ("fitted_at", models.DateTimeField(default=kernel.clock.now)),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fits",
                        to="marketplace.job",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("job", "number"), name="one_fit_per_number"),
                    models.CheckConstraint(
                        condition=models.Q(("answers__gte", 1), ("number__gte", 1), ("workers__gte", 1)),
                        name="fit_has_answers",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FittedWorker",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("rates", models.JSONField()),
                (
                    "fit",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="marketplace.fit",
                    ),
                ),
                (
                    "worker",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="workforce.worker",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("fit", "worker"), name="one_row_per_fitted_worker"),
                ],
            },
        ),
        append_only("marketplace_fit"),
        migrations.AddField(
            model_name="job",
            name="label_worth_minor",
            field=models.BigIntegerField(
                blank=True, help_text="What a right label is worth; no answer is bought that promises less.", null=True
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="when_unsure",
            field=models.CharField(
                choices=[
                    ("escalate", "A person decides."),
                    ("resolve", "The label in front is given, with its honest, lower confidence."),
                ],
                db_default="escalate",
                default="escalate",
                help_text="What becomes of a task that is not sure enough when no more answers are asked for.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="task",
            name="confidence_high",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="task",
            name="confidence_low",
            field=models.FloatField(null=True),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(("when_unsure__in", ["escalate", "resolve"])), name="job_when_unsure_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(("label_worth_minor__isnull", True), ("label_worth_minor__gte", 1), _connector="OR"),
                name="job_label_worth_is_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("confidence_high__isnull", True), ("confidence_low__isnull", True)),
                    models.Q(
                        ("confidence__lte", models.F("confidence_high")),
                        ("confidence_high__lte", 1.0),
                        ("confidence_low__gte", 0.0),
                        ("confidence_low__lte", models.F("confidence")),
                    ),
                    _connector="OR",
                ),
                name="task_confidence_in_its_interval",
            ),
        ),
    ]

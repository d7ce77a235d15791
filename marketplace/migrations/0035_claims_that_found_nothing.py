"""Who asks a job for a task when none is free leaves a row, once a week."""

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    dependencies = [
        ("workforce", "0003_identities_change_with_an_event"),
        ("marketplace", "0034_functions_go_on_where_they_ended"),
    ]

    operations = [
        migrations.CreateModel(
            name="EmptyClaim",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("week", models.DateField(help_text="Its Monday (UTC).")),
                ("at", models.DateTimeField(default=kernel.clock.now)),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="marketplace.job",
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
                    models.UniqueConstraint(fields=("job", "week", "worker"), name="one_empty_claim_a_week")
                ]
            },
        ),
    ]

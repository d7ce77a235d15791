"""Labeling functions that clients define for their jobs."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0021_certificates_are_ordered"),
    ]

    operations = [
        migrations.CreateModel(
            name="LabelingFunction",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("rule", models.JSONField()),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="labeling_functions",
                        to="marketplace.job",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="labelingfunction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retired_at__isnull", True)),
                fields=("job", "name"),
                name="one_labeling_function_per_name",
            ),
        ),
        migrations.AddIndex(
            model_name="labelingfunction",
            index=models.Index(fields=["job", "created_at", "id"], name="labeling_function_by_job"),
        ),
    ]

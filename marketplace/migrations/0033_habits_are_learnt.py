"""Fits say how workers answer what is no choice, and whether that merges their answers better."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0032_models_are_weighed_by_class"),
    ]

    operations = [
        migrations.AddField(
            model_name="fit",
            name="habits",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="fittedworker",
            name="habits",
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]

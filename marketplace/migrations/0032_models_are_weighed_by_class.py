"""Predictors have their error rates by class, by which their votes are weighed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0031_sure_workers_are_asked_first"),
    ]

    operations = [
        migrations.AddField(
            model_name="predictor",
            name="error_rates",
            field=models.JSONField(null=True),
        ),
    ]

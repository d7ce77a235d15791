"""Labeling functions remember the last task that they looked at, so that silence does not hold them up."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0033_habits_are_learnt")]

    operations = [
        migrations.AddField(model_name="predictor", name="looked_until", field=models.UUIDField(null=True)),
    ]

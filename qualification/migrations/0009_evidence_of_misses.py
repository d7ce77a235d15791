"""Misses are found by their time, for the review of gold."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("qualification", "0008_gold_by_item")]

    operations = [
        migrations.AddIndex(
            model_name="scoreevidence",
            index=models.Index(condition=models.Q(correct=False), fields=["at"], name="evidence_of_misses"),
        ),
    ]

"""Turns at gold stand in the order of use, and a worker's are found without their work."""

from django.db import migrations, models

BY_USE = "UPDATE marketplace_slot SET r = (ordinal - 1 + r) / 32768 WHERE lane = 1"
BY_CHANCE = "UPDATE marketplace_slot SET r = random() WHERE lane = 1"


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0024_gold_under_review"),
        ("qualification", "0008_gold_by_item"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(condition=models.Q(("lane", 1)), fields=["worker", "job"], name="assignment_at_gold"),
        ),
        migrations.RunSQL(sql=BY_USE, reverse_sql=BY_CHANCE),
    ]

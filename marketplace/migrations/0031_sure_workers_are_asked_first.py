"""Who is sure, by the latest fit; and a part of the queue for turns at tasks that somebody was asked about already."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0030_likeness_is_calibrated"),
    ]

    operations = [
        migrations.AddField(
            model_name="fittedworker",
            name="is_sure",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name="slot",
            name="r",
            field=models.FloatField(
                help_text="Random place in the queue: 0 to 1, and 1 to 2 where the task is unsure."
            ),
        ),
    ]

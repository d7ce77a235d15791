"""A client may guess how long an answer takes, for estimates before there are any."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0006_gold_keeps_pace_with_work")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="guess_seconds",
            field=models.PositiveIntegerField(
                blank=True, help_text="How long one answer takes, as its client guesses.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("guess_seconds__isnull", True),
                    models.Q(("guess_seconds__gte", 1), ("guess_seconds__lte", 86400)),
                    _connector="OR",
                ),
                name="job_guess_in_range",
            ),
        ),
    ]

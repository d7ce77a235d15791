"""Beside a score stands its lower bound without today's hidden gold: what claims may be refused by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("qualification", "0004_certifications_change_with_an_event")]

    operations = [
        migrations.AddField(
            model_name="score",
            name="gold_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="score",
            name="bound_without_gold",
            field=models.FloatField(null=True),
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("bound_without_gold__isnull", True), ("gold_on__isnull", True)),
                    models.Q(
                        ("bound_without_gold__gte", 0.0),
                        ("bound_without_gold__lte", 1.0),
                        ("gold_on__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="score_gold_day_has_its_bound",
            ),
        ),
    ]

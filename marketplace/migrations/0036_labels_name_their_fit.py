"""Tasks say which fit of their job weighed the answers that made their label."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0035_claims_that_found_nothing"),
    ]

    operations = [
        migrations.AddField(
            model_name="task",
            name="fit_number",
            field=models.PositiveIntegerField(help_text="Of the job's fits, which weighed the answers.", null=True),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("fit_number__isnull", True),
                    models.Q(("confidence__isnull", False), ("fit_number__gte", 1)),
                    _connector="OR",
                ),
                name="task_fit_weighed_its_answers",
            ),
        ),
    ]

"""A job that waits for funds says what else keeps it from starting."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0026_fits")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="held_up_because",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="What else than funds keeps it from starting while it waits.",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=Q(state="awaiting_funds") | Q(held_up_because=""), name="job_is_held_up_while_it_waits"
            ),
        ),
    ]

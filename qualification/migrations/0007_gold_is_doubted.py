"""Gold that good workers miss too often is asked no more until a person has kept or recalled it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("qualification", "0006_gold_is_recalled")]

    operations = [
        migrations.AddField(
            model_name="goldquestion",
            name="doubted_at",
            field=models.DateTimeField(help_text="Since when it is asked no more, until a person decides.", null=True),
        ),
        migrations.AddField(
            model_name="goldquestion",
            name="kept_at",
            field=models.DateTimeField(help_text="When a person last kept it, though it was doubted.", null=True),
        ),
    ]

"""Fits say how likely merged answers are right, from how alike they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0029_what_is_noted"),
    ]

    operations = [
        migrations.AddField(
            model_name="fit",
            name="resemblance",
            field=models.JSONField(null=True),
        ),
    ]

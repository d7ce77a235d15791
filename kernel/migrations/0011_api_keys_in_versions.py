"""API keys that replace others."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0010_email_links"),
    ]

    operations = [
        migrations.AddField(
            "apikey",
            "replaces",
            models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="replaced_by",
                to="kernel.apikey",
            ),
        ),
    ]

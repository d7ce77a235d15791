"""What a session has shown, what an API key may do, and which addresses are known to reach their person."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0002_one_account_for_each_address"),
    ]

    operations = [
        migrations.AddField("session", "second_factor_at", models.DateTimeField(null=True)),
        migrations.AddField("session", "fresh_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "apikey",
            "scopes",
            django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
        ),
        migrations.AddField(
            "user",
            "email_verified_at",
            models.DateTimeField(null=True, help_text="When they showed that mail to this address reaches them."),
        ),
        # Admins were made on the command line, by somebody who knows them.
        migrations.RunSQL(
            "UPDATE kernel_user SET email_verified_at = joined_at WHERE is_staff", migrations.RunSQL.noop
        ),
    ]

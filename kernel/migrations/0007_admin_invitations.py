"""Invitations to become an admin."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0006_media"),
    ]

    operations = [
        migrations.CreateModel(
            name="AdminInvitation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("token_sha256", models.CharField(max_length=64, unique=True)),
                ("roles", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ("invited_at", models.DateTimeField(default=kernel.clock.now)),
                ("expires_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("redeemed_at", models.DateTimeField(null=True)),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "redeemed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("redeemed_at", None), ("redeemed_by", None)),
                            models.Q(
                                ("redeemed_at__isnull", False), ("redeemed_by__isnull", False), ("withdrawn_at", None)
                            ),
                            _connector="OR",
                        ),
                        name="admin_invitation_redeemed_or_withdrawn",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("roles__len__gt", 0)), name="admin_invitation_to_something"
                    ),
                ],
            },
        ),
    ]

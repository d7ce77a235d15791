"""Links in mails: confirming an address, another password, another address."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0009_audit_that_proves_itself"),
    ]

    operations = [
        migrations.CreateModel(
            name="EmailLink",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("confirm", "showing that mail reaches its person"),
                            ("known", "telling somebody who signs up again that they are here already"),
                            ("reset", "choosing another password"),
                            ("change", "being reached at another address"),
                        ],
                        max_length=10,
                    ),
                ),
                ("email", models.EmailField(blank=True, default="", max_length=254)),
                ("email_before", models.EmailField(blank=True, default="", max_length=254)),
                ("token_sha256", models.CharField(blank=True, default="", max_length=64)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("asked_at", models.DateTimeField(db_index=True, default=kernel.clock.now)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("void_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="email_links",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("purpose__in", ["confirm", "known", "reset", "change"])),
                        name="email_link_purpose_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("used_at", None), models.Q(("token_sha256", ""), _negated=True), _connector="OR"
                        ),
                        name="email_link_used_has_its_token",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("token_sha256", ""), _negated=True),
                        fields=("token_sha256",),
                        name="email_link_token_unique",
                    ),
                ],
            },
        ),
    ]

"""What people are asked to prove in a second step, and the keys that seal their second factors."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0003_fresh_sessions_scoped_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="Challenge",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("sign_in", "the second step of a sign-in"),
                            ("step_up", "being there still"),
                            ("new_totp", "an authenticator app that is added"),
                            ("new_webauthn", "a security key that is added"),
                        ],
                        max_length=20,
                    ),
                ),
                ("token_sha256", models.CharField(max_length=64, unique=True)),
                ("state", models.JSONField(default=dict)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField(db_index=True, default=kernel.clock.now)),
                ("expires_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="challenges",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("purpose__in", ["sign_in", "step_up", "new_totp", "new_webauthn"])),
                        name="challenge_purpose_known",
                    )
                ],
            },
        ),
        migrations.RemoveConstraint("subjectkey", "subject_key_purpose_known"),
        migrations.AlterField(
            "subjectkey",
            "purpose",
            models.CharField(
                choices=[
                    ("profile", "what a person may have erased"),
                    ("statutory", "what tax law makes us keep"),
                    ("blind_index", "equality look-up"),
                    ("pseudonym", "names that clients see"),
                    ("second_factor", "what proves a person beside their password"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            "subjectkey",
            models.CheckConstraint(
                condition=models.Q(
                    ("purpose__in", ["profile", "statutory", "blind_index", "pseudonym", "second_factor"])
                ),
                name="subject_key_purpose_known",
            ),
        ),
    ]

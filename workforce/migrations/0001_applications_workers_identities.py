"""Applications, workers, and who they are (sealed)."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("kernel", "0001_users_audit_outbox"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Application",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("submitted", "Submitted"), ("approved", "Approved"), ("declined", "Declined")],
                        default="submitted",
                        max_length=10,
                    ),
                ),
                ("country", models.CharField(help_text="ISO 3166-1 alpha-2.", max_length=2)),
                ("languages", models.JSONField(help_text="Codes such as en or pt-BR, the best spoken first.")),
                (
                    "note",
                    models.TextField(
                        blank=True, default="", help_text="What the person wants to say about themselves."
                    ),
                ),
                ("terms_version", models.CharField(help_text="The terms that the person accepted.", max_length=20)),
                ("submitted_at", models.DateTimeField(default=kernel.clock.now)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.TextField(blank=True, default="", help_text="Shown to the person.")),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Identity",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("region", models.CharField(max_length=30)),
                ("legal_name", models.BinaryField()),
                ("address", models.BinaryField()),
                ("birth_date", models.BinaryField()),
                ("tax_id", models.BinaryField(null=True)),
                ("tax_copy", models.BinaryField(null=True)),
                (
                    "tax_id_index",
                    models.CharField(blank=True, default="", help_text="Blind index of the tax id.", max_length=64),
                ),
                ("stored_at", models.DateTimeField(default=kernel.clock.now)),
                (
                    "profile_key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="kernel.subjectkey"
                    ),
                ),
                (
                    "statutory_key",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="kernel.subjectkey"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "identities",
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("country", models.CharField(help_text="ISO 3166-1 alpha-2.", max_length=2)),
                ("languages", models.JSONField(help_text="Codes such as en or pt-BR, the best spoken first.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("paused", "Paused"),
                            ("suspended", "Suspended"),
                            ("offboarded", "Offboarded"),
                        ],
                        default="active",
                        max_length=12,
                    ),
                ),
                ("standing_since", models.DateTimeField(default=kernel.clock.now)),
                ("standing_reason", models.TextField(blank=True, default="", help_text="Shown to the worker.")),
                ("paused_until", models.DateTimeField(null=True)),
                ("applied_at", models.DateTimeField()),
                ("approved_at", models.DateTimeField(default=kernel.clock.now)),
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="workforce.application"
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="worker", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="application",
            index=models.Index(fields=["state", "submitted_at", "id"], name="applications_by_state"),
        ),
        migrations.AddIndex(
            model_name="application",
            index=models.Index(fields=["user", "submitted_at"], name="applications_of_user"),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "submitted")), fields=("user",), name="one_open_application"
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("state", "submitted")),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("state__in", ["approved", "declined"]),
                    ),
                    _connector="OR",
                ),
                name="application_state_fits_its_decision",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by__isnull", True),
                    models.Q(("decided_by", models.F("user")), _negated=True),
                    _connector="OR",
                ),
                name="nobody_decides_about_themselves",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "declined"), _negated=True),
                    models.Q(("decision_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="declined_application_has_a_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("tax_id_index", ""), _negated=True),
                fields=["tax_id_index"],
                name="identities_by_tax_id",
            ),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("statutory_key__isnull", True),
                        ("tax_copy__isnull", True),
                        ("tax_id__isnull", True),
                        ("tax_id_index", ""),
                    ),
                    models.Q(
                        ("statutory_key__isnull", False),
                        ("tax_copy__isnull", False),
                        ("tax_id__isnull", False),
                        models.Q(("tax_id_index", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="tax_columns_come_together",
            ),
        ),
        migrations.AddIndex(
            model_name="worker",
            index=models.Index(
                condition=models.Q(("state", "paused")), fields=["paused_until", "id"], name="workers_by_end_of_pause"
            ),
        ),
        migrations.AddIndex(
            model_name="worker",
            index=models.Index(fields=["approved_at", "id"], name="workers_by_approval"),
        ),
        migrations.AddConstraint(
            model_name="worker",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("paused_until__isnull", False), ("state", "paused")),
                    models.Q(("paused_until__isnull", True), ("state__in", ["active", "suspended", "offboarded"])),
                    _connector="OR",
                ),
                name="only_a_paused_worker_has_an_end_of_pause",
            ),
        ),
        migrations.AddConstraint(
            model_name="worker",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "active"), models.Q(("standing_reason", ""), _negated=True), _connector="OR"
                ),
                name="adverse_standing_has_a_reason",
            ),
        ),
    ]

"""Invitations, whose states and rights change only as they may, and with an audit event."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import guard_audited, guard_flow


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0004_rights_and_prices_change_with_an_event"),
        ("kernel", "0009_audit_that_proves_itself"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("member", "Member"),
                            ("viewer", "Viewer"),
                            ("reviewer", "Reviewer"),
                            ("manager", "Manager"),
                        ],
                        max_length=10,
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=254)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("accepted", "Accepted"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                            ("expired", "Expired"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
                ("expires_at", models.DateTimeField()),
                ("mailed_at", models.DateTimeField(help_text="When the mail that tells of it went out.", null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "accepted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invitations", to="marketplace.client"
                    ),
                ),
                (
                    "invited_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invitations",
                        to="marketplace.job",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["email", "created_at"], name="invitation_by_address"),
                    models.Index(condition=models.Q(("state", "open")), fields=["expires_at"], name="invitation_due"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("job__isnull", True), ("state", "open")),
                        fields=("client", "email"),
                        name="one_open_invitation_to_a_client",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("job__isnull", False), ("state", "open")),
                        fields=("job", "email"),
                        name="one_open_invitation_to_a_job",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["open", "accepted", "declined", "withdrawn", "expired"])),
                        name="invitation_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("accepted_by__isnull", True), ("ended_at__isnull", True), ("state", "open")),
                            models.Q(
                                ("accepted_by__isnull", False), ("ended_at__isnull", False), ("state", "accepted")
                            ),
                            models.Q(
                                ("accepted_by__isnull", True),
                                ("ended_at__isnull", False),
                                ("state__in", ["declined", "withdrawn", "expired"]),
                            ),
                            _connector="OR",
                        ),
                        name="invitation_state_has_its_times",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("job__isnull", True), ("role__in", ["owner", "member"])),
                            models.Q(("job__isnull", False), ("role__in", ["viewer", "reviewer", "manager"])),
                            _connector="OR",
                        ),
                        name="invitation_to_what_its_role_is_for",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "email__regex",
                                "^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9-]+\\.)+[a-z0-9-]+$",
                            ),
                            ("email", ""),
                            _connector="OR",
                        ),
                        name="invitation_email_canonical_or_forgotten",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("email", ""), ("state", "open"), _negated=True),
                        name="open_invitation_has_its_email",
                    ),
                ],
            },
        ),
        guard_flow("marketplace_invitation", {"open": ["accepted", "declined", "withdrawn", "expired"]}),
        guard_audited("marketplace_invitation"),
    ]

"""Clients order certificates of their jobs."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0020_signals"),
    ]

    operations = [
        migrations.CreateModel(
            name="CertificateOrder",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "target_basis_points",
                    models.PositiveSmallIntegerField(help_text="The share of labels that is to be right."),
                ),
                ("assurance_basis_points", models.PositiveSmallIntegerField(help_text="How sure that must be.")),
                (
                    "per_class",
                    models.BooleanField(help_text="Of the labels of each class, not only of all together."),
                ),
                ("ordered_at", models.DateTimeField(default=kernel.clock.now)),
                ("refused_because", models.TextField(blank=True, default="")),
                (
                    "certificate",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="order",
                        to="marketplace.certificate",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="certificate_orders",
                        to="marketplace.job",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="certificateorder",
            constraint=models.UniqueConstraint(
                condition=models.Q(("certificate__isnull", True), ("refused_because", "")),
                fields=("job",),
                name="one_waiting_certificate_order_per_job",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificateorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("assurance_basis_points__gte", 5000),
                    ("assurance_basis_points__lte", 9900),
                    ("target_basis_points__gte", 5000),
                    ("target_basis_points__lte", 9900),
                ),
                name="certificate_order_terms_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificateorder",
            constraint=models.CheckConstraint(
                condition=models.Q(("certificate__isnull", True), ("refused_because", ""), _connector="OR"),
                name="certificate_order_has_one_end",
            ),
        ),
    ]

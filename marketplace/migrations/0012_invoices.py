"""Invoices: facts, numbered without gaps, each with an audit event."""

import uuid

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

import kernel.clock
from kernel.migration_operations import append_only, guard_audited

NO_GAPS = migrations.RunSQL(
    sql="""
        CREATE FUNCTION require_next_invoice_number() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE last bigint := (SELECT coalesce(max(number), 0) FROM marketplace_invoice);
        BEGIN
            IF NEW.number <> last + 1 THEN
                RAISE EXCEPTION 'The next invoice has the number %, and not %.', last + 1, NEW.number
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER marketplace_invoice_leaves_no_gap BEFORE INSERT ON marketplace_invoice
            FOR EACH ROW EXECUTE FUNCTION require_next_invoice_number();
    """,
    reverse_sql="""
        DROP TRIGGER marketplace_invoice_leaves_no_gap ON marketplace_invoice;
        DROP FUNCTION require_next_invoice_number();
    """,
)


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0011_rejections_break_off"),
    ]

    operations = [
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "number",
                    models.PositiveIntegerField(help_text="Counts up over all clients, without gaps.", unique=True),
                ),
                ("client_name", models.CharField(help_text="As it was when this was issued.", max_length=120)),
                ("client_country", models.CharField(max_length=2)),
                ("month", models.CharField(max_length=7)),
                ("currency", models.CharField(max_length=3)),
                ("lines", models.JSONField()),
                ("pay_minor", models.BigIntegerField(help_text="What went to workers.")),
                ("fees_minor", models.BigIntegerField(help_text="What the platform took for it.")),
                ("total_minor", models.BigIntegerField()),
                ("issued_at", models.DateTimeField(default=kernel.clock.now)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="marketplace.client"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["client", "number"], name="invoice_by_client")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("client", "month", "currency"), name="one_invoice_per_month_and_currency"
                    ),
                    models.CheckConstraint(condition=Q(number__gte=1), name="invoice_number_is_positive"),
                    models.CheckConstraint(
                        condition=Q(total_minor=F("pay_minor") + F("fees_minor")), name="invoice_total_is_its_parts"
                    ),
                    models.CheckConstraint(
                        condition=Q(month__regex="^[0-9]{4}-(0[1-9]|1[0-2])$"), name="invoice_month_is_one"
                    ),
                ],
            },
        ),
        append_only("marketplace_invoice"),
        NO_GAPS,
        guard_audited("marketplace_invoice"),
    ]

"""Workers appeal against rejections; what was said there stands, and what nobody decides in time is flagged."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import WidenConstraint, guard_audited, guard_flow

KEEP_WORDS = migrations.RunSQL(
    sql="""
        CREATE FUNCTION refuse_other_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'What was said in a row of % stands, and it is kept: % is refused.', TG_TABLE_NAME, TG_OP
                USING ERRCODE = 'restrict_violation';
        END $$;
        CREATE TRIGGER a_rejection_stands BEFORE UPDATE ON marketplace_rejection
            FOR EACH ROW WHEN (
                (OLD.assignment_id, OLD.reason, OLD.message, OLD.rejected_by_id, OLD.rejected_at, OLD.reversible_until)
                IS DISTINCT FROM
                (NEW.assignment_id, NEW.reason, NEW.message, NEW.rejected_by_id, NEW.rejected_at, NEW.reversible_until)
                OR OLD.reversed_at IS NOT NULL
            ) EXECUTE FUNCTION refuse_other_words();
        CREATE TRIGGER rejections_are_kept BEFORE DELETE ON marketplace_rejection
            FOR EACH ROW EXECUTE FUNCTION refuse_other_words();
        CREATE TRIGGER an_appeal_stands BEFORE UPDATE ON marketplace_appeal
            FOR EACH ROW WHEN (
                (OLD.rejection_id, OLD.escalation_id, OLD.text, OLD.appealed_at, OLD.due_at)
                IS DISTINCT FROM (NEW.rejection_id, NEW.escalation_id, NEW.text, NEW.appealed_at, NEW.due_at)
                OR OLD.decided_at IS NOT NULL
            ) EXECUTE FUNCTION refuse_other_words();
        CREATE TRIGGER appeals_are_kept BEFORE DELETE ON marketplace_appeal
            FOR EACH ROW EXECUTE FUNCTION refuse_other_words();
    """,
    reverse_sql="""
        DROP TRIGGER a_rejection_stands ON marketplace_rejection;
        DROP TRIGGER rejections_are_kept ON marketplace_rejection;
        DROP TRIGGER an_appeal_stands ON marketplace_appeal;
        DROP TRIGGER appeals_are_kept ON marketplace_appeal;
        DROP FUNCTION refuse_other_words();
    """,
)


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0009_prices_by_band_and_score"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Appeal",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("upheld", "the rejection stands"),
                            ("reversed", "the rejection was taken back"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("text", models.TextField()),
                ("appealed_at", models.DateTimeField(default=kernel.clock.now)),
                ("due_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True, default="")),
            ],
        ),
        WidenConstraint(
            model_name="rejection",
            name="rejection_reversed_by_somebody",
        ),
        migrations.AddField(
            model_name="escalation",
            name="overdue_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="escalation",
            name="kind",
            field=models.CharField(
                choices=[
                    ("no_consensus", "No Consensus"),
                    ("decertification", "Decertification"),
                    ("failed_payout", "Failed Payout"),
                    ("dispute", "Dispute"),
                    ("appeal", "Appeal"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="rejection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reversed_at__isnull", False),
                    models.Q(("reversal_why", ""), ("reversed_by__isnull", True)),
                    _connector="OR",
                ),
                name="rejection_reversed_at_a_time",
            ),
        ),
        migrations.AddField(
            model_name="appeal",
            name="decided_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="appeal",
            name="escalation",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="appeal", to="marketplace.escalation"
            ),
        ),
        migrations.AddField(
            model_name="appeal",
            name="rejection",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="appeal", to="marketplace.rejection"
            ),
        ),
        migrations.AddIndex(
            model_name="appeal",
            index=models.Index(condition=models.Q(("state", "open")), fields=["due_at", "id"], name="appeal_due"),
        ),
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "upheld", "reversed"])), name="appeal_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("state", "open")),
                    models.Q(("decided_at__isnull", False), ("decided_by__isnull", False), ("state", "upheld")),
                    models.Q(("decided_at__isnull", False), ("state", "reversed")),
                    _connector="OR",
                ),
                name="appeal_state_has_its_times",
            ),
        ),
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_at__gt", models.F("appealed_at"))), name="appeal_has_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "upheld"), _negated=True),
                    ("decided_at__lt", models.F("due_at")),
                    _connector="OR",
                ),
                name="appeal_upheld_in_time",
            ),
        ),
        guard_flow("marketplace_appeal", {"open": ["upheld", "reversed"]}),
        guard_audited("marketplace_appeal"),
        KEEP_WORDS,
    ]

"""Rejections that go too far break off until a person has looked."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import guard_audited, guard_flow

FREEZE_REJECTIONS = migrations.RunSQL(
    sql="""
        CREATE FUNCTION refuse_rejection_past_a_breaker() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM marketplace_breaker breaker
                JOIN marketplace_assignment turn ON turn.job_id = breaker.job_id
                WHERE turn.id = NEW.assignment_id AND breaker.state = 'tripped'
            ) THEN
                RAISE EXCEPTION 'Rejections in this job are frozen.' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER rejections_are_frozen BEFORE INSERT ON marketplace_rejection
            FOR EACH ROW EXECUTE FUNCTION refuse_rejection_past_a_breaker();
        CREATE TRIGGER a_rejection_keeps_its_evidence BEFORE UPDATE ON marketplace_rejection
            FOR EACH ROW WHEN (
                OLD.contradicts <> NEW.contradicts
                OR OLD.breaker_id IS NOT NULL AND OLD.breaker_id IS DISTINCT FROM NEW.breaker_id
            ) EXECUTE FUNCTION refuse_other_words();
        CREATE TRIGGER what_a_breaker_saw_stands BEFORE UPDATE ON marketplace_breaker
            FOR EACH ROW WHEN (
                (OLD.job_id, OLD.escalation_id, OLD.rule, OLD.version, OLD.inputs, OLD.tripped_at)
                IS DISTINCT FROM (NEW.job_id, NEW.escalation_id, NEW.rule, NEW.version, NEW.inputs, NEW.tripped_at)
                OR OLD.decided_at IS NOT NULL
            ) EXECUTE FUNCTION refuse_other_words();
        CREATE TRIGGER breakers_are_kept BEFORE DELETE ON marketplace_breaker
            FOR EACH ROW EXECUTE FUNCTION refuse_other_words();
    """,
    reverse_sql="""
        DROP TRIGGER rejections_are_frozen ON marketplace_rejection;
        DROP FUNCTION refuse_rejection_past_a_breaker();
        DROP TRIGGER a_rejection_keeps_its_evidence ON marketplace_rejection;
        DROP TRIGGER what_a_breaker_saw_stands ON marketplace_breaker;
        DROP TRIGGER breakers_are_kept ON marketplace_breaker;
    """,
)


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0010_appeals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="rejection",
            name="contradicts",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "nothing is known that speaks for the answer"),
                    ("consensus", "the others' answers alone reach the same label"),
                    ("adjudication", "a person decided for the same label"),
                    ("gold", "the right answer is known, and is this one"),
                ],
                default="",
                max_length=12,
            ),
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
                    ("rejection_breaker", "Rejection Breaker"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="Breaker",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("tripped", "Tripped"),
                            ("reset", "the rejections stand, and there may be others"),
                            ("reversed", "the rejections were taken back"),
                        ],
                        default="tripped",
                        max_length=10,
                    ),
                ),
                ("rule", models.CharField(max_length=40)),
                ("version", models.PositiveSmallIntegerField()),
                ("inputs", models.JSONField()),
                ("tripped_at", models.DateTimeField(default=kernel.clock.now)),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True, default="")),
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
                    "escalation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="breaker", to="marketplace.escalation"
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="breakers", to="marketplace.job"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="rejection",
            name="breaker",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rejections",
                to="marketplace.breaker",
            ),
        ),
        migrations.AddIndex(
            model_name="rejection",
            index=models.Index(
                condition=models.Q(("breaker__isnull", False)), fields=["breaker"], name="rejection_of_breaker"
            ),
        ),
        migrations.AddConstraint(
            model_name="breaker",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "tripped")), fields=("job",), name="one_tripped_breaker_per_job"
            ),
        ),
        migrations.AddConstraint(
            model_name="breaker",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["tripped", "reset", "reversed"])), name="breaker_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="breaker",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("state", "tripped")),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("state__in", ["reset", "reversed"]),
                    ),
                    _connector="OR",
                ),
                name="breaker_state_has_its_times",
            ),
        ),
        guard_flow("marketplace_breaker", {"tripped": ["reset", "reversed"]}),
        guard_audited("marketplace_breaker"),
        FREEZE_REJECTIONS,
    ]

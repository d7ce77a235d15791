"""What is promised of a job's labels, and the inspections that it rests on; what was found stands."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock

KEEP_FINDINGS = migrations.RunSQL(
    sql="""
        CREATE FUNCTION refuse_other_findings() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'What was drawn, found and signed in % stands: % is refused.', TG_TABLE_NAME, TG_OP
                USING ERRCODE = 'restrict_violation';
        END $$;
        CREATE TRIGGER an_inspection_stands BEFORE UPDATE ON marketplace_inspection
            FOR EACH ROW WHEN (
                (OLD.certificate_id, OLD.escalation_id, OLD.task_id, OLD.label, OLD.position, OLD.drawn, OLD.said_key)
                IS DISTINCT FROM
                (NEW.certificate_id, NEW.escalation_id, NEW.task_id, NEW.label, NEW.position, NEW.drawn, NEW.said_key)
                OR OLD.found_at IS NOT NULL
            ) EXECUTE FUNCTION refuse_other_findings();
        CREATE TRIGGER inspections_are_kept BEFORE DELETE ON marketplace_inspection
            FOR EACH ROW EXECUTE FUNCTION refuse_other_findings();
        CREATE TRIGGER a_certificate_stands BEFORE UPDATE ON marketplace_certificate
            FOR EACH ROW WHEN (
                (OLD.job_id, OLD.target_basis_points, OLD.assurance_basis_points, OLD.classes, OLD.seed, OLD.begun_at)
                IS DISTINCT FROM
                (NEW.job_id, NEW.target_basis_points, NEW.assurance_basis_points, NEW.classes, NEW.seed, NEW.begun_at)
                OR OLD.issued_at IS NOT NULL
            ) EXECUTE FUNCTION refuse_other_findings();
        CREATE TRIGGER certificates_are_kept BEFORE DELETE ON marketplace_certificate
            FOR EACH ROW EXECUTE FUNCTION refuse_other_findings();
    """,
    reverse_sql="""
        DROP TRIGGER an_inspection_stands ON marketplace_inspection;
        DROP TRIGGER inspections_are_kept ON marketplace_inspection;
        DROP TRIGGER a_certificate_stands ON marketplace_certificate;
        DROP TRIGGER certificates_are_kept ON marketplace_certificate;
        DROP FUNCTION refuse_other_findings();
    """,
)


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0013_fees_and_waiting_for_funds"),
    ]

    operations = [
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
                    ("inspection", "Inspection"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="Certificate",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "target_basis_points",
                    models.PositiveSmallIntegerField(help_text="The share of labels that is to be right."),
                ),
                ("assurance_basis_points", models.PositiveSmallIntegerField(help_text="How sure that must be.")),
                ("classes", models.JSONField()),
                ("seed", models.CharField(max_length=64)),
                ("begun_at", models.DateTimeField(default=kernel.clock.now)),
                ("issued_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True, default="", help_text="The certificate as it was signed.")),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="certificates", to="marketplace.job"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Inspection",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("label", models.TextField(blank=True)),
                ("position", models.PositiveIntegerField()),
                (
                    "drawn",
                    models.BooleanField(help_text="At random; else because the label was among the least sure ones."),
                ),
                ("said_key", models.TextField()),
                ("found_key", models.TextField(blank=True, default="")),
                ("found_at", models.DateTimeField(null=True)),
                (
                    "certificate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inspections",
                        to="marketplace.certificate",
                    ),
                ),
                (
                    "escalation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inspection",
                        to="marketplace.escalation",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="inspections", to="marketplace.task"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.UniqueConstraint(
                condition=models.Q(("issued_at__isnull", True)),
                fields=("job",),
                name="one_certificate_in_the_making_per_job",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("assurance_basis_points__gte", 5000),
                    ("assurance_basis_points__lt", 10000),
                    ("target_basis_points__gte", 5000),
                    ("target_basis_points__lt", 10000),
                ),
                name="certificate_terms_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("issued_at__isnull", True), ("note", "")),
                    models.Q(("issued_at__isnull", False), models.Q(("note", ""), _negated=True)),
                    _connector="OR",
                ),
                name="certificate_issued_is_signed",
            ),
        ),
        migrations.AddConstraint(
            model_name="inspection",
            constraint=models.UniqueConstraint(fields=("certificate", "task"), name="one_inspection_per_task"),
        ),
        migrations.AddConstraint(
            model_name="inspection",
            constraint=models.UniqueConstraint(fields=("certificate", "position"), name="one_inspection_per_position"),
        ),
        migrations.AddConstraint(
            model_name="inspection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("found_at__isnull", True), ("found_key", "")),
                    models.Q(("found_at__isnull", False), models.Q(("found_key", ""), _negated=True)),
                    _connector="OR",
                ),
                name="inspection_found_something",
            ),
        ),
        KEEP_FINDINGS,
    ]

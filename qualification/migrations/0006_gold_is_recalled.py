"""Gold that was wrong is recalled: evidence is withdrawn, exams are marked anew, falls are lifted."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import append_only, change_flow, guard_audited, guard_flow

BEFORE = {"started": ["passed", "failed", "abandoned"]}
AFTER = {**BEFORE, "failed": ["passed"]}

# Only an exam that failed changes once it is over, only to passed, and only to what a remark says.
A_REMARK_CORRECTS = """
    CREATE OR REPLACE FUNCTION refuse_change_of_exam() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_TABLE_NAME = 'qualification_exam' THEN
            IF OLD.state = 'failed' AND NEW.state = 'passed'
               AND (NEW.worker_id, NEW.skill_id, NEW.questions, NEW.pass_mark_basis_points, NEW.started_at, NEW.due_at,
                    NEW.finished_at)
                   IS NOT DISTINCT FROM
                   (OLD.worker_id, OLD.skill_id, OLD.questions, OLD.pass_mark_basis_points, OLD.started_at, OLD.due_at,
                    OLD.finished_at)
               AND EXISTS (SELECT FROM qualification_examremark remark
                           WHERE remark.exam_id = NEW.id AND remark.score_basis_points = NEW.score_basis_points)
            THEN
                RETURN NEW;
            END IF;
        END IF;
        RAISE EXCEPTION 'What an exam asked, was answered and came to stands: % is refused.', TG_OP
            USING ERRCODE = 'restrict_violation';
    END $$;
"""
NOTHING_CORRECTS = """
    CREATE OR REPLACE FUNCTION refuse_change_of_exam() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'What an exam asked, was answered and came to stands: % is refused.', TG_OP
            USING ERRCODE = 'restrict_violation';
    END $$;
"""

RECALLS_STAND = """
    CREATE FUNCTION refuse_change_of_recall() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'A recall stands as it was made: % is refused.', TG_OP USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE TRIGGER a_recall_stands BEFORE UPDATE ON qualification_goldrecall
        FOR EACH ROW WHEN (
            (OLD.id, OLD.gold_question_id, OLD.why, OLD.recalled_by_id, OLD.recalled_at)
            IS DISTINCT FROM (NEW.id, NEW.gold_question_id, NEW.why, NEW.recalled_by_id, NEW.recalled_at)
        ) EXECUTE FUNCTION refuse_change_of_recall();
    CREATE TRIGGER recalls_are_kept BEFORE DELETE ON qualification_goldrecall
        FOR EACH ROW EXECUTE FUNCTION refuse_change_of_recall();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("qualification", "0005_todays_gold_is_not_noticed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GoldRecall",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "gold_question",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recall",
                        to="qualification.goldquestion",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("replaying", "Replaying"), ("replayed", "Replayed")],
                        default="replaying",
                        max_length=10,
                    ),
                ),
                ("why", models.TextField()),
                (
                    "recalled_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("recalled_at", models.DateTimeField(default=kernel.clock.now)),
                ("evidence_withdrawn_at", models.DateTimeField(null=True)),
                ("replayed_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "replaying")),
                        fields=["recalled_at", "id"],
                        name="recall_to_replay",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["replaying", "replayed"])), name="recall_state_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("replayed_at__isnull", True), ("state", "replaying")),
                            models.Q(
                                ("evidence_withdrawn_at__isnull", False),
                                ("replayed_at__isnull", False),
                                ("state", "replayed"),
                            ),
                            _connector="OR",
                        ),
                        name="recall_state_has_its_times",
                    ),
                    models.CheckConstraint(condition=models.Q(("why", ""), _negated=True), name="recall_has_a_reason"),
                ],
            },
        ),
        migrations.CreateModel(
            name="WithdrawnEvidence",
            fields=[
                (
                    "evidence",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="withdrawal",
                        serialize=False,
                        to="qualification.scoreevidence",
                    ),
                ),
                (
                    "recall",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="withdrawn",
                        to="qualification.goldrecall",
                    ),
                ),
                ("at", models.DateTimeField(default=kernel.clock.now)),
            ],
            options={"verbose_name_plural": "withdrawn evidence"},
        ),
        migrations.CreateModel(
            name="ExamRemark",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "exam",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="remarks",
                        to="qualification.exam",
                    ),
                ),
                (
                    "recall",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="remarks",
                        to="qualification.goldrecall",
                    ),
                ),
                ("questions", models.PositiveSmallIntegerField(help_text="How many are left.")),
                ("right", models.PositiveSmallIntegerField()),
                ("score_basis_points", models.PositiveSmallIntegerField(null=True)),
                ("at", models.DateTimeField(default=kernel.clock.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("exam", "recall"), name="one_remark_per_recall"),
                    models.CheckConstraint(
                        condition=models.Q(("right__lte", models.F("questions"))), name="remark_counts_in_order"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("questions", 0), ("score_basis_points__isnull", True)),
                            models.Q(("questions__gte", 1), ("score_basis_points__lte", 10_000)),
                            _connector="OR",
                        ),
                        name="remark_has_its_score",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="scorefall",
            name="lifted_by",
            field=models.ForeignKey(
                help_text="Without the gold that was recalled it would not have been.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lifted_falls",
                to="qualification.goldrecall",
            ),
        ),
        migrations.AddConstraint(
            model_name="scorefall",
            constraint=models.CheckConstraint(
                condition=models.Q(("lifted_by__isnull", True), ("risen_at__isnull", False), _connector="OR"),
                name="fall_that_was_lifted_has_risen",
            ),
        ),
        append_only("qualification_withdrawnevidence"),
        append_only("qualification_examremark"),
        guard_flow("qualification_goldrecall", {"replaying": ["replayed"]}),
        guard_audited("qualification_goldrecall"),
        change_flow("qualification_exam", before=BEFORE, after=AFTER),
        migrations.RunSQL(sql=A_REMARK_CORRECTS, reverse_sql=NOTHING_CORRECTS),
        migrations.RunSQL(
            sql=RECALLS_STAND,
            reverse_sql="""
                DROP TRIGGER a_recall_stands ON qualification_goldrecall;
                DROP TRIGGER recalls_are_kept ON qualification_goldrecall;
                DROP FUNCTION refuse_change_of_recall();
            """,
        ),
    ]

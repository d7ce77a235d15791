"""Labels are weighed again where scores moved by a recall, and go back to a person where they are not sure enough."""

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import append_only, change_flow

BEFORE = {
    "open": ["resolved", "in_adjudication", "void"],
    "in_adjudication": ["resolved", "void"],
    "resolved": ["open"],
}
AFTER = {**BEFORE, "resolved": ["open", "in_adjudication"]}

# A label changes by what an inspection found, or as a reweighing of this very label says; and who is paid without being
# used may take it along.
LABELS_STAND = """
    CREATE FUNCTION refuse_change_of_label() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.state = 'resolved' AND NEW.method = 'adjudication' THEN
            RETURN NEW;
        END IF;
        IF NEW.state = 'open' AND EXISTS (
            SELECT FROM marketplace_softrejection rejection
            JOIN marketplace_assignment turn ON turn.id = rejection.assignment_id WHERE turn.task_id = NEW.id
        ) THEN
            RETURN NEW;
        END IF;
        IF EXISTS (
            SELECT FROM marketplace_reweighing found WHERE found.task_id = NEW.id AND found.from_key = OLD.answer_key
              AND (NEW.state = 'resolved' AND found.outcome = 'relabelled' AND found.to_key = NEW.answer_key
                   OR NEW.state = 'in_adjudication' AND found.outcome = 'reopened')
        ) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'The label of task % stands until an inspection or a reweighing says otherwise.', OLD.id
            USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE TRIGGER a_label_stands BEFORE UPDATE ON marketplace_task
        FOR EACH ROW WHEN (
            OLD.state = 'resolved' AND (NEW.state <> 'resolved' OR NEW.answer_key IS DISTINCT FROM OLD.answer_key)
        ) EXECUTE FUNCTION refuse_change_of_label();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0022_labeling_functions"),
        ("qualification", "0006_gold_is_recalled"),
        ("workforce", "0003_identities_change_with_an_event"),
    ]

    operations = [
        migrations.CreateModel(
            name="MovedScore",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "recall",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="qualification.goldrecall",
                    ),
                ),
                (
                    "worker",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="workforce.worker",
                    ),
                ),
                (
                    "skill",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="qualification.skill",
                    ),
                ),
                ("after_claimed_at", models.DateTimeField(null=True)),
                ("after_id", models.UUIDField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("recall", "worker", "skill"), name="one_moved_score_per_recall"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("after_claimed_at__isnull", True), ("after_id__isnull", True)),
                            models.Q(("after_claimed_at__isnull", False), ("after_id__isnull", False)),
                            _connector="OR",
                        ),
                        name="moved_score_place_is_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reweighing",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reweighings",
                        to="marketplace.task",
                    ),
                ),
                (
                    "recall",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="qualification.goldrecall",
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("confirmed", "the same label, as sure as it now is"),
                            ("relabelled", "another label"),
                            ("reopened", "no longer sure enough: a person decides"),
                            ("resolved", "sure enough now: no person need decide"),
                            ("unsure", "a person decides, as before"),
                            ("certified", "the label stands, because it is part of what a certificate promises"),
                        ],
                        max_length=10,
                    ),
                ),
                ("from_key", models.TextField(blank=True)),
                ("to_key", models.TextField()),
                ("from_confidence", models.FloatField(null=True)),
                ("to_confidence", models.FloatField()),
                ("at", models.DateTimeField(default=kernel.clock.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("task", "recall"), name="one_reweighing_per_recall"),
                    models.CheckConstraint(
                        condition=models.Q(("to_confidence__gte", 0.0), ("to_confidence__lte", 1.0)),
                        name="reweighing_confidence_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "outcome__in",
                                ["confirmed", "relabelled", "reopened", "resolved", "unsure", "certified"],
                            )
                        ),
                        name="reweighing_outcome_known",
                    ),
                ],
            },
        ),
        append_only("marketplace_reweighing"),
        change_flow("marketplace_task", before=BEFORE, after=AFTER),
        migrations.RunSQL(
            sql=LABELS_STAND,
            reverse_sql="""
                DROP TRIGGER a_label_stands ON marketplace_task;
                DROP FUNCTION refuse_change_of_label();
            """,
        ),
    ]

"""Settled tasks are weighed again by later fits of their job, and asked once more where they are not sure enough."""

import django.db.models.deletion
from django.db import migrations, models

# As before, but for the third way in which a reweighing lets a label go: one more answer is asked for.
LABELS_STAND = """
    CREATE OR REPLACE FUNCTION refuse_change_of_label() RETURNS trigger LANGUAGE plpgsql AS $$
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
                   {asked}OR NEW.state = 'in_adjudication' AND found.outcome = 'reopened')
        ) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'The label of task % stands until an inspection or a reweighing says otherwise.', OLD.id
            USING ERRCODE = 'restrict_violation';
    END $$;
"""
BEFORE = LABELS_STAND.format(asked="")
AFTER = LABELS_STAND.format(asked="OR NEW.state = 'open' AND found.outcome = 'asked'\n                   ")


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0027_jobs_that_are_held_up"),
    ]

    operations = [
        migrations.CreateModel(
            name="SecondLook",
            fields=[
                (
                    "fit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="second_look",
                        serialize=False,
                        to="marketplace.fit",
                    ),
                ),
                ("after_id", models.UUIDField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="reweighing",
            name="fit",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reweighings",
                to="marketplace.fit",
            ),
        ),
        migrations.AlterField(
            model_name="reweighing",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("confirmed", "the same label, as sure as it now is"),
                    ("relabelled", "another label"),
                    ("asked", "no longer sure enough: one more answer is asked for"),
                    ("reopened", "no longer sure enough: a person decides"),
                    ("resolved", "sure enough now: no person need decide"),
                    ("unsure", "a person decides, as before"),
                    ("certified", "the label stands, because it is part of what a certificate promises"),
                ],
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint(model_name="reweighing", name="reweighing_outcome_known"),
        migrations.AddConstraint(
            model_name="reweighing",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "outcome__in",
                        ["confirmed", "relabelled", "asked", "reopened", "resolved", "unsure", "certified"],
                    )
                ),
                name="reweighing_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reweighing",
            constraint=models.UniqueConstraint(fields=("task", "fit"), name="one_reweighing_per_fit"),
        ),
        migrations.RunSQL(sql=AFTER, reverse_sql=BEFORE),
    ]

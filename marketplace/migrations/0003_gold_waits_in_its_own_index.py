"""A turn remembers its slot's lane, so that a worker's waiting gold is found without looking at all that they did."""

import django.db.models.deletion
from django.db import migrations, models

COPY_LANE = migrations.RunSQL(
    sql="""
        UPDATE marketplace_assignment turn SET lane = 1 FROM marketplace_task task
        WHERE task.id = turn.task_id AND task.gold_question_id IS NOT NULL
    """,
    reverse_sql=migrations.RunSQL.noop,
)


def a_claim_stands(also: str = "") -> str:
    """The trigger of 0002, over these columns too."""
    agreed = "task_id job_id worker_id version_id reward_minor fee_minor currency claimed_at expires_at " + also
    old, new = (", ".join(f"{row}.{column}" for column in agreed.split()) for row in ("OLD", "NEW"))
    return f"""
        DROP TRIGGER a_claim_stands ON marketplace_assignment;
        CREATE TRIGGER a_claim_stands BEFORE UPDATE ON marketplace_assignment
            FOR EACH ROW WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION refuse_change_of_a_claim();
    """


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0002_what_the_database_guards")]

    operations = [
        migrations.AddField(
            model_name="assignment",
            name="lane",
            field=models.PositiveSmallIntegerField(choices=[(0, "Work"), (1, "Gold")], default=0),
        ),
        COPY_LANE,
        migrations.RunSQL(sql=a_claim_stands(also="lane"), reverse_sql=a_claim_stands()),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(
                condition=models.Q(("lane", 1), ("state", "submitted")),
                fields=["worker", "job"],
                name="assignment_gold_waiting",
            ),
        ),
        # The index of tasks by (job, id) serves; one more makes imports and resolutions slower.
        migrations.AlterField(
            model_name="task",
            name="job",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tasks",
                to="marketplace.job",
            ),
        ),
    ]

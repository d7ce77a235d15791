"""What automation was worth to a job, from its own rows."""

from django.db import connection

from marketplace.models import Job
from qualification.statistics.automation.saving import Saving

_COUNTED = """
SELECT count(*) FILTER (WHERE task.method = 'prediction'),
       count(*) FILTER (WHERE task.method <> 'prediction'),
       coalesce(sum(paid.minor) FILTER (WHERE task.method <> 'prediction'), 0)::bigint,
       coalesce(sum(paid.minor) FILTER (WHERE EXISTS (
           SELECT FROM marketplace_prediction audit WHERE audit.task_id = task.id AND audit.is_audit)), 0)::bigint
FROM marketplace_task task LEFT JOIN LATERAL (
    SELECT sum(turn.reward_minor + turn.fee_minor) AS minor FROM marketplace_assignment turn
    WHERE turn.task_id = task.id AND turn.state = 'accepted'
) paid ON true
WHERE task.job_id = %s AND task.gold_question_id IS NULL AND task.state = 'resolved'
"""


def saving_of(job: Job, *, automation_cost_minor: int = 0) -> Saving:
    """The job's labels and what people's answers to them have cost so far. Audits are what watching costs."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, [job.pk])
        saved, by_people, spent, monitoring = cursor.fetchone()
    return Saving(
        labels_saved=saved,
        labels_by_people=by_people,
        spent_minor=spent,
        automation_cost_minor=automation_cost_minor,
        monitoring_cost_minor=monitoring,
    )

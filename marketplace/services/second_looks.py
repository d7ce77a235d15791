"""Second looks: tasks that are settled are weighed again by what a later fit of their job knows (docs/adr/0048).

Tasks are read a piece at a time and without locks. Only those of which something else is believed now are locked: some
together where their label stands, each other one in a transaction of its own. A look that is not through goes on with
the next sweep.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.models import Q

from kernel import clock
from kernel.errors import Refused
from marketplace.models import Fit, Job, SecondLook, Task
from marketplace.queries import schema_of
from marketplace.services.beliefs import TaskBelief, beliefs_of
from marketplace.services.fitting import alone
from marketplace.services.resolution import decision_on
from marketplace.services.reweighing import confirm_tasks, reweigh_task
from qualification.labels.schema import LabelSchema
from qualification.statistics.stopping import Decision

logger = logging.getLogger(__name__)

LOOKER: Final = 0x2DF177  # the advisory lock that stands for "there is one who looks again"
TASKS_AT_ONCE: Final = 200
CONFIRMED_AT_ONCE: Final = 50
"""Tasks whose job is locked together while their confidence is written."""
JOBS_AT_ONCE: Final = 20
SWEEP_LASTS: Final = timedelta(seconds=20)

NOTICED: Final = 0.01
"""A confidence that has moved by less stays as it is shown; so does one of whose interval neither end moved by twice
that."""


def look_again() -> int:
    """Weigh settled tasks of running jobs again by the latest fit; how many were looked at.

    What is believed of most has hardly changed: they are left as they are, unlocked and unwritten. One that cannot be
    weighed does not hold up the others.
    """
    looked, until = 0, clock.now() + SWEEP_LASTS
    with alone(LOOKER) as is_alone:
        for fit in _to_be_looked_by() if is_alone else ():
            look, _ = SecondLook.objects.get_or_create(fit=fit)
            while look.done_at is None and clock.now() < until:
                looked += _look_at_some(look)
    return looked


def _to_be_looked_by() -> list[Fit]:
    with connection.cursor() as cursor:
        cursor.execute(_UNFINISHED, [JOBS_AT_ONCE])
        ids = [row[0] for row in cursor.fetchall()]
    return list(Fit.objects.filter(pk__in=ids).select_related("job").order_by("fitted_at", "pk"))


_UNFINISHED: Final = """
SELECT fit.id FROM marketplace_job job
JOIN LATERAL (
    SELECT fit.id, fit.fitted_at FROM marketplace_fit fit WHERE fit.job_id = job.id ORDER BY number DESC LIMIT 1
) fit ON true
WHERE job.state IN ('open', 'paused')
  AND NOT EXISTS (SELECT FROM marketplace_secondlook look WHERE look.fit_id = fit.id AND look.done_at IS NOT NULL)
  AND NOT EXISTS (SELECT FROM marketplace_certificate certificate WHERE certificate.job_id = job.id)
ORDER BY fit.fitted_at, fit.id LIMIT %s
"""


def _look_at_some(look: SecondLook) -> int:
    """The next piece of tasks; how many."""
    job = look.fit.job
    tasks = _settled(job, after=look.after_id)
    if tasks:
        schema = schema_of(job.versions.latest("number").pk)
        noticed = _noticed(tasks, job, schema)
        for first in range(0, len(noticed), CONFIRMED_AT_ONCE):
            _reweigh_safely(noticed[first : first + CONFIRMED_AT_ONCE], look.fit)
        look.after_id = tasks[-1].pk
    if len(tasks) < TASKS_AT_ONCE:
        look.done_at = clock.now()
    look.save(update_fields=["after_id", "done_at"])
    return len(tasks)


def _settled(job: Job, *, after: UUID | None) -> list[Task]:
    by_answers = Q(state=Task.State.RESOLVED, method=Task.Method.CONSENSUS) | Q(state=Task.State.IN_ADJUDICATION)
    tasks = Task.objects.filter(by_answers, job=job, gold_question=None).defer("item", "label")
    return list((tasks.filter(pk__gt=after) if after else tasks).order_by("pk")[:TASKS_AT_ONCE])


def _noticed(tasks: Sequence[Task], job: Job, schema: LabelSchema) -> list[UUID]:
    """Those of which something else is believed now, or that need no person any more."""
    beliefs = beliefs_of(tasks=tasks, job=job, schema=schema)
    found = ((task, beliefs[task.pk]) for task in tasks if task.pk in beliefs)
    return [task.pk for task, believed in found if _is_noticed(task, believed, job, schema)]


def _is_noticed(task: Task, believed: TaskBelief, job: Job, schema: LabelSchema) -> bool:
    if task.state == Task.State.IN_ADJUDICATION:
        return decision_on(believed, job=job, schema=schema) is Decision.RESOLVED
    belief = believed.posterior
    if belief.leader.key != task.answer_key:
        return True
    return _has_moved(task.confidence, belief.confidence, by=NOTICED) or any(
        _has_moved(shown, now, by=2 * NOTICED)
        for shown, now in ((task.confidence_low, belief.low), (task.confidence_high, belief.high))
    )


def _has_moved(shown: float | None, now: float | None, *, by: float) -> bool:
    if shown is None or now is None:
        return shown is not now
    return abs(shown - now) >= by


def _reweigh_safely(task_ids: Sequence[UUID], fit: Fit) -> None:
    """Those whose label stands all at once, and the others each by itself."""
    standing = set[UUID]()
    try:
        standing = confirm_tasks(task_ids=task_ids, fit=fit)
    except (Refused, DatabaseError):
        logger.exception("Tasks could not be weighed again at once.")
    for task_id in task_ids:
        if task_id in standing:
            continue
        try:
            reweigh_task(task_id=task_id, fit=fit)
        except (Refused, DatabaseError):
            logger.exception("Task %s could not be weighed again.", task_id)

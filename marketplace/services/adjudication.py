"""Adjudication: a person decides where consensus failed."""

from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.errors import NotFound
from kernel.flow import move
from kernel.models import User
from kernel.services.audit import Actor
from marketplace.models import Escalation, JobVersion, Task
from marketplace.queries import schema_of
from marketplace.services.escalations import lock_escalation, mark_decided, require_mine_or_free
from marketplace.services.resolution import accept_soon
from marketplace.services.submission import InvalidAnswer
from qualification.labels.errors import ResultError
from qualification.labels.results import to_result, validate_result


@transaction.atomic
def decide_task(*, escalation_id: UUID, result: object, note: str, by: User) -> Task:
    """Resolve an escalated task with ``result`` (Label Studio's result JSON), under the job's latest version.

    Answers equal to it are accepted at once when the job says so. Raises InvalidAnswer, NotFound, NotYours or
    WrongState.
    """
    task = _locked_task(escalation_id)
    escalation = lock_escalation(escalation_id)
    require_mine_or_free(escalation, by)
    version = JobVersion.objects.filter(job_id=task.job_id).latest("number")
    schema = schema_of(version.pk)
    try:
        answer = validate_result(schema, result, task.item)
    except ResultError as error:
        raise InvalidAnswer(str(error)) from error
    mark_decided(escalation, by=by, decision="resolved", note=note)
    task.label, task.answer_key = to_result(schema, answer), answer.key
    task.method, task.resolved_at = Task.Method.ADJUDICATION, clock.now()
    move(
        task,
        Task.State.RESOLVED,
        by=Actor.user(by),
        why=note or "adjudicated",
        fields=["label", "answer_key", "method", "resolved_at"],
    )
    if task.job.accept_on_resolution:
        accept_soon(task, schema)
    return task


def _locked_task(escalation_id: UUID) -> Task:
    # Locks go task first, escalation after it, as everywhere.
    tasks = Task.objects.select_for_update(no_key=True, of=("self",)).select_related("job")
    task = tasks.filter(escalations=escalation_id, escalations__kind=Escalation.Kind.NO_CONSENSUS).first()
    if task is None:
        raise NotFound("escalated task")
    return task

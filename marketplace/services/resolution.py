"""Resolution: after each answer a task is resolved, asks for one more, or goes to a person."""

import random
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from kernel import clock
from kernel.flow import move
from kernel.rows import planned_cursor
from kernel.services.audit import Actor, record
from marketplace.models import Annotation, Assignment, Escalation, Job, Task
from marketplace.queries import schema_of
from marketplace.services.beliefs import TaskBelief, belief_of
from marketplace.services.escalations import open_escalation
from marketplace.services.settlement import due_now
from marketplace.services.slots import CHANCE, open_slot
from qualification.labels.results import Answer, to_result
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import agrees
from qualification.statistics.calibrated import gain_of_one_more
from qualification.statistics.stopping import ROUNDING, Decision, decide

CONSENSUS = Actor.system("consensus")
SURE: Final = "the answer in front is sure enough"
UNSURE: Final = "no more answers are asked for, and the answer in front is given as sure as it is"
BELIEF: Final = ("confidence", "confidence_low", "confidence_high", "fit_number", "majority_key", "majority_share")
"""The fields of a task that `note_belief` sets."""

ANSWERED: Final = ("label", "answer_key", *BELIEF)
"""Those that say what its answers come to, as long as it is not taken back."""

DECIDED: Final = (*ANSWERED, "method", "resolved_at")
"""And those that say how and when they did."""


def resolve_task(*, task: Task, job: Job, answered_in: Assignment, chance: random.Random = CHANCE) -> None:
    """Weigh the answers of ``task``, whose row the caller has locked, now that one more is in.

    While a turn is still free or active, nothing is decided. A task that is settled already (its job was cancelled)
    takes no part; its answer is then accepted at once.
    """
    if task.state != Task.State.OPEN:
        due_now(Q(pk=answered_in.pk))
        return
    is_outstanding, version_id = _situation(task)
    if is_outstanding:
        return
    schema = schema_of(version_id)
    believed = belief_of(task=task, job=job, schema=schema)
    assert believed is not None, "An answer has just come in."
    _follow(believed, task=task, job=job, schema=schema, at=answered_in.submitted_at, chance=chance)


def resolve_without(*, task: Task, job: Job, by: Actor, why: str) -> None:
    """Look again at a locked task that consensus resolved, now that one of its answers is not used any more.

    Its label stands if what is left says the same and is sure enough. Else the task is open again, and becomes what it
    would after an answer: resolved, asked for one more, or put before a person.
    """
    schema = schema_of(_situation(task)[1])
    believed = belief_of(task=task, job=job, schema=schema)
    if believed is not None and _is_label_sure(believed, task=task, job=job, schema=schema):
        note_belief(task, believed)
        task.save(update_fields=BELIEF)
        details = {"confidence": round(believed.posterior.confidence, 4)}
        record(action="task.label_stands", subject=task, by=by, why=why, details=details)
        return
    open_again(task, by=by, why=why)
    if believed is not None:
        _follow(believed, task=task, job=job, schema=schema, at=clock.now(), chance=CHANCE)
    elif not ask_for_one_more(task, job):
        raise AssertionError("A turn that is given up can be offered again.")


def open_again(task: Task, *, by: Actor, why: str, details: dict[str, object] | None = None) -> None:
    """Take its label from a locked task that consensus resolved; the caller offers a turn at it."""
    task.label, task.answer_key, task.method, task.resolved_at = None, "", "", None
    task.confidence = task.confidence_low = task.confidence_high = task.fit_number = None
    task.majority_key, task.majority_share = "", None
    move(task, Task.State.OPEN, by=by, why=why, fields=DECIDED, details=details)


def _is_label_sure(believed: TaskBelief, *, task: Task, job: Job, schema: LabelSchema) -> bool:
    is_the_label = believed.posterior.leader.key == task.answer_key
    return is_the_label and decision_on(believed, job=job, schema=schema) is Decision.RESOLVED


def decision_on(believed: TaskBelief, *, job: Job, schema: LabelSchema) -> Decision:
    """What becomes of a task of which this is believed, by the terms of its job."""
    return decide(
        believed.posterior.confidence,
        answers=believed.answers,
        overlap_min=job.overlap_min,
        overlap_max=job.overlap_max,
        confidence=job.confidence_basis_points / 10_000,
        is_worth_asking=_is_worth_asking(believed, job=job, schema=schema),
        unsure_is_escalated=job.when_unsure == Job.WhenUnsure.ESCALATE,
    )


def _follow(
    believed: TaskBelief, *, task: Task, job: Job, schema: LabelSchema, at: datetime | None, chance: random.Random
) -> None:
    belief, decision = believed.posterior, decision_on(believed, job=job, schema=schema)
    if decision is Decision.ONE_MORE and ask_for_one_more(task, job, chance):
        return
    if decision is Decision.RESOLVED or job.when_unsure == Job.WhenUnsure.RESOLVE:
        is_sure = belief.confidence >= job.confidence_basis_points / 10_000 - ROUNDING
        _resolve_by(believed, task=task, job=job, schema=schema, at=at, why=SURE if is_sure else UNSURE)
    else:
        _escalate(believed, task=task)


def _is_worth_asking(believed: TaskBelief, *, job: Job, schema: LabelSchema) -> bool:
    """Whether a further answer promises at least what it costs, where the job says what a right label is worth."""
    if job.label_worth_minor is None:
        return True
    left = job.overlap_max - believed.answers
    gain = gain_of_one_more(schema, believed.posterior, believed.fit, answers=believed.answers, left=left)
    return gain * job.label_worth_minor >= job.price.minor


def _situation(task: Task) -> tuple[bool, UUID]:
    """Whether a turn is still free or active, and the version that answers are weighed under: the latest."""
    with planned_cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (SELECT FROM marketplace_slot WHERE task_id = %(task)s)
                OR EXISTS (SELECT FROM marketplace_assignment WHERE task_id = %(task)s AND state = 'active'),
                (SELECT id FROM marketplace_jobversion WHERE job_id = %(job)s ORDER BY number DESC LIMIT 1)
            """,
            {"task": task.pk, "job": task.job_id},
        )
        found: tuple[bool, UUID] = cursor.fetchone()
    return found


def _resolve_by(
    believed: TaskBelief, *, task: Task, job: Job, schema: LabelSchema, at: datetime | None, why: str
) -> None:
    leader = believed.posterior.leader
    task.label, task.answer_key = to_result(schema, leader), leader.key
    note_belief(task, believed)
    task.method, task.resolved_at = Task.Method.CONSENSUS, at
    move(task, Task.State.RESOLVED, by=CONSENSUS, why=why, fields=DECIDED)
    if job.accept_on_resolution:
        accept_soon(task, schema)


def accept_soon(task: Task, schema: LabelSchema) -> None:
    """Let the next sweep accept the answers that agree with the label of a task that is being resolved.

    Choices agree when they are the same, other answers when they are as near as an answer to gold would have to be.
    Gold that keeps pace with the task is accepted then too (`marketplace.services.gold`).
    """
    with planned_cursor() as cursor:
        cursor.execute(
            """
            UPDATE marketplace_assignment SET review_due_at = %(now)s WHERE id IN (
                SELECT turn.id FROM marketplace_assignment turn
                JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
                WHERE turn.task_id = %(task)s AND turn.state = 'submitted' AND turn.review_due_at > %(now)s
                  AND answer.answer_key = ANY(%(keys)s)
                ORDER BY turn.id FOR NO KEY UPDATE OF turn
            )
            """,
            {"task": task.pk, "keys": _keys_like_the_label(task, schema), "now": task.resolved_at},
        )


def note_belief(task: Task, believed: TaskBelief) -> None:
    """Let a task show what is believed of it, and by which fit; the caller saves `BELIEF`."""
    belief = believed.posterior
    task.confidence, task.confidence_low, task.confidence_high = belief.confidence, belief.low, belief.high
    task.majority_key, task.majority_share = belief.majority.answer.key, belief.majority.share
    task.fit_number = believed.fit.number


def _keys_like_the_label(task: Task, schema: LabelSchema) -> list[str]:
    if schema.asks_only_choices:
        return [task.answer_key]
    label = Answer.from_key(task.answer_key)
    given = Annotation.objects.filter(assignment__task=task, late=False).values_list("answer_key", flat=True)
    return [key for key in sorted(set(given)) if agrees(Answer.from_key(key), label, schema)]


def ask_for_one_more(task: Task, job: Job, chance: random.Random = CHANCE) -> bool:
    """Offer the first turn that nothing takes up; False when rejected answers or interrupted work took up the rest."""
    turns = Assignment.objects.filter(task=task, ordinal__isnull=False)
    taken = set(turns.values_list("ordinal", flat=True))
    free = next((ordinal for ordinal in range(1, job.overlap_max + 1) if ordinal not in taken), None)
    if free is not None:
        open_slot(task=task, ordinal=free, chance=chance)
    return free is not None


def _escalate(believed: TaskBelief, *, task: Task) -> None:
    note_belief(task, believed)
    belief = believed.posterior
    answers = belief.majority.votes
    why = f"{answers} answers, and the one in front is only {belief.confidence:.1%} sure"
    move(task, Task.State.IN_ADJUDICATION, by=CONSENSUS, why=why, fields=BELIEF)
    open_escalation(
        kind=Escalation.Kind.NO_CONSENSUS,
        by=CONSENSUS,
        why=why,
        job=task.job,
        task=task,
        details={"answers": answers, "leader": belief.leader.key, "confidence": round(belief.confidence, 4)},
    )

"""Reweighing: a task that answers have resolved is looked at again, with what is believed of their workers now."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from kernel import clock
from kernel.flow import move
from kernel.services.audit import Actor, record
from marketplace.models import Assignment, Certificate, Escalation, Fit, Job, MovedScore, Reweighing, Task
from marketplace.queries import schema_of
from marketplace.services.beliefs import TaskBelief, belief_of, beliefs_of
from marketplace.services.budgets import missing_in_escrow
from marketplace.services.escalations import lock_escalation, open_escalation
from marketplace.services.posting import lock_job
from marketplace.services.resolution import (
    ANSWERED,
    BELIEF,
    CONSENSUS,
    DECIDED,
    accept_soon,
    ask_for_one_more,
    decision_on,
    note_belief,
    open_again,
)
from qualification.labels.results import to_result
from qualification.labels.schema import LabelSchema
from qualification.models import GoldRecall
from qualification.statistics.stopping import Decision

Outcome = Reweighing.Outcome

TURNS_AT_ONCE: Final = 200
RUNNING: Final = (Job.State.OPEN, Job.State.PAUSED)
WHY: Final = "its answers were weighed again by what is believed of their workers now"


class _OutOfReach(Exception):
    """No more answers to the task can be asked for, or what they may cost is not held."""


@transaction.atomic
def reweigh_task(
    *, task_id: UUID, recall: GoldRecall | None = None, fit: Fit | None = None, by: Actor = CONSENSUS
) -> Reweighing | None:
    """Weigh the answers to a task anew, once for each recall or fit; None where consensus has no part in it.

    It keeps its label, with the confidence of now; or gets the one that leads now; or goes back to a person where it is
    no longer sure enough and its job runs. Where the job has ended it keeps the answer in front with its honest
    confidence, and where a certificate promises its label, that stands. One that waits for a person, whom nobody has
    taken, is resolved where it is sure enough now. Nobody loses pay.

    For a ``fit`` one more answer is asked for before a person is, as long as overlap and escrow allow it; and labels of
    jobs that have ended, or that a certificate promises, are not touched.
    """
    job = lock_job(Task.objects.only("job_id").get(pk=task_id).job_id)
    task = Task.objects.select_for_update(no_key=True).get(pk=task_id)
    if _is_weighed(task, recall, fit) or (fit is not None and not may_be_looked_at_again(job)):
        return None
    escalation = _waiting(task)
    if escalation is None and (task.state, task.method) != (Task.State.RESOLVED, Task.Method.CONSENSUS):
        return None
    schema = schema_of(job.versions.latest("number").pk)
    # After a recall with what was rejected since: it was among the answers then, and may be the label now.
    believed = belief_of(task=task, job=job, schema=schema, by_rejected=fit is None)
    if believed is None:
        return None
    found = _found(task, believed, recall=recall, fit=fit)
    decision = _decision(believed, job, schema)
    is_open_for_more = fit is not None and task.state == Task.State.RESOLVED and decision is Decision.ONE_MORE
    if is_open_for_more and _ask(found, task, job, by=by):
        return found
    found.outcome = _outcome(task, job, believed, decision, asks_first=fit is not None)
    found.save(force_insert=True)
    _follow(found, task, believed, schema, by=by, escalation=escalation)
    if found.outcome in {Outcome.RELABELLED, Outcome.RESOLVED} and job.accept_on_resolution:
        accept_soon(task, schema)
    return found


@transaction.atomic
def confirm_tasks(*, task_ids: Sequence[UUID], fit: Fit, by: Actor = CONSENSUS) -> set[UUID]:
    """Bring tasks of a job up to date whose label stands by a fit, all at once; returns which these are.

    What else a fit leads to is for `reweigh_task`, which locks money after assignments: for one task only.
    """
    job = lock_job(fit.job_id)
    if not may_be_looked_at_again(job):
        return set()
    known = Reweighing.objects.filter(fit=fit, task=OuterRef("pk"))
    resolved = Task.objects.filter(pk__in=task_ids, state=Task.State.RESOLVED, method=Task.Method.CONSENSUS)
    locked = resolved.exclude(Exists(known)).select_for_update(no_key=True)
    schema = schema_of(job.versions.latest("number").pk)
    tasks = {task.pk: task for task in locked.order_by("pk")}
    beliefs = beliefs_of(tasks=list(tasks.values()), job=job, schema=schema)
    standing = {
        pk: believed
        for pk, believed in beliefs.items()
        if believed.posterior.leader.key == tasks[pk].answer_key
        and _decision(believed, job, schema) is Decision.RESOLVED
    }
    found = [_found(tasks[pk], believed, fit=fit, outcome=Outcome.CONFIRMED) for pk, believed in standing.items()]
    Reweighing.objects.bulk_create(found)
    for each in found:
        note_belief(each.task, standing[each.task_id])
        each.task.save(update_fields=BELIEF)
        record(action="task.reweighed", subject=each.task, by=by, why=WHY, details=_details_of(each))
    return set(standing)


def _found(
    task: Task,
    believed: TaskBelief,
    *,
    recall: GoldRecall | None = None,
    fit: Fit | None = None,
    outcome: str = "",
) -> Reweighing:
    return Reweighing(
        task=task,
        recall=recall,
        fit=fit,
        outcome=outcome,
        from_key=task.answer_key,
        to_key=believed.posterior.leader.key,
        from_confidence=task.confidence,
        to_confidence=believed.posterior.confidence,
        at=clock.now(),
    )


def _decision(believed: TaskBelief, job: Job, schema: LabelSchema) -> Decision:
    return decision_on(replace(believed, answers=max(believed.answers, job.overlap_min)), job=job, schema=schema)


def may_be_looked_at_again(job: Job) -> bool:
    """Whether a later fit may change labels of a job: it runs, and no certificate promises them."""
    return job.state in RUNNING and not Certificate.objects.filter(job=job).exists()


def _is_weighed(task: Task, recall: GoldRecall | None, fit: Fit | None) -> bool:
    """Whether this task was weighed for the same reason already."""
    if recall is None and fit is None:
        return False
    return Reweighing.objects.filter(task=task, recall=recall, fit=fit).exists()


def _ask(found: Reweighing, task: Task, job: Job, *, by: Actor) -> bool:
    """Open a locked task for one more answer, if its job holds what that may cost; whether it can be.

    More of the client's funds is for a person to set aside: a sweep spends what people have approved.
    """
    found.outcome = Outcome.ASKED
    try:
        with transaction.atomic():
            found.save(force_insert=True)
            opened = Task.objects.get(pk=task.pk)
            open_again(opened, by=by, why=WHY, details=_details_of(found))
            if not ask_for_one_more(opened, job) or missing_in_escrow(job).minor:
                raise _OutOfReach
    except _OutOfReach:
        found.pk = None
        return False
    return True


def _waiting(task: Task) -> Escalation | None:
    """What put a locked task before a person, locked, as long as nobody has taken it."""
    if task.state != Task.State.IN_ADJUDICATION:
        return None
    asked = Escalation.objects.filter(task=task, kind=Escalation.Kind.NO_CONSENSUS, state__in=Escalation.LIVE).first()
    escalation = lock_escalation(asked.pk) if asked is not None else None
    return escalation if escalation is not None and escalation.state == Escalation.State.OPEN else None


def _outcome(task: Task, job: Job, believed: TaskBelief, decision: Decision, *, asks_first: bool) -> Reweighing.Outcome:
    is_sure = decision is Decision.RESOLVED
    if task.state == Task.State.IN_ADJUDICATION:
        return Outcome.RESOLVED if is_sure else Outcome.UNSURE
    if Certificate.objects.filter(job=job).exists():
        return Outcome.CERTIFIED
    if asks_first and job.when_unsure == Job.WhenUnsure.RESOLVE:  # it was asked, and no more can be
        is_sure = True
    if not is_sure and job.state in RUNNING:
        return Outcome.REOPENED
    return Outcome.CONFIRMED if believed.posterior.leader.key == task.answer_key else Outcome.RELABELLED


def _follow(
    found: Reweighing,
    task: Task,
    believed: TaskBelief,
    schema: LabelSchema,
    *,
    by: Actor,
    escalation: Escalation | None,
) -> None:
    details = _details_of(found)
    if found.outcome == Outcome.CERTIFIED:
        record(action="task.reweighed", subject=task, by=by, why=WHY, details=details)
        return
    belief = believed.posterior
    note_belief(task, believed)
    if found.outcome in {Outcome.REOPENED, Outcome.UNSURE}:
        task.label, task.answer_key = None, ""
    elif found.outcome != Outcome.CONFIRMED:
        task.label, task.answer_key = to_result(schema, belief.leader), belief.leader.key
    if found.outcome == Outcome.REOPENED:
        _reopen(task, believed, by=by, details=details)
    elif found.outcome == Outcome.RESOLVED:
        assert escalation is not None, "A task that waits for a person has an escalation."
        task.method, task.resolved_at = Task.Method.CONSENSUS, clock.now()
        move(task, Task.State.RESOLVED, by=by, why=WHY, fields=DECIDED, details=details)
        move(escalation, Escalation.State.WITHDRAWN, by=by, why="the answers are sure enough now")
    else:
        task.save(update_fields=ANSWERED)
        record(action="task.reweighed", subject=task, by=by, why=WHY, details=details)


def _details_of(found: Reweighing) -> dict[str, object]:
    return {
        "outcome": str(found.outcome),
        "from": {"label": found.from_key, "confidence": found.from_confidence},
        "to": {"label": found.to_key, "confidence": found.to_confidence},
    }


def _reopen(task: Task, believed: TaskBelief, *, by: Actor, details: dict[str, object]) -> None:
    belief = believed.posterior
    task.method, task.resolved_at = "", None
    move(task, Task.State.IN_ADJUDICATION, by=by, why=WHY, fields=DECIDED, details=details)
    open_escalation(
        kind=Escalation.Kind.NO_CONSENSUS,
        by=by,
        why=f"{WHY}, and the one in front is only {belief.confidence:.1%} sure",
        job=task.job,
        task=task,
        details={
            "answers": believed.answers,
            "leader": belief.leader.key,
            "confidence": round(belief.confidence, 4),
            "reweighed": True,
        },
    )


def note_moved(*, recall: GoldRecall, worker_id: UUID, skill_id: UUID) -> None:
    """Let the tasks that a worker answered in a skill be looked at again, in the caller's transaction."""
    MovedScore.objects.get_or_create(recall=recall, worker_id=worker_id, skill_id=skill_id)


def reweigh_for(*, recall: GoldRecall) -> None:
    """Look again at all tasks whose answers a recall made weigh more or less, each in a transaction of its own."""
    for moved in MovedScore.objects.filter(recall=recall, done_at__isnull=True).order_by("pk"):
        while turns := _next_turns(moved):
            for task_id in dict.fromkeys(turn.task_id for turn in turns):
                reweigh_task(task_id=task_id, recall=recall)
            moved.after_claimed_at, moved.after_id = turns[-1].claimed_at, turns[-1].pk
            moved.save(update_fields=["after_claimed_at", "after_id"])
        moved.done_at = clock.now()
        moved.save(update_fields=["done_at"])


def _next_turns(moved: MovedScore) -> list[Assignment]:
    turns = Assignment.objects.filter(worker=moved.worker_id, job__skill=moved.skill_id, annotation__late=False)
    if moved.after_claimed_at is not None:
        later = Q(claimed_at__gt=moved.after_claimed_at)
        turns = turns.filter(later | Q(claimed_at=moved.after_claimed_at, pk__gt=moved.after_id))
    return list(turns.only("task_id", "claimed_at").order_by("claimed_at", "pk")[:TURNS_AT_ONCE])

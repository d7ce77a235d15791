"""Resolution: after each answer a task is resolved, asks for one more, or goes to a person."""

from django.db.models import Max, Q

from kernel import clock
from kernel.flow import move
from kernel.services.audit import Actor
from marketplace.models import Annotation, Assignment, Escalation, Job, Slot, Task
from marketplace.queries import current_schema_of
from marketplace.services.escalations import open_escalation
from marketplace.services.settlement import due_now
from marketplace.services.slots import open_slot
from qualification import queries as qualification_queries
from qualification.labels.results import Answer, to_result
from qualification.statistics.consensus import Posterior, Vote, posterior
from qualification.statistics.stopping import Decision, decide

CONSENSUS = Actor.system("consensus")


def resolve_task(*, task: Task, job: Job, answered_in: Assignment) -> None:
    """Weigh the answers of ``task``, whose row the caller has locked, now that one more is in.

    While a turn is still free or active, nothing is decided. A task that is settled already (its job was cancelled)
    takes no part; its answer is then accepted at once.
    """
    if task.state != Task.State.OPEN:
        due_now(Q(pk=answered_in.pk))
        return
    if _is_a_turn_outstanding(task):
        return
    votes = _votes(task, job)
    schema = current_schema_of(job.pk)
    belief = posterior(schema, votes)
    decision = decide(
        belief,
        answers=len(votes),
        overlap_min=job.overlap_min,
        overlap_max=job.overlap_max,
        confidence=job.confidence_basis_points / 10_000,
    )
    if decision is Decision.RESOLVED:
        _resolve_by(belief, task=task, job=job, label=to_result(schema, belief.leader))
    elif decision is Decision.ONE_MORE:
        _ask_for_one_more(task)
    else:
        _escalate(belief, task=task)


def _is_a_turn_outstanding(task: Task) -> bool:
    return (
        Slot.objects.filter(task=task).exists()
        or Assignment.objects.filter(task=task, state=Assignment.State.ACTIVE).exists()
    )


def _votes(task: Task, job: Job) -> list[Vote]:
    annotations = Annotation.objects.filter(assignment__task=task, late=False).order_by("submitted_at", "id")
    rows = list(annotations.values_list("assignment__worker_id", "answer_key"))
    reliabilities = qualification_queries.reliabilities(worker_ids=[w for w, _ in rows], skill_id=job.skill_id)
    return [Vote(answer=Answer.from_key(key), reliability=reliabilities[worker_id]) for worker_id, key in rows]


def _resolve_by(belief: Posterior, *, task: Task, job: Job, label: list[dict[str, object]]) -> None:
    task.label, task.answer_key = label, belief.leader.key
    _note_belief(task, belief)
    task.method, task.resolved_at = Task.Method.CONSENSUS, clock.now()
    move(
        task,
        Task.State.RESOLVED,
        by=CONSENSUS,
        why="the answer in front is sure enough",
        fields=["label", "answer_key", "confidence", "majority_key", "majority_share", "method", "resolved_at"],
    )
    if job.accept_on_resolution:
        due_now(Q(task=task, annotation__answer_key=task.answer_key))
        # Gold turns look like any other, in their timetable too: a worker's open gold is accepted together with the
        # next work of theirs, right or wrong.
        due_now(Q(job=job, worker__in=_workers_of(task), task__gold_question__isnull=False))


def _workers_of(task: Task) -> list[object]:
    agreeing = Assignment.objects.filter(task=task, annotation__answer_key=task.answer_key)
    return list(agreeing.values_list("worker_id", flat=True))


def _note_belief(task: Task, belief: Posterior) -> None:
    task.confidence = belief.confidence
    task.majority_key, task.majority_share = belief.majority.answer.key, belief.majority.share


def _ask_for_one_more(task: Task) -> None:
    highest = Assignment.objects.filter(task=task).aggregate(highest=Max("ordinal"))["highest"] or 0
    open_slot(task=task, ordinal=highest + 1)


def _escalate(belief: Posterior, *, task: Task) -> None:
    _note_belief(task, belief)
    answers = belief.majority.votes
    why = f"{answers} answers, and the one in front is only {belief.confidence:.1%} sure"
    fields = ["confidence", "majority_key", "majority_share"]
    move(task, Task.State.IN_ADJUDICATION, by=CONSENSUS, why=why, fields=fields)
    open_escalation(
        kind=Escalation.Kind.NO_CONSENSUS,
        by=CONSENSUS,
        why=why,
        job=task.job,
        task=task,
        details={"answers": answers, "leader": belief.leader.key, "confidence": round(belief.confidence, 4)},
    )

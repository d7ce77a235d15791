"""What an escalation is about, laid out for whoever decides it. Whose an answer is stays untold."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from billing.models import Dispute, Payout
from kernel.principal import Principal
from marketplace.models import Annotation, Assignment, Escalation, JobVersion, Rejection, Signal, Task
from marketplace.queries.content import shown_in_job
from marketplace.queries.signals import matter_of_signal
from marketplace.queries.versions import presentation_of, says_the_same, schema_of
from qualification.labels.results import Answer
from qualification.labels.similarity import differences_of
from qualification.models import Certification, ExamAnswer, GoldQuestion, Score, ScoreEvidence

EVIDENCE_SHOWN = 50
SHOWN_TO_INSPECT = ("item", "instructions", "label_schema")


def matter_of(escalation: Escalation, *, principal: Principal) -> dict[str, Any]:
    """What there is to look at: a task with its answers, a score with its evidence, a payout, dispute or rejection."""
    if escalation.kind in {Escalation.Kind.NO_CONSENSUS, Escalation.Kind.INSPECTION}:
        matter = _task_matter(escalation, principal)
        told = SHOWN_TO_INSPECT if escalation.kind == Escalation.Kind.INSPECTION else matter
        return {name: matter[name] for name in told}
    if escalation.kind == Escalation.Kind.APPEAL:
        return _appeal_matter(escalation, principal)
    return _WITHOUT_ITEMS[Escalation.Kind(escalation.kind)](escalation)


def _task_matter(escalation: Escalation, principal: Principal) -> dict[str, Any]:
    assert escalation.task_id is not None, "What has no consensus is a task."
    task = Task.objects.get(pk=escalation.task_id)
    latest = JobVersion.objects.filter(job_id=task.job_id).order_by("-number").values_list("pk", flat=True)[0]
    presentation = presentation_of(latest)
    used = Annotation.objects.filter(assignment__task=task, assignment__ordinal__isnull=False)
    answers = used.order_by("submitted_at", "id")
    rows = answers.values(
        "assignment_id", "result", "answer_key", "seconds", "submitted_at", "assignment__version__number"
    )
    leader, schema = escalation.details.get("leader"), schema_of(latest)
    in_front = Answer.from_key(leader) if leader else None
    return {
        "item": presentation.shown(task.item, shown_in_job(task.job_id, principal=principal)),
        "instructions": presentation.instructions,
        "label_schema": presentation.label_schema,
        **_sure(task),
        "answers": [
            {
                "assignment": row["assignment_id"],
                "version": row["assignment__version__number"],
                "result": row["result"],
                "seconds": row["seconds"],
                "submitted_at": row["submitted_at"],
                "differs": differences_of(in_front, Answer.from_key(row["answer_key"]), schema) if in_front else {},
            }
            for row in rows
        ],
    }


def _sure(task: Task) -> dict[str, float | None]:
    """How sure the label in front is, with the interval of that."""
    return {name: getattr(task, name) for name in ("confidence", "confidence_low", "confidence_high")}


def _appeal_matter(escalation: Escalation, principal: Principal) -> dict[str, Any]:
    rejection = escalation.appeal.rejection
    turn = Assignment.objects.select_related("task", "annotation").get(pk=rejection.assignment_id)
    task, presentation = turn.task, presentation_of(turn.version_id)
    others = Annotation.objects.filter(assignment__task=task, late=False).exclude(assignment=turn)
    return {
        "item": presentation.shown(task.item, shown_in_job(task.job_id, principal=principal)),
        "instructions": presentation.instructions,
        "label_schema": presentation.label_schema,
        "answer": turn.annotation.result,
        "seconds": turn.annotation.seconds,
        "label": task.label,
        **_sure(task),
        "method": task.method,
        "other_answers": others.count(),
        "other_answers_that_equal_it": sum(
            says_the_same(turn.version_id, key, turn.annotation.answer_key)
            for key in others.values_list("answer_key", flat=True)
        ),
        "reason": rejection.reason,
        "message": rejection.message,
        "rejected_at": rejection.rejected_at,
        "contradicts": rejection.contradicts,
        "appeal": escalation.appeal.text,
        "appealed_at": escalation.appeal.appealed_at,
    }


def _breaker_matter(escalation: Escalation) -> dict[str, Any]:
    rows = Rejection.objects.filter(breaker=escalation.breaker).order_by("rejected_at", "id")
    columns = ("assignment_id", "reason", "message", "contradicts", "rejected_at", "reversed_at")
    return {
        **escalation.details,
        "rejections": [
            {"assignment": row["assignment_id"], **{name: row[name] for name in columns[1:]}}
            for row in rows.values(*columns)
        ],
    }


def _score_matter(escalation: Escalation) -> dict[str, Any]:
    assert escalation.worker_id is not None, "What fell is a worker's score."
    skill_id = UUID(escalation.subject.removeprefix("skill:"))
    score = Score.objects.select_related("skill").filter(worker_id=escalation.worker_id, skill_id=skill_id).first()
    certification = (
        Certification.objects.filter(worker_id=escalation.worker_id, skill_id=skill_id)
        .order_by("-requested_at", "-id")
        .first()
    )
    evidence = (
        ScoreEvidence.objects.filter(score=score, withdrawal__isnull=True).order_by("-at", "-id") if score else ()
    )
    return {
        "worker": escalation.worker_id,
        "skill": skill_id,
        "skill_name": score.skill.name if score else "",
        "score": _numbers(score) if score else None,
        "fell_to": escalation.details.get("lower_bound"),
        "floor": escalation.details.get("floor"),
        "certification": _dates(certification) if certification else None,
        "evidence": [
            {"at": row.at, "source": row.source, "correct": row.correct, "subject": row.subject}
            for row in evidence[:EVIDENCE_SHOWN]
        ],
    }


def _numbers(score: Score) -> dict[str, Any]:
    return {name: getattr(score, name) for name in ("correct", "wrong", "estimate", "lower_bound", "updated_at")}


def _dates(certification: Certification) -> dict[str, Any]:
    return {name: getattr(certification, name) for name in ("id", "state", "granted_at", "expires_at")}


def _gold_matter(escalation: Escalation) -> dict[str, Any]:
    question = GoldQuestion.objects.select_related("label_schema").get(pk=escalation.subject.removeprefix("gold:"))
    in_work = Annotation.objects.filter(assignment__task__gold_question=question, late=False)
    in_exams = ExamAnswer.objects.filter(gold_question=question, answered_at__isnull=False)
    given = [*in_work.values_list("result", flat=True), *in_exams.values_list("result", flat=True)]
    times = Counter(json.dumps(result, sort_keys=True) for result in given)
    return {
        **escalation.details,
        "gold_question": question.pk,
        "item": question.shown_item(),
        "result": question.result,
        "reason": question.reason,
        "answers_given": [{"result": json.loads(said), "times": number} for said, number in times.most_common()],
    }


def _payout_matter(escalation: Escalation) -> dict[str, Any]:
    payout = Payout.objects.filter(pk=escalation.subject.removeprefix("payout:")).first()
    if payout is None:
        return {"payout": escalation.subject.removeprefix("payout:"), **escalation.details}
    shown = ("state", "amount_minor", "returned_minor", "currency", "failure", "created_at")
    return {
        "payout": payout.pk,
        "worker": escalation.worker_id,
        **{name: getattr(payout, name) for name in shown},
        "finished_at": payout.finished_at,
        "parts": escalation.details.get("parts", []),
    }


def _dispute_matter(escalation: Escalation) -> dict[str, Any]:
    """The dispute that it began with, and beside it those of the same payment that came before it was decided."""
    first = escalation.subject.removeprefix("dispute:")
    ids = {first} | {part["dispute"] for part in escalation.details.get("parts", [])}
    disputes = {str(each.pk): each for each in Dispute.objects.filter(pk__in=ids).order_by("created_at", "pk")}
    money = ("amount_minor", "from_funds_minor", "returned_minor", "returned_to_funds_minor", "currency")
    shown = ("funding_id", "state", *money, "reason", "evidence_due_at")
    told = {
        pk: {name.removesuffix("_id"): getattr(dispute, name) for name in shown} for pk, dispute in disputes.items()
    }
    others = [{"dispute": pk, **columns} for pk, columns in told.items() if pk != first]
    return {"dispute": first, **escalation.details, **told.get(first, {}), "others": others}


def _signal_matter(escalation: Escalation) -> dict[str, Any]:
    """The signal, also where a later escalation is about its worker's answer."""
    signal = Signal.objects.filter(pk=escalation.subject.removeprefix("signal:")).first()
    return {**escalation.details, **(matter_of_signal(signal) if signal else {})}


_WITHOUT_ITEMS: Final[dict[Escalation.Kind, Callable[[Escalation], dict[str, Any]]]] = {
    Escalation.Kind.DECERTIFICATION: _score_matter,
    Escalation.Kind.FAILED_PAYOUT: _payout_matter,
    Escalation.Kind.DISPUTE: _dispute_matter,
    Escalation.Kind.REJECTION_BREAKER: _breaker_matter,
    Escalation.Kind.GOLD_REVIEW: _gold_matter,
    Escalation.Kind.PAY_FLOOR: lambda escalation: dict(escalation.details),
    Escalation.Kind.RECALL_UNPAID: lambda escalation: dict(escalation.details),
    Escalation.Kind.AUTOMATION_STOPPED: lambda escalation: dict(escalation.details),
    Escalation.Kind.SIGNAL: _signal_matter,
}

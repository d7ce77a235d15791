"""Exams: started once at a time, answered question by question, finished by the worker or by the clock.

Starting and ending lock the worker's row before the exam's, so that what exams earn is decided one thing at a time.
"""

import random
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from kernel import clock
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import move
from kernel.services.audit import Actor, record
from qualification.labels.errors import ResultError
from qualification.labels.results import Answer, validate_result
from qualification.labels.similarity import is_correct
from qualification.models import Exam, ExamAnswer, ExamRemark, GoldRecall, Skill
from qualification.services import admission, certifications, item_bank, scoring
from workforce.models import Worker

EXAM_CLOCK: Final = Actor.system("exam_clock")


class ExamOver(Refused):
    """The exam takes no answers any more."""

    code = "exam_over"


class AlreadyAnswered(Refused):
    """The first answer to an exam question stands."""

    code = "already_answered"


class ExamIncomplete(Refused):
    """Some questions have no answer, and there is time left to give one."""

    code = "exam_incomplete"


class InvalidAnswer(Invalid):
    """The answer does not fit the question's label schema."""

    code = "invalid_result"


def start_exam(*, worker: Worker, skill_id: UUID, chance: random.Random | None = None) -> Exam:
    """Start the exam of a skill, or give back the one that is under way, from whichever tab it was started.

    Raises NotFound for an unknown skill and, as ``admission`` says, the reason why the worker may not start now.
    ``chance`` draws the questions; without it the system's own randomness does.
    """
    skill = Skill.objects.filter(pk=skill_id).first()
    if skill is None:
        raise NotFound("skill")
    _close_overdue(worker, skill)  # committed on its own: it stands even when a new start is refused
    return _start(worker=worker, skill=skill, chance=chance or random.SystemRandom())


@transaction.atomic
def answer_exam_question(*, exam_id: UUID, worker: Worker, position: int, result: object) -> ExamAnswer:
    """Keep the answer to the question at ``position`` (from 1). The first one stands; whether it is right is not told.

    Raises NotFound, ExamOver, AlreadyAnswered, or InvalidAnswer for a ``result`` that does not fit the label schema.
    """
    exam = _locked_exam(exam_id, worker.pk)
    if exam.state != Exam.State.STARTED or exam.due_at <= clock.now():
        raise ExamOver("This exam is over and takes no answers any more. Finish it to see how it ended.")
    questions = ExamAnswer.objects.select_related("gold_question__label_schema")
    answer = questions.filter(exam=exam, position=position).first()
    if answer is None:
        raise NotFound("question in this exam")
    if answer.answered_at is not None:
        raise AlreadyAnswered(f"Question {position} has been answered. The first answer stands.")
    try:
        question = answer.gold_question
        schema = question.label_schema.checked
        given = validate_result(schema, result, question.item)
    except ResultError as error:
        message = f"The answer does not fit the question. {error}"
        raise InvalidAnswer(message, [{"path": error.path, "message": error.message}]) from error
    answer.result, answer.answered_at = result, clock.now()
    answer.correct = is_correct(given, Answer.from_key(question.answer_key), schema)
    answer.save(update_fields=["result", "correct", "answered_at"])
    by = Actor("user", str(worker.user_id))
    record(action="exam.answered", subject=exam, by=by, details={"position": position})
    return answer


@transaction.atomic
def finish_exam(*, exam_id: UUID, worker: Worker) -> Exam:
    """End the exam and mark it; passing earns the certification, or the request for it. Twice is once.

    Raises ExamIncomplete, with the positions, while questions are open and there is time left.
    """
    admission.lock_worker(worker.pk)
    exam = _locked_exam(exam_id, worker.pk)
    if exam.state != Exam.State.STARTED:
        return exam
    open_positions = _open_positions(exam)
    if exam.due_at <= clock.now():
        return _close(exam, at=exam.due_at, by=EXAM_CLOCK)
    if open_positions:
        listed = ", ".join(str(position) for position in open_positions)
        raise ExamIncomplete(
            f"Questions without an answer: {listed}. Answer them first; the exam ends at {exam.due_at:%H:%M} UTC.",
            {"open_positions": open_positions},
        )
    return _close(exam, at=clock.now(), by=Actor("user", str(worker.user_id)))


def abandon_overdue_exams() -> int:
    """Close every exam whose time is over, each in its own transaction; how many there were.

    One with all its questions answered is marked as if it had been finished in time; the others are abandoned.
    """
    due = Exam.objects.filter(state=Exam.State.STARTED, due_at__lte=clock.now()).order_by("due_at", "id")
    return sum(_close_by_clock(exam_id, worker_id) for exam_id, worker_id in list(due.values_list("pk", "worker_id")))


@transaction.atomic
def _start(*, worker: Worker, skill: Skill, chance: random.Random) -> Exam:
    worker = admission.lock_worker(worker.pk)
    running = Exam.objects.filter(worker=worker, skill=skill, state=Exam.State.STARTED).first()
    if running is not None:
        return running
    refusal = admission.refusal_to_start(worker=worker, skill=skill)
    if refusal is not None:
        raise refusal
    now = clock.now()
    exam = Exam.objects.create(
        worker=worker,
        skill=skill,
        questions=skill.exam_questions,
        pass_mark_basis_points=skill.pass_mark_basis_points,
        started_at=now,
        due_at=now + skill.exam_time_limit,
    )
    drawn = item_bank.draw_questions(skill=skill, worker=worker, chance=chance)
    ExamAnswer.objects.bulk_create(
        ExamAnswer(exam=exam, gold_question_id=question_id, position=position)
        for position, question_id in enumerate(drawn, start=1)
    )
    record(action="exam.started", subject=exam, by=Actor("user", str(worker.user_id)), to_state=exam.state)
    return exam


def _close_overdue(worker: Worker, skill: Skill) -> None:
    overdue = Exam.objects.filter(worker=worker, skill=skill, state=Exam.State.STARTED, due_at__lte=clock.now())
    for exam_id in list(overdue.values_list("pk", flat=True)):
        _close_by_clock(exam_id, worker.pk)


@transaction.atomic
def _close_by_clock(exam_id: UUID, worker_id: UUID) -> bool:
    admission.lock_worker(worker_id)
    exam = _locked_exam(exam_id, worker_id)
    if exam.state != Exam.State.STARTED:  # finished while this waited for the lock
        return False
    _close(exam, at=exam.due_at, by=EXAM_CLOCK)
    return True


def _locked_exam(exam_id: UUID, worker_id: UUID) -> Exam:
    rows = Exam.objects.select_related("worker", "skill").select_for_update(no_key=True, of=("self",))
    exam = rows.filter(pk=exam_id, worker_id=worker_id).first()
    if exam is None:
        raise NotFound("exam")
    return exam


def _open_positions(exam: Exam) -> list[int]:
    unanswered = _that_count(exam).filter(answered_at__isnull=True)
    return list(unanswered.order_by("position").values_list("position", flat=True))


def _that_count(exam: Exam) -> QuerySet[ExamAnswer]:
    """The questions of an exam but those that were recalled."""
    return ExamAnswer.objects.filter(exam=exam, gold_question__recall__isnull=True)


def _close(exam: Exam, *, at: datetime, by: Actor) -> Exam:
    """Mark the exam when it is complete, else let it be abandoned. The outcome does not depend on who closes it."""
    exam.finished_at = at
    marks = list(_that_count(exam).order_by("position").values_list("position", "correct"))
    if not marks or any(correct is None for _, correct in marks):
        move(exam, Exam.State.ABANDONED, by=by, why="Its time was over.", fields=["finished_at"])
        return exam
    right = sum(bool(correct) for _, correct in marks)
    exam.score_basis_points = right * 10_000 // len(marks)
    passed = exam.score_basis_points >= exam.pass_mark_basis_points
    move(
        exam,
        Exam.State.PASSED if passed else Exam.State.FAILED,
        by=by,
        why=f"{right} of {len(marks)} right; the pass mark is {exam.pass_mark_basis_points} of 10000.",
        fields=["finished_at", "score_basis_points"],
    )
    if passed:
        certifications.open_after_exam(exam=exam)
    scoring.record_exam(exam=exam, marks={position: bool(correct) for position, correct in marks})
    return exam


@transaction.atomic
def mark_anew(*, exam_id: UUID, worker_id: UUID, recall: GoldRecall, by: Actor) -> bool:
    """Mark an exam without the questions that were recalled, once for each recall; whether its worker's estimate moved.

    Who failed only by them has passed, and gets what that earns. Who passed by them keeps it: only a person takes a
    certification. An exam under way is marked without them when it ends, and one that was abandoned stays so.
    """
    admission.lock_worker(worker_id)
    exam = _locked_exam(exam_id, worker_id)
    if exam.score_basis_points is None or ExamRemark.objects.filter(exam=exam, recall=recall).exists():
        return False
    marks = list(_that_count(exam).values_list("correct", flat=True))
    right = sum(bool(correct) for correct in marks)
    score = right * 10_000 // len(marks) if marks else None
    remark = ExamRemark(exam=exam, recall=recall, questions=len(marks), right=right, score_basis_points=score)
    remark.save(force_insert=True)
    told = {"recall": str(recall.pk), "questions": len(marks), "right": right, "score_basis_points": score}
    record(action="exam.marked_anew", subject=exam, by=by, why=recall.why, details=told)
    if exam.state == Exam.State.FAILED and score is not None and score >= exam.pass_mark_basis_points:
        exam.score_basis_points = score
        why = f"{right} of {len(marks)} right without what was recalled."
        move(exam, Exam.State.PASSED, by=by, why=why, fields=["score_basis_points"])
        certifications.open_after_remark(exam=exam)
    asked = ExamAnswer.objects.get(exam=exam, gold_question=recall.gold_question_id)
    subject = f"exam:{exam.pk}:{asked.position}"
    return scoring.withdraw_evidence(recall=recall, worker_id=worker_id, skill_id=exam.skill_id, subject=subject, by=by)

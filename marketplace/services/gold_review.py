"""Gold under review: what good workers miss more than their scores explain is asked no more until a person decides."""

from collections import defaultdict
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.models import User
from kernel.services.audit import Actor
from kernel.text import clean_text
from marketplace.models import Escalation, Slot, Task
from marketplace.services.escalations import lock_escalation, mark_decided, open_escalation, require_mine_or_free
from marketplace.services.predictors import count_gold_anew
from marketplace.services.recall import lock_where_asked, offer_enough_gold, recall_gold
from qualification.services import doubted_gold
from qualification.statistics.doubts import RULE, VERSION, Answer, Doubt, doubt_about
from qualification.statistics.scoring import Score

DECISIONS: Final = ("keep", "recall")
GOLD_REVIEW: Final = Actor.system("gold_review")


LOOKS_BACK: Final = timedelta(hours=1)
"""How long after a miss a question is looked at by each sweep; what a longer standstill left, the nightly one does."""


def review_gold(*, everywhere: bool = False) -> int:
    """Put each gold question that good workers miss too often before a person, and ask it no more; how many there were.

    What was put before one already is looked at again only with the answers that came after it was kept. A question
    that nobody missed in the last hour is passed by; ``everywhere`` passes by none, as workers may have become good.
    """
    since = datetime.min.replace(tzinfo=UTC) if everywhere else clock.now() - LOOKS_BACK
    doubts = {question_id: doubt_about(answers) for question_id, answers in _answers(since=since).items()}
    raised = sum(_put_under_review(question_id, doubt) for question_id, doubt in doubts.items() if doubt.is_raised)
    _withhold()
    return raised


def _answers(*, since: datetime) -> dict[UUID, list[Answer]]:
    """The answers that count to each question that is still asked and that somebody missed since then."""
    found: dict[UUID, list[Answer]] = defaultdict(list)
    with connection.cursor() as cursor:
        for statement in (_IN_JOBS, _IN_EXAMS):
            cursor.execute(statement, {"since": since})
            for question_id, is_right, right, wrong in cursor.fetchall():
                rest = Score(correct=max(0.0, right - is_right), wrong=max(0.0, wrong - (not is_right)))
                found[question_id].append(Answer(correct=is_right, score=rest))
    return {asked: answers for asked, answers in found.items() if not all(each.correct for each in answers)}


_SINCE: Final = """
(question.kept_at IS NULL OR evidence.at > question.kept_at)
AND NOT EXISTS (SELECT FROM qualification_withdrawnevidence gone WHERE gone.evidence_id = evidence.id)
"""
# A miss names where it was: in an assignment, or at a place of an exam.
_MISSED: Final = """
WITH missed AS MATERIALIZED (
    SELECT split_part(subject, ':', 2)::uuid AS place, nullif(split_part(subject, ':', 3), '')::integer AS position
    FROM qualification_scoreevidence
    WHERE NOT correct AND at > %(since)s AND subject ~ '^(assignment:[0-9a-f-]{36}|exam:[0-9a-f-]{36}:[0-9]+)$'
), doubtful AS MATERIALIZED (
    SELECT task.gold_question_id AS id FROM missed
    JOIN marketplace_assignment turn ON turn.id = missed.place
    JOIN marketplace_task task ON task.id = turn.task_id WHERE missed.position IS NULL
    UNION
    SELECT answer.gold_question_id FROM missed
    JOIN qualification_examanswer answer ON answer.exam_id = missed.place AND answer.position = missed.position
)
"""
_IN_JOBS: Final = f"""
{_MISSED}
SELECT question.id, evidence.correct, score.correct, score.wrong
FROM doubtful
JOIN qualification_goldquestion question ON question.id = doubtful.id AND question.doubted_at IS NULL
JOIN marketplace_task task ON task.gold_question_id = question.id AND task.state = 'open'
JOIN marketplace_job job ON job.id = task.job_id
JOIN marketplace_assignment turn ON turn.task_id = task.id
JOIN qualification_score score ON score.worker_id = turn.worker_id AND score.skill_id = job.skill_id
JOIN qualification_scoreevidence evidence
  ON evidence.score_id = score.id AND evidence.subject = 'assignment:' || turn.id::text
WHERE job.state IN ('open', 'paused') AND {_SINCE}
"""  # noqa: S608  (all of it ours)
_IN_EXAMS: Final = f"""
{_MISSED}
SELECT question.id, evidence.correct, score.correct, score.wrong
FROM doubtful
JOIN qualification_goldquestion question ON question.id = doubtful.id
JOIN qualification_examanswer answer ON answer.gold_question_id = question.id
JOIN qualification_exam exam ON exam.id = answer.exam_id AND exam.score_basis_points IS NOT NULL
JOIN qualification_score score ON score.worker_id = exam.worker_id AND score.skill_id = exam.skill_id
JOIN qualification_scoreevidence evidence
  ON evidence.score_id = score.id AND evidence.subject = 'exam:' || exam.id::text || ':' || answer.position::text
WHERE question.for_exam AND question.retired_at IS NULL AND question.doubted_at IS NULL AND {_SINCE}
"""  # noqa: S608  (all of it ours)


@transaction.atomic
def _put_under_review(question_id: UUID, doubt: Doubt) -> bool:
    lock_where_asked(question_id)
    task = Task.objects.select_related("job").filter(gold_question=question_id).order_by("pk").first()
    why = f"good workers missed it {doubt.missed} times of {doubt.answers}; a rule doubts it: {RULE}, version {VERSION}"
    if not doubted_gold.doubt(gold_question_id=question_id, why=why, by=GOLD_REVIEW):
        return False
    open_escalation(
        kind=Escalation.Kind.GOLD_REVIEW,
        by=GOLD_REVIEW,
        why=why,
        job=task.job if task is not None else None,
        task=task,
        subject=f"gold:{question_id}",
        details={"rule": RULE, "version": VERSION, **asdict(doubt)},
    )
    count_gold_anew(gold_question_id=question_id)
    return True


def _withhold() -> None:
    """Offer no turn at gold that is doubted or retired, also none that somebody has given back since."""
    unasked = Q(gold_question__doubted_at__isnull=False) | Q(gold_question__retired_at__isnull=False)
    Slot.objects.filter(lane=Slot.Lane.GOLD, task__in=Task.objects.filter(unasked, state=Task.State.OPEN)).delete()


@transaction.atomic
def decide_gold_review(*, escalation_id: UUID, decision: str, note: str, by: User) -> Escalation:
    """``keep`` a gold question that was doubted, so that it is asked again, or ``recall`` it; the note says why.

    Raises Invalid, NotFound, NotYours or WrongState.
    """
    if decision not in DECISIONS:
        raise Invalid(f"{decision!r} is not a decision. Possible: {', '.join(DECISIONS)}.")
    note = clean_text(note, what="note", field="note", longest=1_000)
    asked = Escalation.objects.filter(pk=escalation_id, kind=Escalation.Kind.GOLD_REVIEW).first()
    if asked is None:
        raise NotFound("gold under review")
    question_id = UUID(asked.subject.removeprefix("gold:"))
    jobs, _ = lock_where_asked(question_id)
    escalation = lock_escalation(escalation_id)
    require_mine_or_free(escalation, by)
    mark_decided(escalation, by=by, decision=decision, note=note)
    if decision == "recall":
        recall_gold(gold_question_id=question_id, why=note, by=by)
    else:
        doubted_gold.keep(gold_question_id=question_id, why=note, by=Actor.user(by))
        count_gold_anew(gold_question_id=question_id)
        for job in jobs:
            offer_enough_gold(job)
    return escalation

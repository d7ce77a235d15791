"""Recalls of gold that was wrong: no answer to it counts any more, in scores and in exams.

What a recall takes back is found by going through all answers to the question once it is committed, each under the lock
under which it is counted: who counted one before is seen, and whoever counts one afterwards sees the recall.
"""

from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.flow import move
from kernel.models import User
from kernel.rows import insert, update
from kernel.services.audit import Actor, telling
from kernel.text import clean_text
from qualification.models import ExamAnswer, GoldRecall
from qualification.services.gold import lock_question

LONGEST_REASON = 1_000


@transaction.atomic
def recall_question(*, gold_question_id: UUID, why: str, by: User) -> GoldRecall:
    """Say, for good, that a gold question was wrong, and retire it. Saying it again gives the same recall.

    Raises NotFound, or Invalid without a reason.
    """
    why = clean_text(why, what="reason", field="why", longest=LONGEST_REASON)
    question = lock_question(gold_question_id)
    known = GoldRecall.objects.filter(gold_question=question).first()
    if known is not None:
        return known
    now, actor = clock.now(), Actor.user(by)
    recall = GoldRecall(gold_question=question, why=why, recalled_by=by, recalled_at=now)
    told = telling(
        action="gold.recalled",
        subject=recall,
        by=actor,
        why=why,
        to_state=recall.state,
        details={"gold_question": str(question.pk)},
    )
    insert(recall, beside=told)
    if question.retired_at is None:
        question.retired_at = now
        question.save(update_fields=["retired_at"])
    return recall


def exams_that_asked(recall: GoldRecall) -> list[tuple[UUID, UUID]]:
    """The exams that asked what was recalled, with their workers, but those that were marked anew for it."""
    asked = ExamAnswer.objects.filter(gold_question=recall.gold_question_id).exclude(exam__remarks__recall=recall)
    return list(asked.order_by("exam__worker_id", "exam_id").values_list("exam_id", "exam__worker_id"))


@transaction.atomic
def note_withdrawn(*, recall_id: UUID, by: Actor) -> None:
    """Note that no evidence rests on the question any more, so that the next run need not go through it again."""
    recall = GoldRecall.objects.select_for_update(no_key=True).get(pk=recall_id)
    if recall.evidence_withdrawn_at is None:
        recall.evidence_withdrawn_at = clock.now()
        told = telling(action="gold_recall.evidence_withdrawn", subject=recall, by=by, why=recall.why)
        update(recall, ["evidence_withdrawn_at"], beside=told)


@transaction.atomic
def end_recall(*, recall_id: UUID, by: Actor) -> bool:
    """Say that all that followed from a question has been put right; whether nobody had said so before."""
    recall = GoldRecall.objects.select_for_update(no_key=True).get(pk=recall_id)
    if recall.state != GoldRecall.State.REPLAYING:
        return False
    recall.replayed_at = clock.now()
    why = "nothing rests on the question any more"
    move(recall, GoldRecall.State.REPLAYED, by=by, why=why, fields=["replayed_at"])
    return True

"""Recall of wrong gold: history is replayed as if the question had never been gold (ADR 0037).

Nothing that was paid is taken back. The recall itself is one short transaction; what follows from it is found in the
tables and put right by a sweep, piece by piece, each in a transaction of its own that may be tried again.
"""

import logging
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Count, Exists, OuterRef, Q

from billing.services import escrow, ledger
from billing.services.ledger import AccountKey, InsufficientFunds, Kind
from kernel.errors import Refused
from kernel.flow import move
from kernel.models import User
from kernel.money import Money
from kernel.services.audit import Actor
from marketplace.models import Assignment, Escalation, Fit, Job, Rejection, Reweighing, Slot, Task
from marketplace.queries import says_the_same
from marketplace.queries.recalls import REJECTED_AS_WRONG
from marketplace.services.budgets import held_by, set_aside_what_is_missing, worst_case_left
from marketplace.services.clients import tell_owners
from marketplace.services.escalations import lock_escalation
from marketplace.services.expiry import lock_turn
from marketplace.services.posting import lock_job
from marketplace.services.predictors import count_gold_anew
from marketplace.services.reversal import standing_rejection, take_back
from marketplace.services.reweighing import note_moved, reweigh_for
from marketplace.services.settlement import due_now
from marketplace.services.shapes import shape_of
from marketplace.services.slots import offer_gold
from marketplace.services.unpaid_recalls import RECALL, bring_up_to_date, put_before_people
from qualification.models import GoldRecall, ScoreFall
from qualification.services import certifications, exams, recalls, scoring
from qualification.services.gold import lock_question

logger = logging.getLogger(__name__)


@transaction.atomic
def recall_gold(*, gold_question_id: UUID, why: str, by: User) -> GoldRecall:
    """Say that a gold question was wrong: it is asked no more, and from now on no answer to it counts.

    Its task in a job is void: it was never work. Recalling it again gives the same recall. Raises NotFound, or Invalid
    without a reason.
    """
    jobs, asked = lock_where_asked(gold_question_id)
    reviews = Escalation.objects.filter(kind=Escalation.Kind.GOLD_REVIEW, subject=f"gold:{gold_question_id}")
    for escalation in reviews.filter(state__in=Escalation.LIVE).select_for_update(no_key=True, of=("self",)):
        move(escalation, Escalation.State.WITHDRAWN, by=Actor.user(by), why="the gold was recalled")
    recall = recalls.recall_question(gold_question_id=gold_question_id, why=why, by=by)
    for task in asked:
        Slot.objects.filter(task=task).delete()
        if task.state == Task.State.OPEN:
            move(task, Task.State.VOID, by=Actor.user(by), why=f"its gold was recalled: {recall.why}")
    for job in jobs:
        offer_enough_gold(job)
    return recall


def lock_where_asked(gold_question_id: UUID) -> tuple[list[Job], list[Task]]:
    """The jobs that ask a gold question, with its tasks there; locked, and then the question. Raises NotFound.

    An answer in flight holds its task, and is counted before or not at all. Whoever offers gold holds the job. A review
    is opened under the question, so it is seen here or not opened any more.
    """
    tasks = Task.objects.filter(gold_question=gold_question_id)
    jobs = [lock_job(job_id) for job_id in tasks.order_by("job").values_list("job", flat=True).distinct()]
    asked = list(tasks.select_for_update(no_key=True).order_by("pk"))
    lock_question(gold_question_id)
    return jobs, asked


def offer_enough_gold(job: Job) -> None:
    """Offer as much gold as the work of a locked job asks for, from what is left of it, as far as there is money.

    A job goes on with less gold rather than not at all.
    """
    if job.state not in {Job.State.OPEN, Job.State.PAUSED}:
        return
    try:
        with transaction.atomic():
            offer_gold(job, shape_of(job))
            set_aside_what_is_missing(job)
    except InsufficientFunds:
        logger.warning("Job %s has less gold than its share: its client has no funds.", job.pk)


def replay_recalls() -> int:
    """Put right what follows from each recall, as far as it can be now; how many came to their end.

    One that fails does not hold up the others, and is tried again by the next sweep. Answers that were rejected, and
    are the label of a task that was weighed again and decided since, are paid at whatever time that was.
    """
    try:
        _pay_what_is_the_label()
    except (Refused, DatabaseError):
        logger.exception("Answers that are the label after a recall could not all be paid.")
    replaying = GoldRecall.objects.filter(state=GoldRecall.State.REPLAYING).order_by("recalled_at", "id")
    ended = sum(_replay(recall) for recall in list(replaying.select_related("recalled_by", "gold_question")))
    bring_up_to_date()
    return ended


def _replay(recall: GoldRecall) -> bool:
    try:
        if not _withdraw(recall):
            return False
        _lift(recall)
        reweigh_for(recall=recall)
        if _pay(recall):
            _end(recall)
            return True
    except (Refused, DatabaseError):
        logger.exception("The recall of gold question %s could not be replayed.", recall.gold_question_id)
    return False


def _withdraw(recall: GoldRecall) -> bool:
    """Take the question out of exams, scores, fits and the counts of models, and let answers that wait be accepted.

    Whether all of it is out: not while somebody else fits, who may have read it as gold.
    """
    if recall.evidence_withdrawn_at is not None:
        return True
    for exam_id, worker_id in recalls.exams_that_asked(recall):
        _mark_anew(recall, exam_id, worker_id)
    answered = Assignment.objects.filter(task__gold_question=recall.gold_question_id, annotation__isnull=False)
    for assignment_id in list(answered.order_by("worker_id", "pk").values_list("pk", flat=True)):
        _withdraw_answer(recall, assignment_id)
    count_gold_anew(gold_question_id=recall.gold_question_id)
    with transaction.atomic():
        due_now(Q(task__gold_question=recall.gold_question_id))
    if not _fit_anew(recall):
        return False
    recalls.note_withdrawn(recall_id=recall.pk, by=RECALL)
    return True


def _fit_anew(recall: GoldRecall) -> bool:
    fits = Fit.objects.filter(job__in=Task.objects.filter(gold_question=recall.gold_question_id).values("job"))
    jobs = list(fits.order_by("job").values_list("job", flat=True).distinct())
    if not jobs:
        return True
    # NumPy comes with the first fit, and only to the process that replays.
    from marketplace.services.fitting import fit_anew  # noqa: PLC0415

    return fit_anew(jobs)


@transaction.atomic
def _mark_anew(recall: GoldRecall, exam_id: UUID, worker_id: UUID) -> None:
    if exams.mark_anew(exam_id=exam_id, worker_id=worker_id, recall=recall, by=RECALL):
        note_moved(recall=recall, worker_id=worker_id, skill_id=recall.gold_question.skill_id)


@transaction.atomic
def _withdraw_answer(recall: GoldRecall, assignment_id: UUID) -> None:
    assignment = lock_turn(assignment_id)
    worker_id, skill_id, subject = assignment.worker_id, assignment.job.skill_id, f"assignment:{assignment.pk}"
    if scoring.withdraw_evidence(recall=recall, worker_id=worker_id, skill_id=skill_id, subject=subject, by=RECALL):
        note_moved(recall=recall, worker_id=worker_id, skill_id=skill_id)


def _lift(recall: GoldRecall) -> None:
    """Withdraw what was put before a person for a fall that would not have been, and ask again where they revoked."""
    for fall in ScoreFall.objects.filter(lifted_by=recall).select_related("score").order_by("pk"):
        told = Escalation.objects.filter(
            kind=Escalation.Kind.DECERTIFICATION,
            worker=fall.score.worker_id,
            subject=f"skill:{fall.score.skill_id}",
            details__evidence=fall.subject,
            details__floor=fall.floor,
        )
        for escalation_id in list(told.order_by("pk").values_list("pk", flat=True)):
            _lift_escalation(recall, fall, escalation_id)


@transaction.atomic
def _lift_escalation(recall: GoldRecall, fall: ScoreFall, escalation_id: UUID) -> None:
    escalation = lock_escalation(escalation_id)
    if escalation.state in Escalation.LIVE:
        why = f"the gold that it rested on was recalled: {recall.why}"
        move(escalation, Escalation.State.WITHDRAWN, by=RECALL, why=why)
    elif escalation.decision == "revoke" and escalation.decided_at is not None:
        worker_id, skill_id = fall.score.worker_id, fall.score.skill_id
        certifications.ask_again(worker_id=worker_id, skill_id=skill_id, revoked_at=escalation.decided_at, by=RECALL)


def _pay(recall: GoldRecall) -> bool:
    """Pay answers to the question that were refused pay because it was held to be right; whether all are."""
    rejected = Assignment.objects.filter(task__gold_question=recall.gold_question_id).filter(REJECTED_AS_WRONG)
    return pay_each(rejected.order_by("pk").values_list("pk", flat=True), recall=recall)


def _pay_what_is_the_label() -> None:
    """Of those that were rejected before their task was weighed again: whoever rejects one since sees its label."""
    relabelled = Reweighing.objects.exclude(outcome__in=_LABEL_STANDS).filter(recall__isnull=False)
    since = relabelled.filter(task=OuterRef("task"), at__gt=OuterRef("rejection__rejected_at"))
    rejected = Assignment.objects.filter(REJECTED_AS_WRONG, Exists(since), task__state=Task.State.RESOLVED)
    unpaid = []
    for turn in list(rejected.select_related("annotation", "task").order_by("pk")):
        if says_the_same(turn.version_id, turn.annotation.answer_key, turn.task.answer_key):
            last = relabelled.filter(task=turn.task).select_related("recall__recalled_by").latest("pk")
            assert last.recall is not None
            if not _paid(turn.pk, last.recall):
                unpaid.append(turn.pk)
    put_before_people(assignment_ids=unpaid)


_LABEL_STANDS: Final = (Reweighing.Outcome.CONFIRMED, Reweighing.Outcome.CERTIFIED)


@transaction.atomic
def _end(recall: GoldRecall) -> None:
    if not recalls.end_recall(recall_id=recall.pk, by=RECALL):
        return
    changed = Reweighing.objects.filter(recall=recall, outcome__in=[*_TOLD])
    for job_id, outcome, labels in (
        changed.values_list("task__job", "outcome").annotate(labels=Count("pk")).order_by("task__job", "outcome")
    ):
        client_id, title = Job.objects.values_list("client", "title").get(pk=job_id)
        told = f"In “{title}” ({job_id}), labels that {_TOLD[outcome]}: {labels}."
        tell_owners(client_id=client_id, notice="labels_reweighed", detail=told)


_TOLD: Final = {
    Reweighing.Outcome.RELABELLED.value: "are others now",
    Reweighing.Outcome.REOPENED.value: "are no longer sure enough and wait for a person",
}


def pay_each(assignment_ids: Iterable[UUID], *, recall: GoldRecall) -> bool:
    """Take the rejections of these assignments back, each in a transaction of its own; whether all could be paid."""
    unpaid = [assignment_id for assignment_id in list(assignment_ids) if not _paid(assignment_id, recall)]
    put_before_people(assignment_ids=unpaid)
    return not unpaid


def _paid(assignment_id: UUID, recall: GoldRecall) -> bool:
    try:
        _pay_after_all(assignment_id, recall)
    except InsufficientFunds:
        return False
    return True


@transaction.atomic
def _pay_after_all(assignment_id: UUID, recall: GoldRecall) -> None:
    """From the escrow of its job or, where its pay has gone back, from the client's funds; in the recaller's name."""
    job = lock_job(Assignment.objects.only("job_id").get(pk=assignment_id).job_id)
    assignment = lock_turn(assignment_id)
    rejection = standing_rejection(assignment)
    if assignment.state != Assignment.State.REJECTED or rejection is None:
        return
    if rejection.pay == Rejection.Pay.GONE_BACK:
        _hold_again(job, assignment)
    take_back([assignment], by=recall.recalled_by, actor=RECALL, why=f"the gold was recalled: {recall.why}")


def _hold_again(job: Job, assignment: Assignment) -> None:
    accounts = [
        AccountKey(Kind.JOB_ESCROW, job.billing_owner),
        AccountKey(Kind.CLIENT_FUNDS, job.client.billing_owner),
        AccountKey(Kind.PLATFORM_FEES, job.billing_owner),
        AccountKey(Kind.WORKER_EARNINGS, f"worker:{assignment.worker_id}"),
    ]
    ledger.lock_accounts(accounts=accounts, currency=job.currency)
    price: Money = assignment.reward + assignment.fee
    missing = worst_case_left(job) + price - held_by(job)
    if missing.minor > 0:
        escrow.hold_more(job_owner=job.billing_owner, client_owner=job.client.billing_owner, amount=missing)

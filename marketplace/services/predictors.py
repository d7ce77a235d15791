"""Predictors in running jobs: each is measured on what people say, and let accept or stopped as audits have it.

A sweep does it, so that answers never wait for a model's counters, and a model that is wrong stops within seconds.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from kernel import clock
from kernel.errors import Refused
from kernel.flow import move
from kernel.services.audit import Actor, record
from marketplace.models import AutoAcceptance, Escalation, Job, PredictionCheck, Predictor
from marketplace.queries import schema_of
from marketplace.services.auto_acceptance import accept_predictions
from marketplace.services.clients import tell_owners
from marketplace.services.escalations import open_escalation
from marketplace.services.posting import lock_job
from qualification.labels.results import Answer
from qualification.labels.similarity import agrees
from qualification.queries import TRUSTED_GOLD
from qualification.statistics.automation.bound import Audits, Checked, Threshold, is_broken, lowest_threshold
from qualification.statistics.automation.drift import Drift, watch
from qualification.statistics.automation.voter import Check, candidates_of, measured_accuracy, written_rates

logger = logging.getLogger(__name__)

AUTOMATION: Final = Actor.system("automation")
SHARES: Final = (0.2, 0.4, 0.6, 0.8, 1.0)
"""The shares of its surest predictions that a predictor may come to be trusted with."""

MOST_CONFUSED: Final = 1_000
"""Pairs of truth and prediction that a confusion is kept for; answers that are drawn or written soon have more."""

MOST_WEIGHED: Final = 20_000
"""Pairs beyond which a model is weighed by one accuracy: all are read while the job is locked."""


def tend_predictors() -> int:
    """Measure the predictors of running jobs, let them accept or stop them, and accept what they predict.

    Each job in a transaction of its own, and one that fails does not hold up the others; returns how many tasks were
    given their label by a prediction.
    """
    running = Predictor.objects.filter(job__state__in=[Job.State.OPEN, Job.State.PAUSED])
    jobs = running.exclude(state=Predictor.State.STOPPED).order_by("job_id").values_list("job_id", flat=True).distinct()
    return sum(map(_tend, list(jobs)))


def _tend(job_id: UUID) -> int:
    try:
        with transaction.atomic():
            job = lock_job(job_id)
            if job.state in Job.ENDED:
                return 0
            trusted = _judge_all(job)
            if job.state != Job.State.OPEN:
                return 0
            # All are judged before any accepts, so that two that contradict each other are both known.
            return sum(accept_predictions(each, audits=found.audits, by=AUTOMATION) for each, found in trusted)
    except (Refused, DatabaseError):
        logger.exception("The predictors of job %s could not be tended.", job_id)
        return 0


def _judge_all(job: Job) -> list[tuple[Predictor, Threshold]]:
    """Measure and judge each predictor of a locked job; those that may accept now, with what they are trusted for."""
    trusted = []
    going_on = Predictor.objects.select_for_update(no_key=True, of=("self",)).exclude(state=Predictor.State.STOPPED)
    for predictor in going_on.filter(job=job).order_by("created_at", "pk").select_related("job"):
        if write_checks(predictor):
            _count(predictor)
        if job.allowed_error_basis_points is None:
            continue
        found = _judge(predictor, _audits_of(predictor, job), allowed=job.allowed_error_basis_points / 10_000)
        if found is not None and not _is_an_audit_unanswered(predictor, job):
            trusted.append((predictor, found))
    return trusted


def write_checks(predictor: Predictor) -> int:
    """Compare the predictor's predictions with truths that have become known since; how many.

    What is no choice is right when it is as near as an answer to gold would have to be.
    """
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, {"predictor": predictor.pk})
        found: list[tuple[int, str, str, str]] = cursor.fetchall()
    if not found:
        return 0
    schema = schema_of(predictor.job.versions.latest("number").pk)
    now = clock.now()
    PredictionCheck.objects.bulk_create(
        PredictionCheck(
            prediction_id=pk,
            source=source,
            truth_key=truth,
            is_right=agrees(Answer.from_key(said), Answer.from_key(truth), schema),
            at=now,
        )
        for pk, said, source, truth in found
    )
    return len(found)


# A prediction that voted is not asked for its own truth: there it is what most people say, where most say one thing.
_KNOWN: Final = f"""
SELECT prediction.id, prediction.answer_key, known.source, known.truth
FROM marketplace_prediction prediction
JOIN marketplace_task task ON task.id = prediction.task_id
LEFT JOIN {TRUSTED_GOLD} trusted ON trusted.id = task.gold_question_id
CROSS JOIN LATERAL (
    SELECT 'gold' AS source, trusted.answer_key AS truth WHERE trusted.id IS NOT NULL
    UNION ALL
    SELECT 'audit', task.answer_key WHERE trusted.id IS NULL AND prediction.is_audit
    UNION ALL
    SELECT 'work', CASE WHEN task.method = 'adjudication' THEN task.answer_key ELSE task.majority_key END
    WHERE trusted.id IS NULL AND NOT prediction.is_audit
      AND (task.method = 'adjudication' OR task.majority_share > 0.5)
) known
WHERE prediction.predictor_id = %(predictor)s
  AND (trusted.id IS NOT NULL OR task.gold_question_id IS NULL
       AND task.state = 'resolved' AND task.method IN ('consensus', 'adjudication'))
  AND NOT EXISTS (SELECT FROM marketplace_predictioncheck done WHERE done.prediction_id = prediction.id)
ORDER BY task.resolved_at, prediction.id LIMIT 2000
"""  # noqa: S608  (all of it ours)


def count_gold_anew(*, gold_question_id: UUID) -> None:
    """Count the checks of the predictors that predicted this gold again, now that it is trusted no more, or again."""
    predicted = Predictor.objects.filter(predictions__task__gold_question=gold_question_id)
    for job_id in list(predicted.order_by("job_id").values_list("job_id", flat=True).distinct()):
        _count_anew(job_id)


@transaction.atomic
def _count_anew(job_id: UUID) -> None:
    """Of all predictors of the job, of stopped ones too."""
    lock_job(job_id)
    predictors = Predictor.objects.select_for_update(no_key=True).filter(job=job_id)
    for predictor in predictors.order_by("created_at", "pk"):
        _count(predictor)


def _count(predictor: Predictor) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, [predictor.pk])
        rows: list[tuple[str, str, bool, int]] = cursor.fetchall()
    confusion: dict[str, dict[str, int]] = {}
    for truth, said, _, number in rows if len(rows) <= MOST_CONFUSED else ():
        confusion.setdefault(truth, {})[said] = number
    predictor.right = sum(number for *_, is_right, number in rows if is_right)
    predictor.wrong = sum(number for *_, is_right, number in rows if not is_right)
    predictor.confusion = confusion
    predictor.error_rates = _rates_of(predictor, [(truth, said, number) for truth, said, _, number in rows])
    predictor.save(update_fields=["right", "wrong", "confusion", "error_rates"])


def _rates_of(predictor: Predictor, checks: Sequence[Check]) -> list[dict[str, Any]]:
    if len(checks) > MOST_WEIGHED:
        return []
    schema = schema_of(predictor.job.versions.latest("number").pk)
    accuracy = measured_accuracy(right=predictor.right, wrong=predictor.wrong, candidates=candidates_of(schema))
    return written_rates(checks, schema=schema, accuracy=accuracy)


# A check is a fact and stays, also one by gold that was wrong or is doubted; only that it is not counted.
_COUNTED: Final = f"""
SELECT made.truth_key, prediction.answer_key, made.is_right, count(*)
FROM marketplace_predictioncheck made
JOIN marketplace_prediction prediction ON prediction.id = made.prediction_id
JOIN marketplace_task task ON task.id = prediction.task_id
LEFT JOIN {TRUSTED_GOLD} trusted ON trusted.id = task.gold_question_id
WHERE prediction.predictor_id = %s AND (task.gold_question_id IS NULL OR trusted.id IS NOT NULL)
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2
"""  # noqa: S608  (all of it ours)


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit that people have answered. One that they cannot agree upon counts as wrong until it is decided."""

    score: float
    is_right: bool
    predicted: str
    truth: str | None
    at: datetime | None


def _audits_of(predictor: Predictor, job: Job) -> list[Audit]:
    with connection.cursor() as cursor:
        cursor.execute(_AUDITS, {"predictor": predictor.pk, "overlap": job.overlap_min})
        return [Audit(*row) for row in cursor.fetchall()]


_ANSWERS: Final = """
(SELECT count(*) FROM marketplace_assignment turn
 WHERE turn.task_id = task.id AND turn.state IN ('submitted', 'accepted', 'rejected'))
"""
# Which audits are answered first says nothing about them. Which of them are undecided then, does: the hard ones.
_AUDITS: Final = f"""
SELECT prediction.score, coalesce(made.is_right, false), prediction.answer_key, made.truth_key, made.at
FROM marketplace_prediction prediction JOIN marketplace_task task ON task.id = prediction.task_id
LEFT JOIN marketplace_predictioncheck made ON made.prediction_id = prediction.id
WHERE prediction.predictor_id = %(predictor)s AND prediction.is_audit
  AND (made.prediction_id IS NOT NULL OR task.state = 'in_adjudication'
       OR task.state = 'open' AND {_ANSWERS} >= %(overlap)s)
ORDER BY made.at, prediction.id
"""  # noqa: S608  (all of it ours)


def _is_an_audit_unanswered(predictor: Predictor, job: Job) -> bool:
    """Whether people have not answered all audits yet: predictions that came later are not accepted before theirs."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT EXISTS (
                SELECT FROM marketplace_prediction prediction JOIN marketplace_task task ON task.id = prediction.task_id
                WHERE prediction.predictor_id = %(predictor)s AND prediction.is_audit AND task.state = 'open'
                  AND {_ANSWERS} < %(overlap)s)
            """,  # noqa: S608  (all of it ours)
            {"predictor": predictor.pk, "overlap": job.overlap_min},
        )
        return bool(cursor.fetchone()[0])


def _judge(predictor: Predictor, audits: Sequence[Audit], *, allowed: float) -> Threshold | None:
    """The threshold that holds now, if any; the predictor's state follows."""
    if not audits:
        return None
    if reason := _reason_to_stop(predictor, audits, allowed):
        stop_predictor(predictor, because=reason)
        _put_before_people(predictor)
        return None
    if not predictor.thresholds:
        predictor.thresholds = _scores_of_shares(predictor)
        predictor.save(update_fields=["thresholds"])
    checks = [Checked(audit.score, audit.is_right) for audit in audits]
    found = lowest_threshold(checks, thresholds=predictor.thresholds, allowed=allowed)
    if found is None:
        _measure_on(predictor)
    else:
        _accept_from(predictor, found)
    return found


def _reason_to_stop(predictor: Predictor, audits: Sequence[Audit], allowed: float) -> str:
    drift = watch([(audit.predicted, audit.truth) for audit in audits if audit.truth is not None])
    if drift is not None and drift.has_drifted:
        return _told(drift)
    since, threshold = predictor.accepting_since, predictor.threshold
    if since is None or threshold is None:
        return ""
    later = [audit for audit in audits if audit.score >= threshold and audit.at is not None and audit.at > since]
    audited = Audits(number=len(later), wrong=sum(not audit.is_right for audit in later))
    if is_broken(audited, allowed=allowed):
        wrong = f"{audited.wrong} of {audited.number} audits since it was let accept were wrong"
        return f"The error is above the {allowed:.2%} that are allowed: {wrong}."
    return ""


def _told(drift: Drift) -> str:
    shifts = {"predictions": drift.predictions, "people's labels": drift.labels}
    what, shift = min(shifts.items(), key=lambda each: each[1].p_value)
    return (
        f"The {what} have drifted: in window {drift.window} of the audits their stability index is "
        f"{shift.stability_index:.2f} (p = {shift.p_value:.1g})."
    )


def stop_predictor(predictor: Predictor, *, because: str) -> None:
    """Let a locked predictor accept nothing any more, nor vote; what it has accepted stays."""
    predictor.threshold, predictor.stopped_because = None, because
    move(predictor, Predictor.State.STOPPED, by=AUTOMATION, why=because, fields=["threshold", "stopped_because"])


def _put_before_people(predictor: Predictor) -> None:
    """That a model errs more than its client allows is looked at by an admin, and its client told what to do."""
    labels = AutoAcceptance.objects.filter(prediction__predictor=predictor).count()
    told = f"The model {predictor} was stopped in job {predictor.job_id}. {predictor.stopped_because}"
    open_escalation(
        kind=Escalation.Kind.AUTOMATION_STOPPED,
        by=AUTOMATION,
        why=predictor.stopped_because,
        job=predictor.job,
        subject=f"predictor:{predictor.pk}",
        details={"model": str(predictor), "because": predictor.stopped_because, "labels_given": labels},
    )
    detail = f"{told} It had given {labels} labels without a person."
    tell_owners(client_id=predictor.job.client_id, notice="automation_stopped", detail=detail)


def _measure_on(predictor: Predictor) -> None:
    if predictor.state == Predictor.State.ACCEPTING:
        predictor.threshold = None
        why = "the bound of its error does not hold any more"
        move(predictor, Predictor.State.MEASURING, by=AUTOMATION, why=why, fields=["threshold"])


def _accept_from(predictor: Predictor, found: Threshold) -> None:
    before = predictor.threshold
    predictor.threshold, predictor.error_bound = found.score, found.error_bound
    details = {"threshold": found.score, "error_bound": round(found.error_bound, 6)}
    if predictor.state == Predictor.State.MEASURING:
        predictor.accepting_since = predictor.accepting_since or clock.now()
        why = f"of {found.audits.number} audits {found.audits.wrong} were wrong"
        fields = ["threshold", "error_bound", "accepting_since"]
        move(predictor, Predictor.State.ACCEPTING, by=AUTOMATION, why=why, fields=fields, details=details)
        return
    predictor.save(update_fields=["threshold", "error_bound"])
    if before != found.score:
        record(action="predictor.threshold_moved", subject=predictor, by=AUTOMATION, details=details)


def _scores_of_shares(predictor: Predictor) -> list[float]:
    """The scores at or above which each of `SHARES` of the predictions stand."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY prediction.score DESC)
            FROM marketplace_prediction prediction JOIN marketplace_task task ON task.id = prediction.task_id
            WHERE prediction.predictor_id = %s AND task.gold_question_id IS NULL
            """,
            [list(SHARES), predictor.pk],
        )
        return sorted(set(cursor.fetchone()[0]))

"""Claiming: which task a worker gets next, and what they are told when there is none."""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from kernel import clock
from kernel.errors import NotFound, Refused
from kernel.rows import Columns, insert, planned_cursor
from kernel.services.audit import Actor, telling
from marketplace.models import Assignment, Job
from marketplace.queries.fits import LATEST_FIT
from marketplace.services import eligibility
from marketplace.services.eligibility import NotEligible
from marketplace.services.empty_claims import note_empty_claims
from marketplace.services.expiry import expire_if_overdue
from marketplace.services.pricing import price_list_of
from marketplace.services.slots import CHANCE, Turn, is_anything_free, take_slot
from qualification import queries as qualification_queries
from qualification.statistics.gold_rate import gold_rate
from workforce.models import Worker

JOBS_LOOKED_AT = 20


class NothingToDo(Refused):
    """There is no task for this worker now. ``details["reasons"]`` says why, job by job.

    That they asked jobs where all was taken is noted, and stays so (`marketplace.services.empty_claims`).
    """

    code = "nothing_to_do"
    keeps_facts = True

    @property
    def all_taken_in(self) -> list[UUID]:
        """The jobs that may be worked in, and had no free task for anybody."""
        reasons: Any = self.details.get("reasons", [self.details])
        return [UUID(each["job"]) for each in reasons if each["reason"] == "all_taken"]


class AlreadyReserved(Refused):
    """One reservation at a time: the worker holds an assignment elsewhere."""

    code = "already_reserved"


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of a claim: an assignment, and whether it is new or was held before."""

    assignment: Assignment
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Situation:
    """What a claim needs to know of worker and job, as of one query.

    ``bound`` is the score that sets the price; ``gold_answers`` and ``missed_last`` are the worker's record on gold;
    ``is_sure`` says that they are among the job's surest workers, by its latest fit.
    """

    worker: Worker
    job: Job
    version_id: UUID
    is_tied: bool
    bound: float
    gold_answers: float
    missed_last: bool
    is_sure: bool


class _Holds(Exception):
    """The worker has a reservation already."""


class _PricesChanged(Exception):
    """The prices that were looked at are no longer in force."""


def claim_task(
    *,
    worker: Worker,
    job_id: UUID | None = None,
    chance: random.Random = CHANCE,
    among: Collection[UUID] | None = None,
) -> Assignment:
    """The assignment of ``claim_or_keep``, be it new or not."""
    return claim_or_keep(worker=worker, job_id=job_id, chance=chance, among=among).assignment


def claim_or_keep(
    *,
    worker: Worker,
    job_id: UUID | None = None,
    chance: random.Random = CHANCE,
    among: Collection[UUID] | None = None,
) -> Claim:
    """Reserve a task for ``worker``, in the named job or in the first open job that has one for them.

    A worker holds one reservation at a time: claiming again returns the assignment that is still active. Price and
    version are those of now. ``among`` names the only tasks that a new reservation may be of, where somebody else
    decides what this worker is offered. Raises NotEligible (a rule), NothingToDo (no turn is left), AlreadyReserved
    (busy in another job) or NotFound.
    """
    while True:
        try:
            return _new_claim(worker=worker, job_id=job_id, chance=chance, among=among)
        except _Holds:
            held = _held_assignment(worker)
            if held is not None:
                return _still_held(held, job_id)
        except _PricesChanged:
            continue
        # What was held had run out and was given back just now, or another tab has answered it: so once more.


def _new_claim(*, worker: Worker, job_id: UUID | None, chance: random.Random, among: Collection[UUID] | None) -> Claim:
    try:
        if job_id is not None:
            return Claim(_claim_in(worker=worker, job_id=job_id, chance=chance, among=among), is_new=True)
        return Claim(_claim_anywhere(worker=worker, chance=chance, among=among), is_new=True)
    except NothingToDo as nothing:
        note_empty_claims(worker_id=worker.pk, job_ids=nothing.all_taken_in)
        raise
    except IntegrityError as error:
        # Two tabs of one worker met at "one reservation at a time": the other one has won.
        if "one_reservation_at_a_time" not in str(error):
            raise
        raise _Holds from error


def _of(worker: Worker) -> QuerySet[Assignment]:
    return Assignment.objects.filter(worker=worker, state=Assignment.State.ACTIVE)


def _held_assignment(worker: Worker) -> Assignment | None:
    held = _of(worker).first()
    if held is not None and expire_if_overdue(assignment_id=held.pk):
        return None
    return held


def _still_held(held: Assignment, job_id: UUID | None) -> Claim:
    if job_id is not None and held.job_id != job_id:
        raise AlreadyReserved(
            f"You hold assignment {held.pk} in another job. Submit or return it, then claim here.",
            {"assignment": str(held.pk), "job": str(held.job_id)},
        )
    return Claim(held, is_new=False)


def _claim_anywhere(*, worker: Worker, chance: random.Random, among: Collection[UUID] | None) -> Assignment:
    if _of(worker).exists():
        raise _Holds
    reasons: list[dict[str, object]] = []
    for job_id in eligibility.likeliest_jobs(worker.pk).values_list("pk", flat=True)[:JOBS_LOOKED_AT]:
        try:
            return _claim_in(worker=worker, job_id=job_id, chance=chance, among=among)
        except (NotEligible, NothingToDo) as refusal:
            reasons.append({"message": refusal.message, **refusal.details})
            if refusal.details.get("reason") in {"worker_paused", "worker_suspended", "worker_offboarded"}:
                raise
    if not reasons:
        raise NothingToDo("No job is open now. Come back later.", {"reason": "no_open_job", "reasons": []})
    raise NothingToDo(
        f"None of the {len(reasons)} open jobs has a task for you now; `reasons` says why for each.",
        {"reason": "none_fits", "reasons": reasons},
    )


def _claim_in(*, worker: Worker, job_id: UUID, chance: random.Random, among: Collection[UUID] | None) -> Assignment:
    situation = _situation(worker_id=worker.pk, job_id=job_id)
    for refusal in (
        eligibility.standing_refusal(situation.worker),
        eligibility.state_refusal(situation.job),
        eligibility.tie_refusal(situation.job, is_tied=situation.is_tied),
    ):
        if refusal is not None:
            raise refusal
    _require_skills(worker_id=worker.pk, job_id=job_id)
    return _reserve(situation, chance, among)


@transaction.atomic
def _reserve(situation: _Situation, chance: random.Random, among: Collection[UUID] | None) -> Assignment:
    _count_claim(situation)
    turn = _take(situation, chance, among)
    if turn is None:
        raise _nothing_left(situation.job.pk)
    now, job = clock.now(), situation.job
    price = price_list_of(job.pk, job.price_list).price_of(turn.band, bound=situation.bound)
    assignment = Assignment(
        task=turn.task,
        job=job,
        worker=situation.worker,
        version_id=situation.version_id,
        ordinal=turn.ordinal,
        lane=turn.lane,
        price=price,
        reward_minor=price.reward_minor,
        fee_minor=price.fee_minor,
        currency=price.currency,
        claimed_at=now,
        expires_at=now + timedelta(seconds=job.reservation_seconds),
    )
    by = Actor("user", str(situation.worker.user_id))
    told = telling(action="assignment.claimed", subject=assignment, by=by, to_state="active")
    insert(assignment, beside=told)
    return assignment


def _situation(*, worker_id: UUID, job_id: UUID) -> _Situation:
    given: dict[str, Any] = {
        "worker": worker_id,
        "job": job_id,
        "today": clock.now().date(),
        "not_offered": [Job.State.DRAFT.value, Job.State.AWAITING_FUNDS.value],
    }
    with planned_cursor() as cursor:
        cursor.execute(_SITUATION, given | {"unmeasured": qualification_queries.UNMEASURED.lower_bound()})
        is_tied, is_held, version_id, bound, gold_answers, missed_last, is_sure, *rest = cursor.fetchone()
    if is_held:
        raise _Holds
    if version_id is None:
        raise NotFound("job")
    known, asked = _WORKER.row(rest[: len(_WORKER)]), _JOB.row(rest[len(_WORKER) :])
    return _Situation(known, asked, version_id, is_tied, bound, gold_answers, missed_last, is_sure)


_WORKER: Final = Columns(Worker, "worker")
_JOB: Final = Columns(Job, "marketplace_job")
_SITUATION: Final = f"""
SELECT ({eligibility.TIED.replace("%s", "%(worker)s")}) AS is_tied, held.id IS NOT NULL AS is_held,
       (SELECT id FROM marketplace_jobversion version WHERE version.job_id = marketplace_job.id
        ORDER BY number DESC LIMIT 1) AS version_id,
       coalesce((SELECT {qualification_queries.SETTLED_BOUND} FROM qualification_score own WHERE own.id = score.id),
                %(unmeasured)s) AS bound,
       coalesce(score.correct + score.wrong, 0) AS gold_answers,
       coalesce((SELECT NOT evidence.correct FROM qualification_scoreevidence evidence
                 WHERE evidence.score_id = score.id AND NOT EXISTS (
                     SELECT FROM qualification_withdrawnevidence gone WHERE gone.evidence_id = evidence.id)
                 ORDER BY evidence.at DESC, evidence.id DESC LIMIT 1), false),
       coalesce((SELECT known.is_sure FROM ({LATEST_FIT}) latest JOIN marketplace_fittedworker known
                 ON known.fit_id = latest.id AND known.worker_id = worker.id), false),
       {_WORKER.selected}, {_JOB.selected}
FROM workforce_worker worker
LEFT JOIN marketplace_job ON marketplace_job.state <> ALL(%(not_offered)s) AND marketplace_job.id = %(job)s
LEFT JOIN qualification_score score ON score.worker_id = worker.id AND score.skill_id = marketplace_job.skill_id
LEFT JOIN marketplace_assignment held ON held.worker_id = worker.id AND held.state = 'active'
WHERE worker.id = %(worker)s
"""  # noqa: S608  (all of it ours)


def _require_skills(*, worker_id: UUID, job_id: UUID) -> None:
    asked = eligibility.requirements_of(job_id)
    unmet = qualification_queries.unmet_requirements(worker_id=worker_id, requirements=asked)
    if unmet:
        raise eligibility.skills_refusal(unmet, job_id)


def _count_claim(situation: _Situation) -> None:
    # A per-worker counter: it enforces the cap without a count and makes two tabs of one worker go one after the other.
    # The commit need not wait for the disk: a claim that a crash forgets is only claimed anew (ADR 0008).
    # The key of the job is held from here on, so that no other prices come into force before the claim ends.
    job, cap = situation.job, situation.job.max_assignments_per_worker
    with planned_cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO marketplace_participation AS known (job_id, worker_id, claims)
            SELECT job.id, %s::uuid, 1 FROM marketplace_job job WHERE job.id = %s AND job.price_list = %s FOR KEY SHARE
            ON CONFLICT (job_id, worker_id) DO UPDATE SET claims = known.claims + 1
            WHERE %s::integer IS NULL OR known.claims < %s RETURNING set_config('synchronous_commit', 'off', true)
            """,
            [situation.worker.pk, job.pk, job.price_list, cap, cap],
        )
        if cursor.fetchone() is None:
            if Job.objects.get(pk=job.pk).price_list != job.price_list:
                raise _PricesChanged
            raise eligibility.cap_refusal(job)


def _take(situation: _Situation, chance: random.Random, among: Collection[UUID] | None) -> Turn | None:
    rate = gold_rate(
        share=situation.job.gold_share_basis_points / 10_000,
        answers=situation.gold_answers,
        missed_last=situation.missed_last,
    )
    is_golds_turn = chance.random() < rate
    return take_slot(
        job_id=situation.job.pk,
        worker_id=situation.worker.pk,
        is_sure=situation.is_sure,
        gold_first=is_golds_turn,
        chance=chance,
        among=among,
    )


def _nothing_left(job_id: UUID) -> NothingToDo:
    if is_anything_free(job_id=job_id):
        message = "You have had a turn at every task that is still open in this job."
        return NothingToDo(message, {"reason": "nothing_left_for_you", "job": str(job_id)})
    return NothingToDo(eligibility.ALL_TAKEN, {"reason": "all_taken", "job": str(job_id)})

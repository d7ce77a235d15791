"""The breaker: who rejects against evidence, or far more than expected, rejects no more until somebody has looked.

Answers that wait go on being accepted by silence, and paid; the pay of the wave of rejections is held. A rule stops, a
person decides.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from kernel import clock
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import WrongState, move
from kernel.models import User
from kernel.rows import insert
from kernel.services.audit import Actor, telling
from kernel.text import clean_text
from marketplace.models import Assignment, Breaker, Escalation, Job, Rejection, Task
from marketplace.queries import schema_of
from marketplace.services.beliefs import belief_of
from marketplace.services.escalations import (
    NotYours,
    lock_escalation,
    mark_decided,
    open_escalation,
    require_mine_or_free,
)
from marketplace.services.posting import lock_job
from marketplace.services.reversal import take_back
from qualification.queries import UNMEASURED, trusted_gold
from qualification.statistics.rejections import excess_of_rejections

DECISIONS: Final = ("reset", "reverse")
BREAKER: Final = Actor.system("rejection_breaker")

VERSION: Final = 1
MOST_AGAINST_EVIDENCE: Final = 3
FALSE_ALARMS: Final = 0.0005
LEAST_EXPECTED: Final = 0.05
"""So many answers of a hundred may be rejected whoever gave them: there are other reasons than being wrong."""

PROVEN_FROM: Final = 0.9
"""From this lower bound of their score on, workers are looked at by themselves."""


class RejectionsFrozen(Refused):
    """The breaker of the job has tripped: nothing is rejected until an admin has looked at what was."""

    code = "rejections_frozen"


@dataclass(frozen=True, slots=True)
class Counts:
    """Answers of a job that wait or were decided lately, how many were rejected; and the same of proven workers."""

    rejected: int
    answers: int
    expected_rate: float
    proven_rejected: int
    proven_answers: int
    proven_expected_rate: float


def require_unbroken(job: Job) -> None:
    """Refuse a rejection in a locked job whose breaker has tripped."""
    tripped = Breaker.objects.filter(job=job, state=Breaker.State.TRIPPED).first()
    if tripped is not None:
        raise RejectionsFrozen(
            f"Rejections in this job were stopped on {tripped.tripped_at:%Y-%m-%d %H:%M} UTC, because they go against "
            "what is known of the answers. An admin looks at them; answers that wait are accepted meanwhile.",
            {"escalation": str(tripped.escalation_id), "rule": tripped.rule},
        )


def evidence_for(assignment: Assignment) -> Rejection.Contradicts:
    """What, independent of this locked answer, says that it is right."""
    task, key = assignment.task, assignment.annotation.answer_key
    if task.gold_question_id is not None:
        is_right = trusted_gold().filter(pk=task.gold_question_id, answer_key=key).exists()
        return Rejection.Contradicts.GOLD if is_right else Rejection.Contradicts.NOTHING
    if task.state != Task.State.RESOLVED or key != task.answer_key:
        return Rejection.Contradicts.NOTHING
    if task.method == Task.Method.ADJUDICATION:
        return Rejection.Contradicts.ADJUDICATION
    schema = schema_of(assignment.version_id)
    # Those that were rejected too: whoever rejects them all does not silence them by that.
    others = belief_of(
        task=task, job=assignment.job, schema=schema, without=assignment.pk, by_models=False, by_rejected=True
    )
    if others is None:
        return Rejection.Contradicts.NOTHING
    belief = others.posterior
    is_reached = belief.leader.key == key and belief.confidence >= assignment.job.confidence_basis_points / 10_000
    return Rejection.Contradicts.CONSENSUS if is_reached else Rejection.Contradicts.NOTHING


def trip_if_due(job: Job) -> Breaker | None:
    """Stop rejections in a locked job if its latest, already written, goes too far; the wave that did is then held."""
    since = _wave_begins(job)
    wave = Rejection.objects.filter(assignment__job=job, reversed_at__isnull=True, rejected_at__gt=since)
    against = list(
        wave.exclude(contradicts="").order_by("rejected_at", "id").values_list("assignment_id", "contradicts")
    )
    counts = _count(job, since)
    rule = "against_evidence" if len(against) >= MOST_AGAINST_EVIDENCE else _rule_broken(counts)
    if rule is None:
        return None
    inputs = {
        **asdict(counts),
        "since": since.isoformat(),
        "against_evidence": [{"assignment": str(pk), "contradicts": what} for pk, what in against],
        "most_against_evidence": MOST_AGAINST_EVIDENCE,
        "false_alarms": FALSE_ALARMS,
    }
    return trip(job, rule=rule, inputs=inputs, wave=list(wave.values_list("pk", flat=True)))


def _rule_broken(counts: Counts) -> str | None:
    seen = {
        "far_above_expected": (counts.rejected, counts.answers, counts.expected_rate),
        "proven_workers": (counts.proven_rejected, counts.proven_answers, counts.proven_expected_rate),
    }
    for rule, (rejected, answers, rate) in seen.items():
        excess = excess_of_rejections(rejected=rejected, answers=answers, expected_rate=rate, false_alarms=FALSE_ALARMS)
        if excess.is_far_above:
            return rule
    return None


def trip(job: Job, *, rule: str, inputs: dict[str, Any], wave: list[UUID]) -> Breaker:
    """Stop rejections in a locked job, hold the pay of a ``wave`` of them, and put both before a person."""
    why = f"rejections were stopped by the rule {rule}, version {VERSION}"
    evidence = {"rule": rule, "version": VERSION, **inputs}
    escalation = open_escalation(
        kind=Escalation.Kind.REJECTION_BREAKER, by=BREAKER, why=why, job=job, subject=f"job:{job.pk}", details=evidence
    )
    breaker = Breaker(job=job, escalation=escalation, rule=rule, version=VERSION, inputs=inputs)
    told = telling(
        action="breaker.tripped", subject=breaker, by=BREAKER, why=why, to_state=breaker.state, details=evidence
    )
    insert(breaker, beside=told)
    Rejection.objects.filter(pk__in=wave).update(breaker=breaker)
    return breaker


def _wave_begins(job: Job) -> datetime:
    """When the rejections that count began: a week ago, as older ones are final, or when a person last decided."""
    a_week_ago = clock.now() - Rejection.REVERSIBLE_FOR
    last = Breaker.objects.filter(job=job, decided_at__isnull=False).order_by("-decided_at").first()
    return max(a_week_ago, last.decided_at) if last is not None and last.decided_at is not None else a_week_ago


def _count(job: Job, since: datetime) -> Counts:
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT, {"job": job.pk, "skill": job.skill_id, "since": since, "proven": PROVEN_FROM, "of": UNMEASURED.mean}
        )
        rejected, answers, wrong, proven_rejected, proven_answers, proven_wrong = cursor.fetchone()
    return Counts(
        rejected,
        answers,
        _expected(wrong, answers),
        proven_rejected,
        proven_answers,
        _expected(proven_wrong, proven_answers),
    )


def _expected(wrong: float, answers: int) -> float:
    return min(max(LEAST_EXPECTED, wrong / answers if answers else 0.0), 0.999)


# What was decided before could not be rejected since: in a job with a past it would hide any number of rejections.
# Of proven workers the lower bound is what is sure of them, so that the expectation is the highest that is likely.
_COUNT: Final = """
SELECT count(rejection.id), count(*), coalesce(sum(1 - coalesce(score.estimate, %(of)s)), 0)::float8,
       count(rejection.id) FILTER (WHERE score.lower_bound >= %(proven)s),
       count(*) FILTER (WHERE score.lower_bound >= %(proven)s),
       coalesce(sum(1 - score.lower_bound) FILTER (WHERE score.lower_bound >= %(proven)s), 0)::float8
FROM marketplace_assignment turn
LEFT JOIN marketplace_rejection rejection
  ON rejection.assignment_id = turn.id AND rejection.reversed_at IS NULL AND rejection.rejected_at > %(since)s
LEFT JOIN qualification_score score ON score.worker_id = turn.worker_id AND score.skill_id = %(skill)s
WHERE turn.job_id = %(job)s AND turn.lane = 0
  AND (turn.state = 'submitted' OR turn.state IN ('accepted', 'rejected') AND turn.decided_at > %(since)s)
"""


@transaction.atomic
def decide_breaker(*, escalation_id: UUID, decision: str, note: str, by: User) -> Escalation:
    """``reset`` the breaker, so that the rejections stand and others may follow, or ``reverse`` the wave: all are paid.

    Raises Invalid, NotFound, NotYours or WrongState.
    """
    if decision not in DECISIONS:
        raise Invalid(f"{decision!r} is not a decision. Possible: {', '.join(DECISIONS)}.")
    note = clean_text(note, what="note", field="note", longest=2000)
    found = Breaker.objects.filter(escalation=escalation_id).first()
    if found is None:
        raise NotFound("breaker")
    lock_job(found.job_id)
    wave = _locked_wave(found) if decision == "reverse" else []
    escalation = lock_escalation(escalation_id)
    breaker = Breaker.objects.select_for_update(no_key=True).get(pk=found.pk)
    require_mine_or_free(escalation, by)
    if Rejection.objects.filter(breaker=breaker, rejected_by=by).exists():
        raise NotYours("You rejected some of these answers, and nobody decides about their own. Another admin must.")
    if breaker.state != Breaker.State.TRIPPED:
        raise WrongState(f"The breaker is {breaker.state}, which was decided before.")
    mark_decided(escalation, by=by, decision=decision, note=note)
    breaker.decided_at, breaker.decided_by, breaker.note = clock.now(), by, note
    to = Breaker.State.REVERSED if decision == "reverse" else Breaker.State.RESET
    move(breaker, to, by=Actor.user(by), why=note, fields=["decided_at", "decided_by", "note"])
    if wave:
        take_back(wave, by=by, actor=Actor.user(by), why=note)
    return escalation


def _locked_wave(breaker: Breaker) -> list[Assignment]:
    """The answers that are still rejected, locked: tasks first, then turns, each by ascending id."""
    turns = Assignment.objects.filter(rejection__breaker=breaker)
    tasks = Task.objects.filter(pk__in=turns.values("task")).select_for_update(no_key=True).order_by("pk")
    list(tasks.values_list("pk", flat=True))
    locked = turns.filter(state=Assignment.State.REJECTED).select_for_update(no_key=True, of=("self",)).order_by("pk")
    return list(locked.select_related("task", "job", "worker"))

"""The look for signals: each night over the answers of every job that got some, up to the last midnight (ADR 0039).

What is found is put before a person and changes nothing else. Today's answers are left out, so that nothing can move
with an answer to gold that was just given.
"""

import logging
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from kernel import clock
from kernel.flow import move
from kernel.rows import insert
from kernel.services.audit import Actor, telling
from marketplace.models import Assignment, Escalation, Job, Signal, SignalLook, Task
from marketplace.queries.turns import Found, TurnsRead, read_turns
from marketplace.services.escalations import lock_escalation, open_escalation
from qualification.statistics.signals.budget import is_flag

logger = logging.getLogger(__name__)

WINDOW: Final = timedelta(days=90)
FEWEST_ANSWERS: Final = 160
"""Below, nothing can be said: eight workers with twenty answers each."""

LOOKED_AT_ONCE: Final = 50
LOOKER: Final = Actor.system("signals")

Key = tuple[UUID, str]
"""A worker and the name of a signal."""


def look_for_signals() -> int:
    """Look at the jobs that have answers of days they were not looked at, each in a transaction of its own; how many.

    And at those whose gold was recalled since: what rested on it need not show any more. Looking again on the same day
    finds nothing to do. One job that fails does not hold up the others.
    """
    until = datetime.combine(clock.now().date(), time.min, UTC)
    looked = 0
    for job_id in _not_looked_at(until)[:LOOKED_AT_ONCE]:
        try:
            looked += look_at_job(job_id, until=until)
        except DatabaseError:
            logger.exception("The answers of job %s could not be looked at.", job_id)
    return looked


def _not_looked_at(until: datetime) -> QuerySet[Job, UUID]:
    since = until - WINDOW
    looks = SignalLook.objects.filter(job=OuterRef("pk")).values("until")
    answers = Assignment.objects.filter(
        job=OuterRef("pk"), claimed_at__gte=OuterRef("looked"), claimed_at__lt=until, submitted_at__lt=until
    )
    recent = Job.objects.filter(Q(finished_at=None) | Q(finished_at__gte=since), launched_at__isnull=False)
    asked = Task.objects.filter(job=OuterRef("pk"), gold_question__recall__recalled_at__gte=OuterRef("looked"))
    known = recent.annotate(looked=Coalesce(Subquery(looks), Value(since)))
    unseen = known.filter(Exists(answers) | Exists(asked), looked__lt=until)
    return unseen.order_by("pk").values_list("pk", flat=True)


def look_at_job(job_id: UUID, *, until: datetime) -> bool:
    """Look at the answers of ``WINDOW`` up to ``until``, and keep what was found; whether nobody had before."""
    since = until - WINDOW
    read = read_turns(job_id, since=since, until=until)
    found = _flags_in(read) if len(read) >= FEWEST_ANSWERS else []
    return _keep(job_id, read, found, since=since, until=until)


def _flags_in(read: TurnsRead) -> list[Found]:
    # NumPy and SciPy come with the first look, and only to the process that looks.
    from marketplace.services.flags import flags_in  # noqa: PLC0415

    return flags_in(read)


@transaction.atomic
def _keep(job_id: UUID, read: TurnsRead, found: list[Found], *, since: datetime, until: datetime) -> bool:
    """Open what is new, bring up to date what still shows, and let pass what does not. Not twice for one day."""
    SignalLook.objects.bulk_create([SignalLook(job_id=job_id, until=since)], ignore_conflicts=True)
    look = SignalLook.objects.select_for_update(no_key=True).get(pk=job_id)
    if look.until >= until:
        return False
    look.until, look.answers, look.workers, look.looked_at = until, len(read), len(read.workers), clock.now()
    look.save(update_fields=["until", "answers", "workers", "looked_at"])
    job = Job.objects.get(pk=job_id)
    jobs = _jobs_of({each.worker_id for each in found}, since=since, until=until)
    flags = {each.key: each for each in found if is_flag(each.chance, jobs=jobs.get(each.worker_id, 1))}
    decided = _decided(job, since)
    for signal in Signal.objects.filter(job=job, state=Signal.State.SHOWN).order_by("pk"):
        _renew_or_pass(signal, flags.pop((signal.worker_id, signal.name), None), jobs, since=since, until=until)
    for key, flag in flags.items():
        if key not in decided:
            open_signal(job, flag, jobs=jobs.get(flag.worker_id, 1), since=since, until=until)
    return True


def _jobs_of(workers: Iterable[UUID], *, since: datetime, until: datetime) -> dict[UUID, int]:
    """In how many jobs each of them answered in the window: the looks that share their budget."""
    turns = Assignment.objects.filter(
        worker_id__in=list(workers), claimed_at__gte=since, claimed_at__lt=until, submitted_at__isnull=False
    )
    return dict(turns.values_list("worker_id").annotate(jobs=Count("job", distinct=True)))


def _decided(job: Job, since: datetime) -> set[Key]:
    """What a person has looked at that rests on answers of this window: it is not put before people again."""
    looked_at = Signal.objects.filter(job=job, until__gt=since).exclude(
        state__in=[Signal.State.SHOWN, Signal.State.PASSED]
    )
    return set(looked_at.values_list("worker_id", "name"))


def open_signal(job: Job, flag: Found, *, jobs: int, since: datetime, until: datetime) -> Signal:
    """Put a signal before a person. Runs in the caller's transaction."""
    signal_id = uuid.uuid4()
    escalation = open_escalation(
        kind=Escalation.Kind.SIGNAL,
        by=LOOKER,
        why=f"the signal {flag.name} shows",
        job=job,
        worker_id=flag.worker_id,
        subject=f"signal:{signal_id}",
        details={"signal": flag.name},
    )
    signal = Signal(id=signal_id, job=job, worker_id=flag.worker_id, escalation=escalation, name=flag.name)
    _take_numbers(signal, flag, jobs, since=since, until=until)
    insert(signal, beside=telling(action="signal.shown", subject=signal, by=LOOKER, to_state=Signal.State.SHOWN))
    return signal


_NUMBERS: Final = ("partner_id", "score", "chance", "jobs", "numbers", "choice", "since", "until", "looked_at")


def _take_numbers(signal: Signal, flag: Found, jobs: int, *, since: datetime, until: datetime) -> None:
    signal.partner_id, signal.choice = flag.partner_id, flag.choice
    signal.score, signal.chance, signal.numbers, signal.jobs = flag.score, flag.chance, flag.numbers, jobs
    signal.since, signal.until, signal.looked_at = since, until, clock.now()


def _renew_or_pass(
    signal: Signal, flag: Found | None, jobs: dict[UUID, int], *, since: datetime, until: datetime
) -> None:
    """Under the escalation's lock, as it is decided. What somebody has claimed is theirs to decide."""
    escalation = lock_escalation(signal.escalation_id)
    signal.refresh_from_db(fields=["state"])
    if signal.state != Signal.State.SHOWN:
        return
    if flag is not None:
        _take_numbers(signal, flag, jobs.get(signal.worker_id, 1), since=since, until=until)
        signal.save(update_fields=_NUMBERS)
    elif escalation.state == Escalation.State.OPEN:
        signal.passed_at = clock.now()
        move(signal, Signal.State.PASSED, by=LOOKER, why="it no longer shows", fields=["passed_at"])
        move(escalation, Escalation.State.WITHDRAWN, by=LOOKER, why="the signal no longer shows")

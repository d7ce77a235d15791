"""Standing: whether a worker may work, and who may change that. What a worker earned is never touched here."""

from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import WrongState, move
from kernel.services.access import end_sessions
from kernel.services.audit import Actor
from kernel.services.outbox import announce
from kernel.text import clean_text
from workforce.events import WorkerOffboarded, WorkerPaused, WorkerReinstated, WorkerResumed, WorkerSuspended
from workforce.models import Worker
from workforce.services.persons import refuse_own_case, refuse_rules

LONGEST_AUTOMATIC_PAUSE: Final = timedelta(hours=72)
LONGEST_PAUSE: Final = timedelta(days=90)
LONGEST_REASON: Final = 1_000
PAUSE_ENDED: Final = "The pause ended."


class PauseTooLong(Refused):
    """A rule asked for a longer pause than a rule may give."""

    code: ClassVar[str] = "pause_too_long"


@transaction.atomic
def pause_worker(*, worker_id: UUID, until: datetime, why: str, by: Actor) -> Worker:
    """Let a worker claim nothing new until ``until``; ``why`` is shown to them.

    A rule (an actor of kind "system") may pause for at most 72 hours, and only who is active: it can neither lengthen
    nor shorten a pause. Raises Invalid for an end in the past or beyond 90 days.
    """
    worker, why = _opened_case(worker_id, why=why, by=by)
    now = clock.now()
    _check_end(until, now)
    if by.kind != "user" and until - now > LONGEST_AUTOMATIC_PAUSE:
        raise PauseTooLong("A rule may pause a worker for at most 72 hours; a longer pause is for a person to decide.")
    if worker.state == Worker.State.PAUSED:
        refuse_rules(by=by, what="change a pause")
    worker.paused_until = until
    _change(worker, Worker.State.PAUSED, why=why, by=by)
    announce(WorkerPaused(worker_id=str(worker.pk), until=until.isoformat()))
    return worker


@transaction.atomic
def resume_worker(*, worker_id: UUID, why: str, by: Actor) -> Worker:
    """End a pause before its time."""
    worker, why = _opened_case(worker_id, why=why, by=by)
    refuse_rules(by=by, what="end a pause before its time")
    _refuse_unless(worker, Worker.State.PAUSED, "resumed")
    worker.paused_until = None
    _change(worker, Worker.State.ACTIVE, why=why, by=by)
    announce(WorkerResumed(worker_id=str(worker.pk)))
    return worker


@transaction.atomic
def suspend_worker(*, worker_id: UUID, why: str, by: Actor) -> Worker:
    """End a worker's work until somebody reinstates them; a person's decision. Their balance stays theirs.

    Their sessions and API keys end with it. They may sign in again, to see what they earned and have it paid out.
    """
    worker, why = _opened_case(worker_id, why=why, by=by)
    refuse_rules(by=by, what="suspend a worker")
    worker.paused_until = None
    _change(worker, Worker.State.SUSPENDED, why=why, by=by)
    end_sessions(user_id=worker.user_id, why="worker suspended", by=by, api_keys=True)
    announce(WorkerSuspended(worker_id=str(worker.pk)))
    return worker


@transaction.atomic
def reinstate_worker(*, worker_id: UUID, why: str, by: Actor) -> Worker:
    """Lift a suspension."""
    worker, why = _opened_case(worker_id, why=why, by=by)
    refuse_rules(by=by, what="lift a suspension")
    _refuse_unless(worker, Worker.State.SUSPENDED, "reinstated")
    _change(worker, Worker.State.ACTIVE, why=why, by=by)
    announce(WorkerReinstated(worker_id=str(worker.pk)))
    return worker


@transaction.atomic
def offboard_worker(*, worker_id: UUID, why: str, by: Actor) -> Worker:
    """End a worker's work for good. Their balance stays theirs, and so does what they did; their sessions end."""
    worker, why = _opened_case(worker_id, why=why, by=by)
    refuse_rules(by=by, what="offboard a worker")
    worker.paused_until = None
    _change(worker, Worker.State.OFFBOARDED, why=why, by=by)
    end_sessions(user_id=worker.user_id, why="worker offboarded", by=by, api_keys=True)
    announce(WorkerOffboarded(worker_id=str(worker.pk)))
    return worker


@transaction.atomic
def lift_ended_pauses(*, at_most: int = 500) -> int:
    """Make workers active again whose pause has ended; how many. Who is being changed now waits for the next time."""
    ended = Worker.objects.filter(state=Worker.State.PAUSED, paused_until__lte=clock.now())
    workers = list(
        ended.order_by("paused_until", "id").select_for_update(no_key=True, skip_locked=True, of=("self",))[:at_most]
    )
    for worker in workers:
        worker.paused_until = None
        _change(worker, Worker.State.ACTIVE, why=PAUSE_ENDED, by=Actor.system("end_of_pause"))
        announce(WorkerResumed(worker_id=str(worker.pk)))
    return len(workers)


def _opened_case(worker_id: UUID, *, why: str, by: Actor) -> tuple[Worker, str]:
    reason = clean_text(why, what="reason", longest=LONGEST_REASON, field="reason")
    worker = Worker.objects.locked().filter(pk=worker_id).first()
    if worker is None:
        raise NotFound("worker")
    refuse_own_case(by=by, user_id=worker.user_id)
    return worker, reason


def _change(worker: Worker, to: Worker.State, *, why: str, by: Actor) -> None:
    worker.standing_since, worker.standing_reason = clock.now(), why
    move(worker, to, by=by, why=why, fields=["standing_since", "standing_reason", "paused_until"])


def _refuse_unless(worker: Worker, state: Worker.State, participle: str) -> None:
    if worker.state != state:
        raise WrongState(
            f"Worker {worker.pk} is {worker.state} and cannot be {participle}. Only a {state.value} worker can be."
        )


def _check_end(until: datetime, now: datetime) -> None:
    if not now < until <= now + LONGEST_PAUSE:
        message = f"A pause ends in the future, within {LONGEST_PAUSE.days} days; beyond that, suspend the worker."
        raise Invalid(message, [{"field": "until", "message": message}])

"""Hidden gold after its answer: it counts for the score, and is accepted when work answered beside it would be.

A worker must not know gold by when it is accepted. How long work waits depends on the job, its hour and its crowd, and
most of it cannot be known yet when an answer comes in. So a gold answer does not get a time that we make up, it keeps
pace with real work: what became of a turn that somebody has just answered in the same job becomes of it (ADR 0015).
"""

import logging
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Exists, F, OuterRef, Q

from kernel import clock
from kernel.rows import Statement, planned_cursor
from kernel.services.audit import Actor
from marketplace.models import Assignment, Job, Slot, Task, WaitingGold
from marketplace.queries import says_the_same
from marketplace.queries.fits import LATEST_FIT
from marketplace.services import eligibility
from marketplace.services.slots import CHANCE
from qualification.services import scoring

logger = logging.getLogger(__name__)

NEIGHBOURS: Final = 16
MANY: Final = 1000
TENDED_AT_ONCE: Final = 200
AT_ONCE: Final = timedelta(0)
"""How long work waited that was resolved by its own answer."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is to become of a gold answer. One that ``decides`` takes as long as an answer to work that does."""

    is_right: bool
    agrees: bool
    decides: bool
    is_due_at_once: bool

    def waiting(self, assignment: Assignment) -> Statement | None:
        """What makes the answer wait, for whoever writes it in one statement with the answer itself."""
        if self.is_due_at_once:
            return None
        counted_at = clock.now() if self.decides else None
        return Statement(_WAIT, [assignment.pk, self.agrees, counted_at])


_WAIT: Final = "INSERT INTO marketplace_waitinggold (assignment_id, agrees, counted_at) VALUES (%s, %s, %s)"


def prospect_of(assignment: Assignment, *, answer_key: str, chance: random.Random) -> Prospect:
    """What is to become of the answer that a gold turn gets now, were it work.

    Two are drawn: an example, from the turns at work that were last answered in the job, and another's answer to this
    same question. Sure workers and others are given different turns (ADR 0047), so the example is of one who is as this
    worker is, if there was any of late. If the example was the last of its task's turns, this answer decides too: it is
    due at once if it is the other's as well, and as far as the example was. Later it is accepted if it is right or the
    other's as well; else it waits for the client, like an answer to work that disagrees with the label.
    """
    job, task = assignment.job, assignment.task
    with planned_cursor() as cursor:
        given: dict[str, Any] = {
            "question": task.gold_question_id,
            "task": task.pk,
            "job": job.pk,
            "worker": assignment.worker_id,
        }
        given |= {"place": chance.random(), "other_place": chance.random()}
        cursor.execute(_EXAMPLE, given)
        right_key, other_key, example_turns, example_answers, has_resolved = cursor.fetchone()
    is_right = says_the_same(assignment.version_id, answer_key, right_key)
    if task.state != Task.State.OPEN:  # the job has ended: as with work, there is nothing left to wait for
        return Prospect(is_right, agrees=True, decides=True, is_due_at_once=True)
    decides = example_turns is not None and example_turns >= job.overlap_min
    is_as_other = says_the_same(assignment.version_id, answer_key, other_key or right_key)
    agrees = is_as_other or (decides and example_turns == 1)  # or nobody else was asked
    # An example that was not agreed with says nothing about one that is; one more answer would have been asked for.
    is_resolved = has_resolved or (example_turns == job.overlap_min and example_answers > 1)
    is_due_at_once = job.accept_on_resolution and decides and agrees and is_resolved
    return Prospect(is_right, agrees or is_right, decides, is_due_at_once)


_IS_SURE: Final = """
EXISTS (SELECT FROM marketplace_fittedworker known
        WHERE known.fit_id = (SELECT id FROM latest) AND known.worker_id = {} AND known.is_sure)
"""
# Read backwards along (job, claimed_at): past the turns that are active now, one for each worker who is at it.
_EXAMPLE: Final = f"""
WITH latest AS MATERIALIZED (SELECT fit.id FROM ({LATEST_FIT}) fit), lately AS (
    SELECT turn.id, turn.worker_id, turn.task_id, turn.submitted_at, turn.claimed_at FROM marketplace_assignment turn
    WHERE turn.job_id = %(job)s AND turn.lane = 0 AND turn.state IN ('submitted', 'accepted')
    ORDER BY turn.claimed_at DESC, turn.id DESC LIMIT {4 * NEIGHBOURS}
), answered AS (
    SELECT lately.task_id, lately.submitted_at FROM lately
    ORDER BY {_IS_SURE.format("lately.worker_id")} = {_IS_SURE.format("%(worker)s")} DESC,
             lately.claimed_at DESC, lately.id DESC LIMIT {NEIGHBOURS}
), example AS (
    SELECT * FROM answered OFFSET (SELECT floor(%(place)s::float8 * count(*))::int FROM answered) LIMIT 1
), others AS (
    SELECT answer.answer_key FROM marketplace_assignment turn
    JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
    WHERE turn.task_id = %(task)s ORDER BY turn.claimed_at DESC, turn.id DESC LIMIT {NEIGHBOURS}
)
SELECT question.answer_key,
    (SELECT * FROM others OFFSET (SELECT floor(%(other_place)s::float8 * count(*))::int FROM others) LIMIT 1),
    example_task.turns, example_task.answers, example_task.has_resolved
FROM qualification_goldquestion question LEFT JOIN (
    SELECT count(*) AS turns, count(DISTINCT answer.answer_key) AS answers,
           bool_or(task.resolved_at = example.submitted_at) AS has_resolved
    FROM example JOIN marketplace_task task ON task.id = example.task_id
    JOIN marketplace_assignment turn ON turn.task_id = task.id AND turn.submitted_at <= example.submitted_at
    JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
    HAVING count(*) > 0
) example_task ON true WHERE question.id = %(question)s
"""  # noqa: S608  (all of it ours)


def count_gold(assignment: Assignment, *, is_right: bool) -> None:
    """Let a gold answer move its worker's score; once, however often it is asked, and not if the gold was recalled."""
    job = assignment.job
    asked = {each.skill_id: each.min_lower_bound for each in eligibility.requirements_of(job.pk)}
    scoring.record_gold(
        worker_id=assignment.worker_id,
        skill_id=job.skill_id,
        gold_question_id=assignment.task.gold_question_id,
        correct=is_right,
        subject=f"assignment:{assignment.pk}",
        floor=asked.get(job.skill_id),
    )


def tend_waiting_gold(*, chance: random.Random = CHANCE) -> int:
    """Count the gold answers that have come in, and give each that waits a piece of work to keep pace with.

    Each in a transaction of its own, and one that fails does not hold up the others; returns how many were tended. Not
    done where they come in, because a submit at gold would take longer than one at work.
    """
    waiting = WaitingGold.objects.filter(Q(counted_at__isnull=True) | Q(pace__isnull=True, agrees=True))
    # First those that are not counted yet, which stand before all in this order, then the latest that found no pace.
    ids = list(waiting.order_by("-counted_at", "-pk").values_list("pk", flat=True)[:TENDED_AT_ONCE])
    return sum(_tend(pk, chance) for pk in ids)


def _tend(pk: UUID, chance: random.Random) -> bool:
    try:
        with transaction.atomic():
            # The assignment first: that is how they are locked where it is accepted.
            assignments = Assignment.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
            found = (
                assignments.filter(waiting_gold=pk)
                .select_related("job", "task__gold_question", "waiting_gold", "annotation")
                .first()
            )
            if found is None:
                return False
            _count_once(found.waiting_gold)
            _give_pace(found, chance)
    except DatabaseError:
        logger.exception("The gold answer of assignment %s could not be tended.", pk)
        return False
    return True


def _count_once(gold: WaitingGold) -> None:
    if gold.counted_at is None:
        assignment = gold.assignment
        question = assignment.task.gold_question
        assert question is not None
        is_right = says_the_same(assignment.version_id, assignment.annotation.answer_key, question.answer_key)
        count_gold(assignment, is_right=is_right)
        gold.counted_at = clock.now()
        gold.save(update_fields=["counted_at"])


def _give_pace(assignment: Assignment, chance: random.Random) -> None:
    """Draw one of the turns that were last answered and had to wait; as long as it waits, or has waited, does this.

    Best one at a task that the worker never had, since of their own tasks they see when others answer them.
    """
    job, gold = assignment.job, assignment.waiting_gold
    with planned_cursor() as cursor:
        given: dict[str, Any] = {"job": job.pk, "worker": assignment.worker_id, "most": 4 * NEIGHBOURS}
        cursor.execute(_WAITED, given | {"by_resolution": job.accept_on_resolution, "at_once": AT_ONCE})
        turns = [_Waited(*row) for row in cursor.fetchall()]
    drawn_from = [turn for turn in turns if not turn.is_own] or [turn for turn in turns if turn.waited is None]
    if not drawn_from:
        return  # nobody has waited yet: next time
    drawn = chance.choice(drawn_from[:NEIGHBOURS])
    if gold.agrees and drawn.waited is not None:
        assert assignment.submitted_at is not None and assignment.review_due_at is not None
        assignment.review_due_at = min(assignment.submitted_at + drawn.waited, assignment.review_due_at)
        assignment.save(update_fields=["review_due_at"])
        gold.delete()
        return
    gold.pace_id = drawn.task_id
    gold.save(update_fields=["pace"])


class _Waited(NamedTuple):
    """A turn at work that was not accepted at once: how long it waited, or None while it does."""

    task_id: UUID
    waited: timedelta | None
    is_own: bool


_WAITED: Final = """
SELECT answered.task_id, answered.waited, EXISTS (
    SELECT FROM marketplace_assignment own WHERE own.worker_id = %(worker)s AND own.task_id = answered.task_id)
FROM (
    SELECT turn.id, turn.task_id, turn.claimed_at, CASE
        WHEN %(by_resolution)s::bool THEN task.resolved_at
        WHEN turn.state = 'accepted' THEN turn.decided_at
    END - turn.submitted_at AS waited
    FROM marketplace_assignment turn JOIN marketplace_task task ON task.id = turn.task_id
    WHERE turn.job_id = %(job)s AND turn.lane = 0 AND turn.state IN ('submitted', 'accepted')
    ORDER BY turn.claimed_at DESC, turn.id DESC LIMIT %(most)s
) answered
WHERE (answered.waited IS NULL OR answered.waited > %(at_once)s) AND NOT EXISTS (
    SELECT FROM marketplace_waitinggold other JOIN marketplace_assignment turn ON turn.id = other.assignment_id
    WHERE other.pace_id = answered.task_id AND turn.worker_id = %(worker)s)
ORDER BY answered.claimed_at DESC, answered.id DESC
"""


def keeping_pace_with(
    accepted: Sequence[Assignment], *, by: Actor, at: datetime, chance: random.Random = CHANCE
) -> list[Assignment]:
    """The waiting gold, locked, that is to be accepted ``at`` the same instant as these submitted, locked assignments.

    Work that silence accepts sets no pace: gold has its own silence. What agrees goes with whatever the resolution
    accepts, the rest only with what a person does. A worker who had a turn at the pace themselves would see both
    accepted at one instant, so theirs is due a little later.
    """
    paces = {
        turn.task_id
        for turn in accepted
        if turn.lane == Slot.Lane.WORK and turn.state == Assignment.State.SUBMITTED and not _is_silence(turn, at)
    }
    if not paces:
        return []
    own = Assignment.objects.filter(worker=OuterRef("worker"), task=OuterRef("waiting_gold__pace"))
    found = (
        # Skipped where locked: whoever holds it is accepting it, and waiting here could be a circle.
        Assignment.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        .filter(
            waiting_gold__pace__in=paces, state=Assignment.State.SUBMITTED, review_due_at__gt=at, submitted_at__lt=at
        )
        .select_related("task", "job", "annotation")
        .annotate(is_own=Exists(own))
        .order_by("pk")
    )
    if by.kind != "user":
        found = found.filter(waiting_gold__agrees=True)
    rows = list(found)
    for turn in rows:
        if turn.is_own:
            turn.review_due_at = at + chance.random() * timedelta(seconds=2 * turn.annotation.seconds)
            turn.save(update_fields=["review_due_at"])
    return [turn for turn in rows if not turn.is_own]


def _is_silence(turn: Assignment, at: datetime) -> bool:
    assert turn.submitted_at is not None
    return turn.submitted_at + turn.job.review_window <= at


def let_go(assignments: Iterable[Assignment]) -> None:
    """Forget, when they are decided, what was kept about gold answers that waited; all of them are counted then."""
    ids = [assignment.pk for assignment in assignments if assignment.lane == Slot.Lane.GOLD]
    if not ids:
        return
    uncounted = WaitingGold.objects.filter(pk__in=ids, counted_at__isnull=True)
    of_gold = ("assignment__job", "assignment__task__gold_question", "assignment__annotation")
    # Their workers in one order: each one's score is locked.
    for gold in uncounted.select_related(*of_gold).order_by("assignment__worker_id", "pk"):
        _count_once(gold)
    WaitingGold.objects.filter(pk__in=ids).delete()


def waits_for_silence(job: Job) -> bool:
    """Whether gold that waits when all work of ``job`` is decided has its silence to wait for, as some work had.

    Where work never had, because none disagreed or the client has decided about it, gold that waited would be the only
    thing that does, and hold up the end of the job for nothing.
    """
    work = Assignment.objects.filter(job=job, lane=Slot.Lane.WORK, state=Assignment.State.ACCEPTED)
    lately = work.order_by("-claimed_at", "-pk").values("pk")[:MANY]
    return Assignment.objects.filter(pk__in=lately, decided_at__gte=F("submitted_at") + job.review_window).exists()


def due_with_void_tasks(job: Job) -> Q:
    """Those assignments at gold that are due when ``job`` is cancelled, as answers to work without a label are."""
    without_pace = Q(waiting_gold__isnull=False, waiting_gold__pace__isnull=True)
    return Q(job=job, lane=Slot.Lane.GOLD) & (without_pace | Q(waiting_gold__pace__state=Task.State.VOID))

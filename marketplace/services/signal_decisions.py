"""What people do about a signal: an admin dismisses it or tells the worker, who may answer; then another admin decides.

Nothing else follows from it: no claim, score, weight or pay. Who would pause or suspend somebody does so by itself,
with a reason of its own (`workforce.services.standing`).
"""

from typing import Final
from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import WrongState, move
from kernel.models import User
from kernel.services.audit import Actor
from kernel.text import clean_text
from marketplace.models import Escalation, Signal
from marketplace.services.escalations import (
    NotYours,
    lock_escalation,
    mark_decided,
    open_escalation,
    require_mine_or_free,
)
from marketplace.services.review import SHORTEST_MESSAGE
from workforce.models import Worker

State = Signal.State

DECISIONS: Final = ("tell", "dismiss", "uphold")
_LEADS_TO: Final = {
    (State.SHOWN, "tell"): State.TOLD,
    (State.SHOWN, "dismiss"): State.DISMISSED,
    (State.ANSWERED, "dismiss"): State.DISMISSED,
    (State.ANSWERED, "uphold"): State.UPHELD,
}


class NothingToAnswer(Refused):
    """The worker was told nothing that is still open to an answer."""

    code = "nothing_to_answer"


@transaction.atomic
def decide_signal(*, escalation_id: UUID, decision: str, note: str, by: User) -> Escalation:
    """``tell`` the worker, in the words of ``note``, or ``dismiss`` it; after an answer ``uphold`` or ``dismiss`` it.

    The worker is shown the note, unless they were never told. Raises Invalid, NotFound, NotYours or WrongState.
    """
    note = clean_text(note, what="note", field="note", longest=2000)
    escalation = lock_escalation(escalation_id)
    signal = Signal.objects.select_for_update(no_key=True, of=("self",)).filter(escalation=escalation).first()
    if signal is None:
        raise NotFound("signal")
    require_mine_or_free(escalation, by)
    if signal.told_by_id == by.pk:
        raise NotYours("You told the worker, and nobody decides about their own words. Another admin must.")
    to = _step(signal, decision)
    mark_decided(escalation, by=by, decision=decision, note=note)
    if to == State.TOLD:
        if len(note) < SHORTEST_MESSAGE:
            raise Invalid(f"The note tells the worker what was seen, in at least {SHORTEST_MESSAGE} characters.")
        signal.told_at, signal.told_by, signal.reason = clock.now(), by, note
        move(signal, to, by=Actor.user(by), why=note, fields=["told_at", "told_by", "reason"])
    else:
        signal.decided_at, signal.decided_by, signal.note = clock.now(), by, note
        move(signal, to, by=Actor.user(by), why=note, fields=["decided_at", "decided_by", "note"])
    return escalation


def _step(signal: Signal, decision: str) -> Signal.State:
    possible = {word: to for (state, word), to in _LEADS_TO.items() if state == signal.state}
    if not possible:
        raise WrongState(f"The signal is {signal.state}; there is nothing to decide about it.")
    if decision not in possible:
        raise Invalid(f"A signal that is {signal.state} is decided with: {', '.join(sorted(possible))}.")
    return possible[decision]


@transaction.atomic
def answer_signal(*, signal_id: UUID, text: str, worker: Worker) -> Signal:
    """Let a worker say, once, what is behind a signal that they were told of; an admin who did not tell them decides.

    Raises Invalid, NotFound or NothingToAnswer.
    """
    text = clean_text(text, what="answer", field="text", longest=2000)
    if len(text) < SHORTEST_MESSAGE:
        raise Invalid(f"The answer says what is behind it, in at least {SHORTEST_MESSAGE} characters.")
    told = Signal.objects.filter(pk=signal_id, worker=worker, told_at__isnull=False)
    signal = told.select_for_update(no_key=True, of=("self",)).select_related("job").first()
    if signal is None:
        raise NotFound("signal")
    if signal.state != State.TOLD:
        raise NothingToAnswer("You have answered this before, and it can be answered once.")
    by = Actor("user", str(worker.user_id))
    signal.escalation = open_escalation(
        kind=Escalation.Kind.SIGNAL,
        by=by,
        why="a worker answers to a signal that they were told of",
        job=signal.job,
        worker_id=worker.pk,
        subject=f"signal:{signal.pk}",
        details={"signal": signal.name},
    )
    signal.answered_at, signal.answer = clock.now(), text
    move(signal, State.ANSWERED, by=by, why="the worker answers", fields=["escalation_id", "answered_at", "answer"])
    return signal

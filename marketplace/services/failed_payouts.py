"""Failed payouts that came before a person: the money is among the worker's earnings again; somebody looked why."""

from uuid import UUID

from django.db import transaction

from kernel.errors import NotFound
from kernel.models import User
from kernel.text import clean_text
from marketplace.models import Escalation
from marketplace.services.escalations import lock_escalation, mark_decided, require_mine_or_free


@transaction.atomic
def note_failed_payout(*, escalation_id: UUID, note: str, by: User) -> Escalation:
    """Close a failed payout with a note of what was found. It moves no money: the worker may ask for a payout again.

    Raises Invalid, NotFound, NotYours or WrongState.
    """
    note = clean_text(note, what="note", field="note", longest=2000)
    escalation = lock_escalation(escalation_id)
    if escalation.kind != Escalation.Kind.FAILED_PAYOUT:
        raise NotFound("failed payout")
    require_mine_or_free(escalation, by)
    mark_decided(escalation, by=by, decision="noted", note=note)
    return escalation

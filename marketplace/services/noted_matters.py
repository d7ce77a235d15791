"""What came before a person and is closed with a note of what was found: failed payouts, disputes…"""

from uuid import UUID

from django.db import transaction

from kernel.errors import NotFound
from kernel.models import User
from kernel.text import clean_text
from marketplace.models import Escalation
from marketplace.services.escalations import lock_escalation, mark_decided, require_mine_or_free


@transaction.atomic
def note_matter(*, escalation_id: UUID, note: str, by: User) -> Escalation:
    """Close what only has to be looked at with a note of what was found. It moves no money.

    The worker may ask for a payout again; the client's jobs may be resumed. Raises Invalid, NotFound, NotYours or
    WrongState.
    """
    note = clean_text(note, what="note", field="note", longest=2000)
    escalation = lock_escalation(escalation_id)
    if escalation.kind not in Escalation.NOTED:
        raise NotFound("matter that is noted")
    require_mine_or_free(escalation, by)
    mark_decided(escalation, by=by, decision="noted", note=note)
    return escalation

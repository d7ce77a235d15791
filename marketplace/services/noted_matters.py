"""What came before a person and is closed with a note of what was found: failed payouts, and disputes of payments."""

from uuid import UUID

from django.db import transaction

from kernel.errors import NotFound
from kernel.models import User
from kernel.text import clean_text
from marketplace.models import Escalation
from marketplace.services.escalations import lock_escalation, mark_decided, require_mine_or_free


@transaction.atomic
def note_matter(*, escalation_id: UUID, note: str, by: User) -> Escalation:
    """Close a failed payout or a dispute with a note of what was found. It moves no money.

    The worker may ask for a payout again; the client's jobs may be resumed. Raises Invalid, NotFound, NotYours or
    WrongState.
    """
    note = clean_text(note, what="note", field="note", longest=2000)
    escalation = lock_escalation(escalation_id)
    if escalation.kind not in Escalation.ABOUT_MONEY:
        raise NotFound("failed payout or dispute")
    require_mine_or_free(escalation, by)
    mark_decided(escalation, by=by, decision="noted", note=note)
    return escalation

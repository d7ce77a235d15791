"""Decertification: a person decides whether a certification outlives a fallen score."""

from uuid import UUID

from django.db import transaction

from kernel.errors import Invalid, NotFound
from kernel.models import User
from kernel.services.audit import Actor
from kernel.text import clean_text
from marketplace.models import Escalation
from marketplace.services.escalations import lock_escalation, mark_decided, require_mine_or_free
from qualification.models import Certification
from qualification.services import certifications

DECISIONS = ("keep", "revoke")


@transaction.atomic
def decide_decertification(*, escalation_id: UUID, decision: str, note: str, by: User) -> Escalation:
    """Let a worker ``keep`` their certification, or ``revoke`` it, with a note that the worker may read.

    What was earned is not touched. Raises Invalid, NotFound, NotYours or WrongState.
    """
    if decision not in DECISIONS:
        raise Invalid(f"{decision!r} is not a decision. Possible: {', '.join(DECISIONS)}.")
    note = clean_text(note, what="note", field="note", longest=2000)
    escalation = lock_escalation(escalation_id)
    if escalation.kind != Escalation.Kind.DECERTIFICATION:
        raise NotFound("decertification request")
    require_mine_or_free(escalation, by)
    mark_decided(escalation, by=by, decision=decision, note=note)
    if decision == "revoke":
        _revoke(escalation, note=note, by=by)
    return escalation


def _revoke(escalation: Escalation, *, note: str, by: User) -> None:
    assert escalation.worker_id is not None, "A decertification request is about a worker."
    granted = Certification.objects.filter(
        worker_id=escalation.worker_id,
        skill_id=escalation.subject.removeprefix("skill:"),
        state=Certification.State.GRANTED,
    ).first()
    if granted is not None:
        certifications.revoke_certification(certification_id=granted.pk, reason=note, by=Actor.user(by))

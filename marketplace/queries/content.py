"""Who may be shown a file now: asked at each request to the content origin, for what its address was made for."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from kernel import clock
from kernel.content_addresses import Address, AddressOf, addresses
from kernel.models import Media
from kernel.permit import for_principal
from kernel.principal import Principal
from kernel.services.access import way_in_by_id
from marketplace.models import Assignment, Job
from qualification.items import IN_BANK, IN_EXAM, IN_MISSES
from qualification.models import Exam, Skill
from workforce.models import Worker

IN_TURN: Final = "t"
"""Shown in a turn at a task, as long as it is active."""

IN_JOB: Final = "j"
"""Shown to those who may look at the job's media, as long as they may."""

MAY_WORK: Final = (Worker.State.ACTIVE, Worker.State.PAUSED)
"""Whoever is paused claims nothing new, and finishes what they hold."""


def shown_in_turn(turn: Assignment, *, principal: Principal) -> AddressOf | None:
    """Addresses for the worker whose ``turn`` is asked for; none once it is over."""
    return addresses(IN_TURN, turn.pk, principal=principal) if turn.state == Assignment.State.ACTIVE else None


def shown_in_job(job_id: UUID, *, principal: Principal) -> AddressOf:
    """Addresses for whoever may look at the media of a job."""
    return addresses(IN_JOB, job_id, principal=principal)


def media_at(address: Address) -> Media | None:
    """The media at an address, if what the address was made for still holds at this moment."""
    purpose = address.purpose
    owner_now = _OWNERS.get(purpose.kind)
    found = way_in_by_id(user_id=purpose.user_id, way_in_id=purpose.way_in_id)
    if owner_now is None or found is None:
        return None
    owner = owner_now(purpose.subject_id, Principal(*found))
    available = Media.objects.filter(pk=address.media_id, state=Media.State.AVAILABLE)
    return available.filter(owner=owner).first() if owner else None


def _of_turn(turn_id: UUID, principal: Principal) -> str:
    active = Assignment.objects.filter(pk=turn_id, state=Assignment.State.ACTIVE, expires_at__gt=clock.now())
    own = active.filter(worker__user=principal.user, worker__state__in=MAY_WORK).select_related("job").first()
    return own.job.media_owner if own else ""


def _of_job(job_id: UUID, principal: Principal) -> str:
    job = for_principal(principal, Job.objects.all(), "show_media_of_a_job").filter(pk=job_id).first()
    return job.media_owner if job else ""


def _of_exam(exam_id: UUID, principal: Principal) -> str:
    return _of_skill_in(exam_id, principal, state=Exam.State.STARTED, due_at__gt=clock.now())


def _of_misses(exam_id: UUID, principal: Principal) -> str:
    return _of_skill_in(exam_id, principal, score_basis_points__isnull=False)


def _of_skill_in(exam_id: UUID, principal: Principal, **so: object) -> str:
    own = Exam.objects.filter(pk=exam_id, worker__user=principal.user, worker__state__in=MAY_WORK, **so)
    exam = own.select_related("skill").first()
    return exam.skill.media_owner if exam else ""


def _of_bank(skill_id: UUID, principal: Principal) -> str:
    skill = for_principal(principal, Skill.objects.all(), "show_media_of_a_skill").filter(pk=skill_id).first()
    return skill.media_owner if skill else ""


_OWNERS: Final[Mapping[str, Callable[[UUID, Principal], str]]] = {
    IN_TURN: _of_turn,
    IN_JOB: _of_job,
    IN_EXAM: _of_exam,
    IN_MISSES: _of_misses,
    IN_BANK: _of_bank,
}
"""For each purpose: whose media may be shown for it now, or nothing."""

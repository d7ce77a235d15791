"""Empty claims: who asks jobs for a task when none is free is noted, so that fairness shows who never gets any."""

from collections.abc import Iterable
from uuid import UUID

from kernel import clock
from marketplace.models import EmptyClaim
from marketplace.queries.fairness import monday_of


def note_empty_claims(*, worker_id: UUID, job_ids: Iterable[UUID]) -> None:
    """Note that somebody who may work in these jobs found all taken; in each once a week, however often they ask."""
    now = clock.now()
    week = monday_of(now.date())
    # In one order: two tabs of one worker may ask at once, each in a transaction that lasts longer than this.
    found = [EmptyClaim(job_id=job_id, worker_id=worker_id, week=week, at=now) for job_id in sorted(job_ids)]
    EmptyClaim.objects.bulk_create(found, ignore_conflicts=True)

"""Empty claims: who asks a job for a task when none is free is noted, so that fairness shows who never gets any."""

from uuid import UUID

from kernel import clock
from marketplace.models import EmptyClaim
from marketplace.queries.fairness import monday_of


def note_empty_claim(*, job_id: UUID, worker_id: UUID) -> None:
    """Note that somebody who may work in the job found all of it taken; once a week, however often they ask."""
    now = clock.now()
    found = EmptyClaim(job_id=job_id, worker_id=worker_id, week=monday_of(now.date()), at=now)
    EmptyClaim.objects.bulk_create([found], ignore_conflicts=True)

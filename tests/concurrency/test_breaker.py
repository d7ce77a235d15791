"""Many rejections at one instant: the breaker trips once, behind the one that was too many."""

from functools import partial

import pytest

from marketplace.models import Assignment, Breaker
from marketplace.services.breaker import RejectionsFrozen
from marketplace.services.checks import check_invariants
from marketplace.services.review import reject_assignment
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import owner_of
from tests.marketplace.test_breaker import REASON, a_job_to_review, waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_of_eight_rejections_against_evidence_at_once_three_are_made() -> None:
    job = a_job_to_review()
    turns, by = waiting(job)[:8], owner_of(job.client)

    outcomes = at_once([partial(reject_assignment, assignment_id=turn.pk, by=by, **REASON) for turn in turns])

    assert sum(isinstance(outcome, Assignment) for outcome in outcomes) == 3
    assert sum(isinstance(outcome, RejectionsFrozen) for outcome in outcomes) == 5
    assert Breaker.objects.get(job=job).rejections.count() == 3
    assert check_invariants() == []

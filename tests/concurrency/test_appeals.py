"""An appeal that is decided at the very instant of its deadline, or taken back by its client, has one outcome."""

from collections.abc import Callable
from functools import partial

import pytest

from kernel import clock
from kernel.models import AuditEvent
from marketplace.models import Appeal, Assignment
from marketplace.services.appeals import appeal, decide_appeal, decide_overdue_appeals
from marketplace.services.checks import check_invariants
from marketplace.services.review import reject_assignment, reverse_rejection
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import a_resolved_task, an_open_job, earned, owner_of
from tests.qualification.builders import a_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

Calls = list[Callable[[], object]]


def an_appeal() -> Appeal:
    task = a_resolved_task(an_open_job(tasks=1, accept_on_resolution=False))
    turn = task.assignments.order_by("submitted_at")[0]
    reject_assignment(
        assignment_id=turn.pk, reason="wrong", message="This shows a dog, and not a cat.", by=owner_of(task.job.client)
    )
    appeal(assignment_id=turn.pk, text="It meows, so it is a cat.", worker=turn.worker)
    return Appeal.objects.select_related("rejection__assignment__worker").get()


def outcome_of(found: Appeal) -> tuple[str, str, int]:
    turn = Assignment.objects.get(pk=found.rejection.assignment_id)
    return str(Appeal.objects.get(pk=found.pk).state), str(turn.state), earned(turn.worker)


def ends_of(found: Appeal) -> list[str]:
    events = AuditEvent.objects.filter(subject_id=str(found.pk)).exclude(to_state="open")
    return list(events.values_list("to_state", flat=True))


def test_an_admin_and_the_deadline_at_one_instant_pay_once() -> None:
    found = an_appeal()
    decide = partial(decide_appeal, escalation_id=found.escalation_id, note="Seen.", by=a_user(is_staff=True))

    with clock.ahead_by(found.due_at - clock.now()):
        calls: Calls = [
            *[partial(decide, decision="reverse")] * 3,
            *[partial(decide, decision="uphold")] * 3,
            *[decide_overdue_appeals] * 3,
        ]
        at_once(calls)

    assert outcome_of(found) == ("reversed", "accepted", 10)
    assert ends_of(found) == ["reversed"]
    assert check_invariants() == []


def test_an_admin_who_upholds_and_a_client_who_takes_back_leave_one_outcome_of_the_appeal() -> None:
    found = an_appeal()
    turn = found.rejection.assignment
    uphold = partial(
        decide_appeal, escalation_id=found.escalation_id, decision="uphold", note="Seen.", by=a_user(is_staff=True)
    )
    take_back = partial(reverse_rejection, assignment_id=turn.pk, why="A cat.", by=owner_of(turn.job.client))

    calls: Calls = [*[uphold] * 4, *[take_back] * 4]
    at_once(calls)

    state, answer, pay = outcome_of(found)
    assert (answer, pay) == ("accepted", 10)  # an upheld rejection may still be taken back within its week
    assert ends_of(found) == [state]
    assert check_invariants() == []


def test_eight_appeals_against_one_rejection_are_one() -> None:
    found = an_appeal()
    turn = found.rejection.assignment
    at_once([partial(appeal, assignment_id=turn.pk, text="It meows, so it is a cat.", worker=turn.worker)] * 8)

    assert Appeal.objects.count() == 1
    assert outcome_of(found) == ("open", "rejected", 0)

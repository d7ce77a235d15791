"""Appeals: what a worker says against a rejection holds the pay, and a deadline that is missed decides for them."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from kernel.models import AuditEvent
from kernel.services.audit import Actor
from marketplace.models import Appeal, Assignment, Escalation
from marketplace.services.appeals import AppealOverdue, CannotAppeal, appeal, decide_appeal, decide_overdue_appeals
from marketplace.services.checks import check_invariants
from marketplace.services.completion import complete_finished_jobs
from marketplace.services.escalations import NotYours, claim_escalation, flag_overdue_escalations, open_escalation
from marketplace.services.review import TooLateToReverse, reverse_rejection
from marketplace.services.settlement import accept_due_assignments
from tests.marketplace.api_people import Person, an_admin, code_of
from tests.marketplace.builders import (
    a_member,
    a_worker,
    an_open_job,
    available,
    earned,
    held,
    owner_of,
)
from tests.marketplace.test_review import PRICE, a_dissent, rejected
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

TEXT = "Look at the tail and the ears: this is a dog."


def appealed(turn: Assignment | None = None) -> Assignment:
    turn = turn or rejected(a_dissent())
    return appeal(assignment_id=turn.pk, text=TEXT, worker=turn.worker)


def the_appeal(turn: Assignment) -> Appeal:
    return Appeal.objects.select_related("escalation").get(rejection__assignment=turn)


def decided(turn: Assignment, decision: str) -> Escalation:
    escalation_id = the_appeal(turn).escalation_id
    return decide_appeal(escalation_id=escalation_id, decision=decision, note="Seen.", by=a_user(is_staff=True))


def state_of(turn: Assignment) -> str:
    return str(Assignment.objects.get(pk=turn.pk).state)


def test_an_appeal_comes_before_an_admin_with_a_deadline() -> None:  # [B191]
    turn = appealed()

    escalation = the_appeal(turn).escalation
    assert (escalation.kind, escalation.state, escalation.owner) == ("appeal", "open", "escalations")
    assert (escalation.job_id, escalation.worker_id) == (turn.job_id, turn.worker_id)
    assert escalation.due_at - escalation.opened_at == timedelta(days=5)
    assert check_invariants() == []


def test_an_appeal_is_for_the_worker_whose_answer_it_is_once_and_in_time() -> None:
    turn, other = rejected(a_dissent()), a_worker(an_open_job())

    with pytest.raises(Invalid):
        appeal(assignment_id=turn.pk, text="Unfair!", worker=turn.worker)
    with pytest.raises(NotFound):
        appeal(assignment_id=turn.pk, text=TEXT, worker=other)
    with clock.ahead_by(timedelta(days=7)), pytest.raises(CannotAppeal):
        appealed(turn)
    appealed(turn)
    with pytest.raises(CannotAppeal, match="once"):
        appealed(turn)
    with pytest.raises(CannotAppeal):
        appealed(a_dissent())


def test_while_an_appeal_runs_its_pay_is_held_also_when_the_job_has_ended_and_the_week_is_over() -> None:
    turn = rejected(a_dissent())
    accept_due_assignments()
    with clock.ahead_by(timedelta(days=6)):
        appealed(turn)
        assert complete_finished_jobs() == 1
    with clock.ahead_by(timedelta(days=8)):
        complete_finished_jobs()
        assert (held(turn.job), available(turn.job.client)) == (PRICE, 1_000_000 - 3 * PRICE)
        assert check_invariants() == []
        decided(turn, "uphold")
        assert check_invariants() == []
        complete_finished_jobs()

        assert (held(turn.job), available(turn.job.client)) == (0, 1_000_000 - 2 * PRICE)
        assert (state_of(turn), earned(turn.worker), the_appeal(turn).state) == ("rejected", 0, "upheld")
        assert check_invariants() == []


def test_a_rejection_that_an_admin_reverses_is_paid_once() -> None:
    turn = appealed()

    escalation = decided(turn, "reverse")

    assert (escalation.state, escalation.decision) == ("decided", "reverse")
    assert (state_of(turn), earned(turn.worker), the_appeal(turn).state) == ("accepted", 10, "reversed")
    with pytest.raises(WrongState):
        decided(turn, "reverse")
    with clock.ahead_by(timedelta(days=9)):
        assert decide_overdue_appeals() == 0
    assert earned(turn.worker) == 10
    assert check_invariants() == []


def test_a_missed_deadline_decides_for_the_worker_and_not_an_instant_before() -> None:
    turn = appealed()
    due_in = the_appeal(turn).due_at - clock.now()

    with clock.ahead_by(due_in - timedelta(seconds=30)):
        assert decide_overdue_appeals() == 0
    with clock.ahead_by(due_in + timedelta(seconds=1)):
        with pytest.raises(AppealOverdue):
            decided(turn, "uphold")
        assert decide_overdue_appeals() == 1
        assert decide_overdue_appeals() == 0

    found = the_appeal(turn)
    assert (state_of(turn), earned(turn.worker), held(turn.job)) == ("accepted", 10, 3 * PRICE - PRICE)
    assert (found.state, found.decided_by, found.escalation.state) == ("reversed", None, "withdrawn")
    last = AuditEvent.objects.filter(subject_id=str(found.pk)).latest("id")
    assert (last.action, last.actor_id) == ("appeal.reversed", "appeal_clock")
    assert check_invariants() == []


def test_a_client_may_take_the_rejection_back_meanwhile_also_after_the_week() -> None:
    turn = rejected(a_dissent())
    client = owner_of(turn.job.client)
    with clock.ahead_by(timedelta(days=6)):
        appealed(turn)
    with clock.ahead_by(timedelta(days=8)):
        reverse_rejection(assignment_id=turn.pk, why="It was a dog indeed.", by=client)

    found = the_appeal(turn)
    assert (found.state, found.decided_by, found.escalation.state) == ("reversed", client, "withdrawn")
    assert (state_of(turn), earned(turn.worker)) == ("accepted", 10)
    assert check_invariants() == []


def test_an_upheld_rejection_cannot_be_taken_back_once_its_pay_has_gone() -> None:
    turn = appealed()
    decided(turn, "uphold")

    with clock.ahead_by(timedelta(days=7)), pytest.raises(TooLateToReverse):
        reverse_rejection(assignment_id=turn.pk, why="Too late.", by=owner_of(turn.job.client))


def test_nobody_decides_who_is_tied_to_the_client_answered_or_rejected() -> None:
    turn = appealed()
    escalation_id = the_appeal(turn).escalation_id
    rejecter = owner_of(turn.job.client)
    colleague = a_member(turn.job.client).user

    for person in (rejecter, colleague, turn.worker.user):
        with pytest.raises(NotYours):
            decide_appeal(escalation_id=escalation_id, decision="uphold", note="Mine.", by=person)
    with pytest.raises(Invalid):
        decide_appeal(escalation_id=escalation_id, decision="keep", note="?", by=a_user())
    assert state_of(turn) == "rejected"


def test_the_worker_and_the_client_see_how_the_appeal_stands_and_how_it_ended() -> None:
    turn = rejected(a_dissent())
    worker, client, admin = Person(turn.worker.user), Person(owner_of(turn.job.client)), an_admin()

    status, asked = worker.post(f"assignments/{turn.pk}/appeal/", {"text": TEXT})
    assert (status, asked["rejection"]["pay"], asked["rejection"]["appeal"]["state"]) == (200, "held", "open")
    (listed,) = worker.every("assignments/")
    assert listed["rejection"] == asked["rejection"]
    (seen,) = client.every(f"jobs/{turn.job_id}/assignments/", state="rejected")
    assert seen["rejection"]["appeal"] == asked["rejection"]["appeal"]
    assert code_of(client.post(f"assignments/{turn.pk}/appeal/", {"text": TEXT})) == (403, "not_allowed")

    (waiting,) = admin.every("escalations/", kind="appeal")
    _, shown = admin.get(f"escalations/{waiting['id']}/")
    matter = shown["matter"]
    assert (matter["appeal"], matter["reason"]) == (TEXT, "wrong")
    assert (matter["other_answers"], matter["other_answers_that_equal_it"]) == (2, 0)
    assert str(turn.worker_id) not in str(matter)
    body = {"decision": "reverse", "note": "A dog."}
    assert admin.post(f"escalations/{waiting['id']}/decision/", body)[0] == 201

    _, told = worker.get(f"assignments/{turn.pk}/")
    outcome = (told["state"], told["rejection"]["pay"], told["rejection"]["appeal"]["note"])
    assert outcome == ("accepted", "paid", "A dog.")


def test_the_database_keeps_what_was_said_and_promised() -> None:
    turn = appealed()
    assert the_appeal(turn).state == "open"
    for statement in (
        "UPDATE marketplace_appeal SET due_at = due_at + interval '9 days'",
        "UPDATE marketplace_appeal SET text = 'never mind'",
        "UPDATE marketplace_appeal SET state = 'upheld', decided_at = now(), decided_by_id = NULL",
        "UPDATE marketplace_appeal SET state = 'upheld', decided_at = due_at, decided_by_id = u.id FROM kernel_user u",
        "UPDATE marketplace_rejection SET reversible_until = rejected_at",
        "DELETE FROM marketplace_appeal",
        "DELETE FROM marketplace_rejection",
        """
        INSERT INTO marketplace_appeal SELECT (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid()))).*
        FROM marketplace_appeal a
        """,
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_what_nobody_decides_in_time_is_flagged_once_and_free_for_all_again() -> None:
    escalation = open_escalation(
        kind=Escalation.Kind.FAILED_PAYOUT, by=Actor.system("test"), why="", subject="payout:x"
    )
    first, second = a_user(is_staff=True), an_admin()
    claim_escalation(escalation_id=escalation.pk, by=first)

    assert flag_overdue_escalations() == 0
    with clock.ahead_by(timedelta(days=1, seconds=1)):
        assert flag_overdue_escalations() == 1
        assert flag_overdue_escalations() == 0

    (row,) = second.every("escalations/", overdue="true")
    assert (row["id"], row["state"], row["claimed_by"], row["owner"]) == (str(escalation.pk), "open", None, "finance")
    told = AuditEvent.objects.filter(subject_id=str(escalation.pk), action="escalation.overdue")
    assert [event.actor_id for event in told] == ["escalation_clock"]

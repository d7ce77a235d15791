"""Every action of the operators' console leaves the events that docs/audit.md lists, in the same transaction."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from django.db import transaction
from django.db.models import Model
from django.test import Client as Browser
from django.urls import reverse

from billing.models import Payout, StripeEvent
from kernel.models import AuditEvent, OutboxMessage, User
from kernel.services.audit import Actor
from marketplace.models import Assignment, Escalation, Job, Signal
from marketplace.policy import TABLE
from marketplace.services.appeals import appeal
from marketplace.services.breaker import trip
from marketplace.services.escalations import open_escalation
from marketplace.services.signal_decisions import answer_signal
from qualification.models import Certification, GoldQuestion
from tests.access.asked import about_a_certification, of_the_worker, reversing
from tests.access.shared import World, undone
from tests.access.watched import Changes, is_told, transactions_watched
from tests.kernel.people import console_of
from tests.marketplace.builders import a_signal
from tests.workforce.people import an_application

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_is_slowed_down")]

DOCS: Final = Path(__file__).parents[2] / "docs" / "audit.md"


def a_decertification(world: World) -> Model:
    return open_escalation(
        kind=Escalation.Kind.DECERTIFICATION,
        by=Actor.system("test"),
        why="",
        worker_id=of_the_worker(world).pk,
        job=Job.objects.get(pk=world.side.ids["job_id"]),
        subject=f"skill:{world.side.ids['skill_id']}",
    )


def a_parked_message(world: World) -> Model:
    return OutboxMessage.objects.create(event="Rang", reaction="write_down", payload={}, state="parked", last_error="!")


def a_parked_event(world: World) -> Model:
    return StripeEvent.objects.create(stripe_id="evt_1", type="payout.paid", state="parked", last_error="!")


def a_pending_certification(world: World) -> Model:
    return Certification.objects.get(pk=about_a_certification(world).ids["certification_id"])


def a_rejected_assignment(world: World) -> Model:
    return Assignment.objects.get(pk=reversing(world).ids["assignment_id"])


def an_appeal(world: World) -> Model:
    turn = Assignment.objects.get(pk=reversing(world).ids["assignment_id"])
    appeal(assignment_id=turn.pk, text="It barks, so it is a dog.", worker=turn.worker)
    return Escalation.objects.get(appeal__rejection__assignment=turn)


def a_breaker(world: World) -> Model:
    turn = Assignment.objects.get(pk=reversing(world).ids["assignment_id"])
    with transaction.atomic():
        breaker = trip(turn.job, rule="against_evidence", inputs={}, wave=[turn.rejection.pk])
    return breaker.escalation


def a_fresh_signal(world: World) -> Model:
    return a_signal(Job.objects.get(pk=world.side.ids["job_id"]), of_the_worker(world), name="drift")


def an_answered_signal(world: World) -> Model:
    told = Signal.objects.get(pk=world.side.ids["signal_id"])
    return answer_signal(signal_id=told.pk, text="I had the same texts before, elsewhere.", worker=told.worker)


def a_gold_review(world: World) -> Model:
    question = world.side.ids["gold_question_id"]
    return open_escalation(
        kind=Escalation.Kind.GOLD_REVIEW, by=Actor.system("test"), why="", subject=f"gold:{question}"
    )


def the(model: type[Model], name: str) -> Callable[[World], Model]:
    """The row of the world that has this name among its ids."""
    return lambda world: model._default_manager.get(pk=world.side.ids[name])


CHOSEN: Final[dict[str, Callable[[World], Model]]] = {
    "kernel.outboxmessage.try_again": a_parked_message,
    "billing.payout.drive_on": the(Payout, "payout_id"),
    "billing.stripeevent.process_again": a_parked_event,
    "workforce.application.approve": lambda _: an_application(),
    "workforce.application.decline": lambda _: an_application(),
    "workforce.worker.pause": of_the_worker,
    "workforce.worker.resume": of_the_worker,
    "workforce.worker.suspend": of_the_worker,
    "workforce.worker.reinstate": of_the_worker,
    "workforce.worker.offboard": of_the_worker,
    "qualification.goldquestion.retire": the(GoldQuestion, "gold_question_id"),
    "qualification.goldquestion.recall": the(GoldQuestion, "gold_question_id"),
    "qualification.certification.grant": a_pending_certification,
    "qualification.certification.deny": a_pending_certification,
    "qualification.certification.revoke": the(Certification, "certification_id"),
    "marketplace.job.pause": the(Job, "job_id"),
    "marketplace.job.resume": the(Job, "job_id"),
    "marketplace.job.cancel": the(Job, "job_id"),
    "marketplace.assignment.accept": the(Assignment, "assignment_id"),
    "marketplace.assignment.reverse": a_rejected_assignment,
    "marketplace.escalation.claim": the(Escalation, "escalation_id"),
    "marketplace.escalation.release": the(Escalation, "escalation_id"),
    "marketplace.escalation.keep": a_decertification,
    "marketplace.escalation.revoke": a_decertification,
    "marketplace.escalation.recall": a_gold_review,
    "marketplace.escalation.note": the(Escalation, "escalation_id"),
    "marketplace.escalation.reset": a_breaker,
    "marketplace.escalation.uphold": an_appeal,
    "marketplace.escalation.reverse": an_appeal,
    "marketplace.signal.tell": a_fresh_signal,
    "marketplace.signal.dismiss": a_fresh_signal,
    "marketplace.signal.uphold": an_answered_signal,
}
"""For each action a row that it can be done to."""

COMES_AFTER: Final = {
    "workforce.worker.resume": "workforce.worker.pause",
    "workforce.worker.reinstate": "workforce.worker.suspend",
    "marketplace.job.resume": "marketplace.job.pause",
    "marketplace.escalation.release": "marketplace.escalation.claim",
}
"""Actions that undo another, which has to be done first."""


def documented() -> dict[str, set[str]]:
    """What the docs say that each action leaves."""
    rows = re.findall(r"^\| ([a-z]+\.[a-z]+\.[a-z_]+) \| (.*) \|$", DOCS.read_text(), flags=re.MULTILINE)
    return {name: set(events.split(", ")) for name, events in rows}


def act(console: Browser, name: str, row: Model) -> None:
    section, _, action = name.rpartition(".")
    asked = {"action": action, "_selected_action": [str(row.pk)], "reason": "A reason that says enough.", "hours": "12"}
    assert console.post(reverse(f"admin:{section.replace('.', '_')}_changelist"), asked).status_code == 302


def done(name: str, admin: User, world: World) -> tuple[set[str], list[Changes]]:
    """What the action left in the admin's name and besides, and what each transaction changed. Nothing of it stays."""
    with undone():
        console, row = console_of(admin), CHOSEN[name](world)
        if name in COMES_AFTER:
            act(console, COMES_AFTER[name], row)
        before = AuditEvent.objects.latest("id").id
        with transactions_watched() as seen:
            act(console, name, row)
        events = AuditEvent.objects.filter(id__gt=before).exclude(action="subject_key.made")
        assert events.filter(actor_id=str(admin.pk)).exists(), f"{name} left nothing in the name of who did it."
        return set(events.values_list("action", flat=True)), seen


def test_every_action_of_the_console_is_done_here() -> None:
    actions = {rule.action.removeprefix("console.") for rule in TABLE.rules if rule.action.count(".") == 3}
    assert set(CHOSEN) == actions


def test_every_action_of_the_console_leaves_the_events_that_the_docs_list(world: World) -> None:
    admin = world.people["admin"].user
    assert admin is not None
    left, untold = {}, []
    for name in CHOSEN:
        left[name], seen = done(name, admin, world)
        untold += [(name, sorted(changed)) for changed in seen if not is_told(changed)]
    assert untold == []
    assert left == documented()

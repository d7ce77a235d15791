"""The operators' console for the marketplace: everything can be looked at, nothing edited, decisions call services."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kernel.models import User
from marketplace.admin.escalations import HOW_DECIDED
from marketplace.models import Assignment, Escalation, FeeTier, Job, Requirement, Task
from marketplace.services.review import reject_assignment
from tests.kernel.people import an_operator, console_of
from tests.marketplace.builders import (
    a_resolved_task,
    a_submitted_answer,
    an_open_job,
    earned,
    owner_of,
    the_escalation,
)
from tests.marketplace.rows_of_everything import some_of_everything

pytestmark = pytest.mark.django_db

SHOWN_WITH_ANOTHER = {FeeTier, Requirement}
SHOWN = set(apps.get_app_config("marketplace").get_models()) - SHOWN_WITH_ANOTHER


@pytest.fixture
def operator() -> Browser:
    return console_of(an_operator())


def address(model: type[Model], page: str, *of: object) -> str:
    return reverse(f"admin:marketplace_{model._meta.model_name}_{page}", args=of)


def decide(operator: Browser, row: Model, action: str, **fields: str) -> list[str]:
    asked = {"action": action, "_selected_action": [str(row.pk)], **fields}
    answer = operator.post(address(type(row), "changelist"), asked, follow=True)
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.slow
def test_every_table_has_its_page_and_no_page_edits(operator: Browser) -> None:
    some_of_everything()
    registered = {model for model in admin.site._registry if model._meta.app_label == "marketplace"}
    assert registered == SHOWN

    for model in registered:
        row = model._default_manager.all()[0]
        assert operator.get(address(model, "changelist"), {"q": "x"}).status_code == 200
        assert operator.get(address(model, "change", row.pk)).status_code == 200
        assert operator.post(address(model, "change", row.pk), {"state": "open"}).status_code == 403
        assert operator.get(address(model, "add")).status_code == 403
        assert operator.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_a_list_takes_as_many_queries_for_one_row_as_for_many(operator: Browser) -> None:
    some_of_everything()

    assert {model for model in SHOWN if model._default_manager.count() < 2} == set()
    for model in SHOWN:
        one = model._default_manager.order_by("pk")[0]
        queries = []
        for query in ({"pk": str(one.pk)}, {}):
            with CaptureQueriesContext(connection) as seen:
                assert operator.get(address(model, "changelist"), query).status_code == 200
            queries.append(len(seen))
        assert queries[0] == queries[1], model


def test_a_long_text_is_cut_in_a_list_and_whole_where_one_points(operator: Browser) -> None:
    title = "All sentences that somebody copied into the title, " * 3
    Job.objects.filter(pk=an_open_job().pk).update(title=title)

    page = operator.get(address(Job, "changelist")).content.decode()

    assert f'<bdi title="{title}">{title[:59].rstrip()}…</bdi>' in page


def test_a_task_shows_its_confidence_with_its_bounds(operator: Browser) -> None:
    task = a_resolved_task(an_open_job())
    bounds = f"{task.confidence:.3f} ({task.confidence_low:.3f} to {task.confidence_high:.3f})"

    for page in (address(Task, "changelist"), address(Task, "change", task.pk)):
        assert bounds in operator.get(page).content.decode()


def test_an_operator_pauses_resumes_and_cancels_a_job(operator: Browser) -> None:
    job = an_open_job()

    assert decide(operator, job, "pause") == ["1 paused."]
    assert decide(operator, job, "resume") == ["1 resumed."]
    assert decide(operator, job, "cancel") == ["1 cancelled."]
    (said,) = decide(operator, job, "pause")

    job.refresh_from_db()
    assert job.state == "cancelled"
    assert said.endswith("From cancelled it cannot change any more.")


def test_an_operator_accepts_an_answer_and_reverses_a_rejection(operator: Browser) -> None:
    job = an_open_job(accept_on_resolution=False)
    waiting, rejected = a_resolved_task(job).assignments.select_related("worker").order_by("claimed_at")
    reject_assignment(assignment_id=rejected.pk, reason="wrong", message="A" * 20, by=owner_of(job.client))

    assert decide(operator, waiting, "accept") == ["1 accepted."]
    assert decide(operator, rejected, "reverse") == ["The reason is empty: it holds nothing that can be seen."]
    assert decide(operator, rejected, "reverse", reason="It was a cat.") == ["1 reversed."]

    assert [earned(each.worker) for each in (waiting, rejected)] == [10, 10]
    assert set(Assignment.objects.values_list("state", flat=True)) == {"accepted"}


def test_the_console_says_of_every_kind_how_it_is_decided() -> None:
    assert set(HOW_DECIDED) == set(Escalation.Kind.values)


def test_an_operator_claims_and_releases_an_escalation(operator: Browser) -> None:
    job = an_open_job(overlap_min=2, overlap_max=2)
    turn = a_submitted_answer(job, animal="cat")
    a_submitted_answer(job, animal="dog")
    escalation = the_escalation(turn.task_id)

    page = operator.get(address(Escalation, "change", escalation.pk)).content.decode()
    assert f"POST /api/v1/escalations/{escalation.pk}/decision/ takes the result." in page
    assert decide(operator, escalation, "claim") == ["1 claimed."]
    assert Escalation.objects.get().claimed_by == User.objects.get(email__startswith="operator")
    assert decide(operator, escalation, "release") == ["1 released."]
    assert decide(operator, escalation, "keep", reason="Fine.") == ["There is no such decertification request."]

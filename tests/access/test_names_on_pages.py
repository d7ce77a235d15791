"""What people wrote, on the pages that others read: it is text, and it turns and breaks nothing around it."""

from html.parser import HTMLParser
from typing import Any, Final

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

from kernel.models import User
from kernel.services import second_factors
from kernel.services.access import open_session
from marketplace.models import Client, Job, Rejection, Task
from marketplace.services.clients import create_client
from marketplace.services.review import reject_assignment
from qualification.models import Skill
from qualification.services.skills import ExamRules, create_skill
from tests.billing.builders import a_funding
from tests.kernel.authenticators import SecurityKey
from tests.kernel.people import an_operator, console_of
from tests.marketplace.builders import a_resolved_task, an_open_job, owner_of
from tests.qualification.builders import a_user, an_admin, fill_bank
from workforce.models import Worker
from workforce.services.standing import suspend_worker

pytestmark = pytest.mark.django_db

NAME: Final = 'עדה <script>alert("1")</script> {{7*7}} & בנות'
"""Written from right to left, with what a page might take for its own."""

ALONE: Final = ("title", "h1", "h2", "p", "li", "option", "div")
"""Where a name may stand without `<bdi>`: as all that there is in its block."""


class Names(HTMLParser):
    """Where on a page the name stands: within which tags, and whether other text stands in the same block."""

    VOID: Final = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, list[str]]] = []
        self.loose: list[str] = []
        self.found = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in self.VOID:
            self.open.append((tag, []))

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            closed, texts = self.open.pop()
            said = "".join(texts)
            if closed in ALONE and NAME in said and said.strip() != NAME:
                self.loose.append(f"{closed}: {said.strip()[:200]}")
            if closed not in {*ALONE, "td", "th", "body", "script"} and self.open:
                self.open[-1][1].append(said)
            if closed == tag:
                break

    def handle_data(self, data: str) -> None:
        self.found += data.count(NAME)
        if self.open and not any(tag == "bdi" for tag, _ in self.open):
            self.open[-1][1].append(data)
            if NAME in data and any(tag in ("td", "th") for tag, _ in self.open) and not self.is_alone():
                self.loose.append(f"cell: {data.strip()[:200]}")

    def is_alone(self) -> bool:
        """Whether the innermost block is one in which a name may stand alone."""
        return next((tag for tag, _ in reversed(self.open) if tag in {*ALONE, "td", "th"}), "") in ALONE


def names_on(answer: Any) -> Names:
    page = Names()
    page.feed(answer.content.decode())
    assert (answer.status_code, "<script>alert(" in answer.content.decode()) == (200, False)
    return page


@pytest.fixture
def named() -> list[Model]:
    """Rows of all that people name, or give a reason or a text for, with the same name each."""
    owner = a_user(display_name=NAME)
    client = create_client(name=NAME, country="IL", owner=owner)
    a_funding(client.billing_owner, 100_000)
    rules = ExamRules(questions=4, pass_mark_basis_points=7_500, unpaid_limit=100)
    skill = create_skill(slug="names", name=NAME, by=an_admin(), exam=rules)
    fill_bank(skill, 12)
    job = an_open_job(client=client, skill=skill, title=NAME, instructions=NAME, accept_on_resolution=False)
    turn = a_resolved_task(job).assignments.all()[0]
    rejected = reject_assignment(assignment_id=turn.pk, reason="wrong", message=NAME, by=owner_of(client))
    suspend_worker(worker_id=turn.worker_id, why=NAME, by=an_admin())
    found = [owner, client, skill, job, Worker.objects.get(pk=turn.worker_id), rejected.rejection]
    assert {type(row) for row in found} == {User, Client, Skill, Job, Worker, Rejection}
    return found


def test_lists_of_the_console_set_names_apart(named: list[Model]) -> None:  # [B037, B046, B097, B098, B099]
    console, told, loose = console_of(an_operator()), {}, {}
    for model in admin.site._registry:
        page = names_on(console.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")))
        told[model], loose[model.__name__] = page.found, page.loose

    assert {name: where for name, where in loose.items() if where} == {}
    assert [type(row).__name__ for row in named if not told[type(row)]] == []


def test_a_page_of_one_row_sets_its_names_apart(named: list[Model]) -> None:  # [B037, B099]
    console, loose = console_of(an_operator()), {}
    for row in named:
        for page in ("change", "history"):
            address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])
            seen = names_on(console.get(address))
            loose[f"{type(row).__name__} {page}"] = seen.loose
            assert seen.found > 0 or page == "history"

    assert {name: where for name, where in loose.items() if where} == {}


def test_columns_that_are_set_apart_still_sort_and_show_what_is_missing(named: list[Model]) -> None:
    console = console_of(an_operator())
    columns = admin.site._registry[Job].list_display
    sorted_by_title = console.get("/admin/marketplace/job/", {"o": f"{columns.index('title') + 1}"})
    tasks = console.get("/admin/marketplace/task/").content.decode()

    assert sorted_by_title.context["cl"].queryset.query.order_by[0] == "title"
    assert f"<bdi>{Task.objects.all()[0].external_id}</bdi>" in tasks
    assert '<td class="field-answer_key"><bdi>{&quot;animal&quot;:[&quot;cat&quot;]}</bdi></td>' in tasks


def test_a_security_key_is_shown_by_its_name() -> None:  # [B037, B099]
    operator = an_operator()
    session, _ = open_session(user=operator, through="console", second_factor="totp")
    challenge, options = second_factors.begin_security_key(user=operator)
    credential = SecurityKey().register(options)
    second_factors.add_security_key(session=session, challenge=challenge, name=NAME[:40], credential=credential)

    page = console_of(operator).get("/account/second-factors/").content.decode()

    assert "Security key: <bdi>עדה &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;" in page

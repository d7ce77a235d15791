"""The demo's admin decides whatever may wait for a person: each kind of escalation there is, over the API."""

import json
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from django.db import transaction

from kernel.services.audit import Actor
from marketplace.demo.deciding import decision_on
from marketplace.demo.digits import load_digits, to_data_url
from marketplace.demo.mailbox import Mailboxes
from marketplace.demo.story import Story
from marketplace.demo.task_shape import LABEL_SCHEMA, result_of, tasks_of
from marketplace.models import Assignment, Escalation, Job
from marketplace.services.allocation import claim_task
from marketplace.services.appeals import appeal
from marketplace.services.breaker import trip
from marketplace.services.certificates import begin_certificate
from marketplace.services.escalations import open_escalation
from marketplace.services.importing import import_tasks
from marketplace.services.posting import launch_job
from marketplace.services.review import reject_assignment
from marketplace.services.submission import submit_annotation
from qualification.services import doubted_gold
from qualification.services.gold import GoldRow, add_gold_questions
from qualification.services.schemas import register_schema
from qualification.statistics.certificates.course import Terms
from tests.marketplace.api_people import an_admin
from tests.marketplace.builders import a_draft, a_signal, a_worker, owner_of
from tests.qualification.builders import a_certification, a_skill, a_user
from tests.qualification.builders import a_worker as an_uncertified_worker

pytestmark = pytest.mark.django_db

Kind = Escalation.Kind
BY: Final = Actor.system("test")
DIGITS: Final = load_digits()
ZERO, ONE = DIGITS[0], DIGITS[1]
TRUTH: Final = {to_data_url(digit): digit.label for digit in DIGITS[:2]}


def a_job_answered(*labels: int, **order: Any) -> tuple[Job, list[Assignment]]:
    """A job about the picture of a zero, to which workers gave these answers."""
    job = a_draft(label_schema=LABEL_SCHEMA, tasks=0, overlap_min=len(labels), overlap_max=len(labels), **order)
    by = owner_of(job.client)
    rows = json.dumps(tasks_of([ZERO], gold=set())).encode()
    import_tasks(job_id=job.pk, stream=BytesIO(rows), format="json", by=Actor.user(by))
    launch_job(job_id=job.pk, by=by)
    turns = []
    for label in labels:
        turn = claim_task(worker=a_worker(job), job_id=job.pk)
        turns.append(submit_annotation(assignment_id=turn.pk, worker=turn.worker, result=result_of(label)))
    return job, turns


def a_disagreement() -> Escalation:
    job, _ = a_job_answered(0, 1)
    return Escalation.objects.get(job=job)


def an_inspection() -> Escalation:
    job, _ = a_job_answered(0)
    certificate = begin_certificate(job_id=job.pk, terms=Terms(target=0.6, assurance=0.6), per_class=True, by=BY)
    return Escalation.objects.get(inspection__certificate=certificate)


def a_rejection(label: int) -> Assignment:
    """An answer that its client has rejected, though two others said what it says."""
    job, turns = a_job_answered(label, label, label, accept_on_resolution=False)
    message = "The picture clearly shows another digit."
    return reject_assignment(assignment_id=turns[0].pk, reason="wrong", message=message, by=owner_of(job.client))


def an_appeal(label: int) -> Escalation:
    rejected = a_rejection(label)
    appeal(assignment_id=rejected.pk, text="Look at it again: it is round.", worker=rejected.worker)
    return Escalation.objects.get(appeal__rejection__assignment=rejected)


def a_breaker() -> Escalation:
    rejected = a_rejection(0)
    with transaction.atomic():
        return trip(rejected.job, rule="against_evidence", inputs={}, wave=[rejected.rejection.pk]).escalation


def a_fallen_score() -> Escalation:
    worker, skill = an_uncertified_worker(), a_skill()
    a_certification(worker, skill)
    return opened(Kind.DECERTIFICATION, worker_id=worker.pk, subject=f"skill:{skill.pk}")


def doubted(label: int) -> Escalation:
    """Gold under review, which holds that the picture of a zero shows this."""
    row = GoldRow(item={"image": to_data_url(ZERO)}, result=result_of(label), reason="Its writer said so.")
    schema, admin = register_schema(xml=LABEL_SCHEMA), Actor.user(a_user(is_staff=True))
    (gold,) = add_gold_questions(skill=a_skill(), label_schema=schema, rows=[row], for_exam=True, by=admin)
    with transaction.atomic():
        doubted_gold.doubt(gold_question_id=gold.pk, why="good workers miss it", by=BY)
    return opened(Kind.GOLD_REVIEW, subject=f"gold:{gold.pk}")


def a_shown_signal() -> Escalation:
    job, turns = a_job_answered(0)
    return Escalation.objects.get(pk=a_signal(job, turns[0].worker, name="drift").escalation_id)


@transaction.atomic
def opened(kind: Escalation.Kind, **about: Any) -> Escalation:
    return open_escalation(kind=kind, by=BY, why="", **about)


CASES: Final[dict[Escalation.Kind, Sequence[tuple[Callable[[], Escalation], str]]]] = {
    Kind.NO_CONSENSUS: [(a_disagreement, "resolved")],
    Kind.INSPECTION: [(an_inspection, "right")],
    Kind.DECERTIFICATION: [(a_fallen_score, "keep")],
    Kind.GOLD_REVIEW: [(lambda: doubted(0), "keep"), (lambda: doubted(8), "recall")],
    Kind.APPEAL: [(lambda: an_appeal(0), "reverse"), (lambda: an_appeal(8), "uphold")],
    Kind.REJECTION_BREAKER: [(a_breaker, "reverse")],
    Kind.FAILED_PAYOUT: [(lambda: opened(Kind.FAILED_PAYOUT, subject=f"payout:{uuid4()}"), "noted")],
    Kind.DISPUTE: [(lambda: opened(Kind.DISPUTE, subject=f"dispute:{uuid4()}"), "noted")],
    Kind.SIGNAL: [(a_shown_signal, "dismiss")],
}
"""Of each kind what may wait, and how it is decided. What is not here is noted, and needs nothing to be about."""


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_of_escalation_is_decided_by_what_the_api_shows_of_it(kind: Escalation.Kind) -> None:
    for make, decision in CASES.get(kind, [(lambda: opened(kind), "noted")]):
        escalation, admin = make(), an_admin()
        path = f"escalations/{escalation.pk}/"
        matter = admin.get(path)[1]["matter"]

        status, told = admin.post(f"{path}decision/", decision_on(kind, matter, truth=TRUTH))

        assert (status, told) == (201, told | {"kind": kind, "state": "decided", "decision": decision})


def test_a_score_that_fell_far_costs_the_certification_and_rejections_that_nothing_contradicts_stand() -> None:
    fallen = {"score": {"lower_bound": 0.49}}
    rejections = [{"contradicts": ""}, {"contradicts": ""}]

    assert decision_on(Kind.DECERTIFICATION, fallen, truth={})["decision"] == "revoke"
    assert decision_on(Kind.REJECTION_BREAKER, {"rejections": rejections}, truth={})["decision"] == "reset"


def test_the_admin_can_read_every_picture_of_the_story(tmp_path: Path) -> None:
    story = Story(
        url="http://localhost",
        admin_email="admin@example.org",
        password="",
        mailboxes=Mailboxes(tmp_path),
        seed=7,
        size=10,
        tasks=40,
        tell=lambda what, done, total: None,
    )

    pictures = {to_data_url(digit) for digit in (*story.digits, *story.exam)}
    assert (len(pictures), pictures - set(story.admin.truth)) == (100, set())

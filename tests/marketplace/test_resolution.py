"""Answers: kept as they were given, weighed at once, decided by consensus or by a person."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from kernel.models import User
from marketplace.models import Annotation, Assignment, Escalation, Slot, Task
from marketplace.services.adjudication import decide_task
from marketplace.services.allocation import claim_task
from marketplace.services.decertification import decide_decertification
from marketplace.services.escalations import NotYours, claim_escalation
from marketplace.services.gold import tend_waiting_gold
from marketplace.services.posting import SchemaBreaksAnswers, revise_job
from marketplace.services.reactions import request_decertification
from marketplace.services.submission import InvalidAnswer, ReservationExpired, submit_annotation
from qualification.events import ScoreFellBelowFloor
from qualification.models import Certification, Score
from tests.marketplace.builders import (
    ALWAYS_GOLD,
    a_resolved_task,
    a_share,
    a_submitted_answer,
    a_worker,
    an_open_job,
    answer,
    free_turns,
    owner_of,
    the_escalation,
)
from tests.qualification.builders import ANIMALS, a_user, an_answer

pytestmark = pytest.mark.django_db


def an_undecided_task(**order: object) -> Task:
    """Two workers disagree, and no third turn is allowed."""
    job = an_open_job(tasks=1, overlap_min=2, overlap_max=2, **order)
    first = a_submitted_answer(job, animal="cat")
    a_submitted_answer(job, animal="dog")
    return Task.objects.get(pk=first.task_id)


def an_admin() -> User:
    return a_user(is_staff=True)


def test_two_sure_workers_who_agree_resolve_a_task() -> None:
    task = a_resolved_task(an_open_job())

    assert (task.state, task.answer_key, task.method) == ("resolved", '{"animal":["cat"]}', "consensus")
    assert task.label == an_answer("cat")
    assert task.confidence is not None and task.confidence > 0.9
    assert (task.majority_key, task.majority_share) == (task.answer_key, 1.0)


def test_disagreement_asks_for_one_more_answer_and_only_one() -> None:
    job = an_open_job(tasks=1, overlap_min=2, overlap_max=3, confidence_basis_points=7500)
    a_submitted_answer(job, animal="cat")
    assert free_turns(job) == 1
    a_submitted_answer(job, animal="dog")

    assert list(Slot.objects.filter(job=job).values_list("ordinal", flat=True)) == [3]
    a_submitted_answer(job, animal="dog")
    assert Task.objects.get(job=job).answer_key == '{"animal":["dog"]}'


def test_disagreement_to_the_end_goes_to_a_person_who_decides() -> None:
    task = an_undecided_task()
    assert task.state == "in_adjudication"
    admin = an_admin()

    claim_escalation(escalation_id=the_escalation(task.pk).pk, by=admin)
    decided = decide_task(escalation_id=the_escalation(task.pk).pk, result=an_answer("dog"), note="It barks.", by=admin)

    assert (decided.state, decided.answer_key, decided.method) == ("resolved", '{"animal":["dog"]}', "adjudication")
    assert the_escalation(task.pk).state == "decided"


def test_nobody_decides_their_own_escalation_nor_one_that_another_holds() -> None:
    task = an_undecided_task()
    escalation = the_escalation(task.pk)
    claim_escalation(escalation_id=escalation.pk, by=an_admin())

    for judge in (an_admin(), owner_of(task.job.client), task.assignments.all()[0].worker.user):
        with pytest.raises(NotYours):
            decide_task(escalation_id=escalation.pk, result=an_answer("dog"), note="", by=judge)
    assert Task.objects.get(pk=task.pk).state == "in_adjudication"


def test_an_admin_who_was_let_onto_the_job_does_not_decide_its_escalations() -> None:
    task, guest = an_undecided_task(), an_admin()
    a_share(task.job, guest=guest, role="reviewer")

    with pytest.raises(NotYours):
        decide_task(escalation_id=the_escalation(task.pk).pk, result=an_answer("dog"), note="", by=guest)

    assert Task.objects.get(pk=task.pk).state == "in_adjudication"


def test_one_answer_is_enough_where_the_client_asks_for_one() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    a_submitted_answer(job)

    task = Task.objects.get(job=job)
    assert task.state == "resolved"
    assert task.confidence is not None and task.confidence < 1


def test_an_answer_that_does_not_fit_changes_nothing() -> None:
    job = an_open_job()
    assignment = claim_task(worker=a_worker(job), job_id=job.pk)

    for wrong in ([], an_answer("horse"), {"choices": ["cat"]}, None, an_answer("cat") * 2):
        with pytest.raises(InvalidAnswer):
            submit_annotation(assignment_id=assignment.pk, worker=assignment.worker, result=wrong)
    assert Assignment.objects.get(pk=assignment.pk).state == "active"


def test_the_same_answer_again_is_one_answer_and_another_is_refused() -> None:  # [B151]
    job = an_open_job()
    assignment = a_submitted_answer(job, animal="cat")

    assert answer(assignment, "cat").state == "submitted"
    with pytest.raises(WrongState):
        answer(assignment, "dog")
    assert Annotation.objects.get(assignment=assignment).answer_key == '{"animal":["cat"]}'


def test_another_workers_assignment_does_not_exist() -> None:
    job = an_open_job()
    assignment = claim_task(worker=a_worker(job), job_id=job.pk)

    with pytest.raises(NotFound):
        submit_annotation(assignment_id=assignment.pk, worker=a_worker(job), result=an_answer("cat"))


def test_a_late_answer_is_refused_and_kept_as_unpaid_evidence() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    assignment = claim_task(worker=a_worker(job), job_id=job.pk)

    with clock.ahead_by(timedelta(hours=2)), pytest.raises(ReservationExpired):
        answer(assignment)

    assert Assignment.objects.get(pk=assignment.pk).state == "expired"
    assert Annotation.objects.get(assignment=assignment).late is True
    assert (Task.objects.get(job=job).state, free_turns(job)) == ("open", 1)


def test_hidden_gold_moves_the_score_and_leaves_the_task_as_it_is() -> None:
    job = an_open_job(tasks=1, gold=4, gold_share_basis_points=5000, overlap_min=1, overlap_max=4)
    worker = a_worker(job)
    gold = claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD)
    before = Score.objects.get(worker=worker).lower_bound

    answer(gold, "dog")
    tend_waiting_gold()

    assert gold.task.gold_question is not None
    assert Score.objects.get(worker=worker).lower_bound < before
    assert Task.objects.get(pk=gold.task_id).state == "open"
    assert Assignment.objects.get(pk=gold.pk).state == "submitted"


def test_annotations_versions_and_claims_are_facts() -> None:
    assignment = a_submitted_answer(an_open_job())

    for change in (
        lambda: Annotation.objects.update(answer_key="{}"),
        lambda: Annotation.objects.all().delete(),
        lambda: Assignment.objects.filter(pk=assignment.pk).update(reward_minor=99),
        lambda: Assignment.objects.filter(pk=assignment.pk).update(state="expired"),
        lambda: assignment.version.__class__.objects.update(instructions="x"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_no_turn_beyond_the_overlap_gets_into_the_table() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    task = Task.objects.get(job=job)

    with pytest.raises(IntegrityError), transaction.atomic():
        Slot.objects.create(job=job, task=task, lane=0, priority=5, r=0.5, ordinal=2)


def test_a_new_version_is_for_new_claims_and_answers_are_judged_by_the_one_they_saw() -> None:  # [B074]
    job = an_open_job(tasks=1)
    first = claim_task(worker=a_worker(job), job_id=job.pk)
    wider = ANIMALS.replace('<Choice value="dog"/>', '<Choice value="dog"/><Choice value="horse"/>')

    revise_job(job_id=job.pk, by=owner_of(job.client), label_schema=wider)
    second = claim_task(worker=a_worker(job), job_id=job.pk)

    assert (first.version.number, second.version.number) == (1, 2)
    with pytest.raises(InvalidAnswer):
        answer(first, "horse")
    answer(second, "horse")
    answer(first, "cat")
    assert free_turns(job) == 1


def test_a_schema_that_would_break_answers_is_refused_with_the_reason() -> None:  # [B074]
    job = an_open_job()

    for xml in (
        ANIMALS.replace('<Choice value="dog"/>', '<Choice value="horse"/>'),
        ANIMALS.replace("$text", "$other"),
        ANIMALS.replace('name="animal"', 'name="beast"'),
    ):
        with pytest.raises(SchemaBreaksAnswers):
            revise_job(job_id=job.pk, by=owner_of(job.client), label_schema=xml)


def test_a_fallen_score_asks_a_person_who_may_revoke_the_certification() -> None:
    job = an_open_job()
    worker = a_worker(job)
    request_decertification(
        ScoreFellBelowFloor(
            worker_id=str(worker.pk), skill_id=str(job.skill_id), lower_bound=0.4, floor=0.6, subject="assignment:x"
        )
    )
    escalation = Escalation.objects.get(kind="decertification")

    with pytest.raises(Invalid):
        decide_decertification(escalation_id=escalation.pk, decision="fire", note="No.", by=an_admin())
    with pytest.raises(NotYours):
        decide_decertification(escalation_id=escalation.pk, decision="keep", note="I am good.", by=worker.user)
    decide_decertification(escalation_id=escalation.pk, decision="revoke", note="Too many misses.", by=an_admin())

    assert Certification.objects.get(worker=worker).state == "revoked"

"""Gold that good workers miss more than their scores explain is asked no more, and a person keeps or recalls it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kernel import clock
from kernel.errors import Invalid
from kernel.services.audit import Actor
from marketplace.models import Escalation, Job, Slot
from marketplace.services.checks import check_invariants
from marketplace.services.escalations import NotYours
from marketplace.services.gold_review import decide_gold_review, review_gold
from marketplace.services.overlaps import raise_overlap
from marketplace.services.recall import replay_recalls
from qualification.models import GoldQuestion, GoldRecall, Score, ScoreEvidence
from qualification.queries import exam_bank_of
from qualification.services.exams import answer_exam_question, finish_exam
from qualification.services.gold import retire_gold_question
from tests.kernel.people import console_of, made_admin
from tests.marketplace.api_people import an_admin
from tests.marketplace.builders import a_signal, owner_of
from tests.marketplace.test_claim_plan import nodes, plan_of
from tests.marketplace.test_recall import a_gilded_job, gold, gold_of, question_of, recall
from tests.qualification.builders import (
    a_finished_exam,
    a_skill,
    a_started_exam,
    a_user,
    a_worker,
    an_answer,
    questions_of,
)

pytestmark = pytest.mark.django_db


def a_doubted_job() -> tuple[Job, Escalation]:
    """A job whose gold nine workers missed who answered all of their exam right."""
    job = a_gilded_job(tasks=8)
    for _ in range(9):
        gold(job)
    assert review_gold() == 1
    return job, Escalation.objects.get()


def free_gold(job: Job) -> int:
    return Slot.objects.filter(job=job, lane=Slot.Lane.GOLD).count()


def test_gold_that_good_workers_miss_is_put_before_a_person_with_the_evidence_and_asked_no_more() -> None:
    job, asked = a_doubted_job()

    assert (asked.kind, asked.task_id, asked.subject) == ("gold_review", gold_of(job).pk, f"gold:{question_of(job)}")
    assert {name: asked.details[name] for name in ("rule", "version", "answers", "missed")} == {
        "rule": "good_workers_miss",
        "version": 1,
        "answers": 9,
        "missed": 9,
    }
    assert asked.details["tail"] < asked.details["believed_from"]
    assert free_gold(job) == 0
    assert review_gold() == 0
    assert check_invariants() == []


def test_a_sweep_looks_at_what_was_missed_lately_and_the_nightly_one_at_all() -> None:
    job = a_gilded_job(tasks=8)
    for _ in range(9):
        gold(job)

    with clock.ahead_by(timedelta(hours=2)):
        assert review_gold() == 0
        assert review_gold(everywhere=True) == 1


def test_a_sweep_finds_the_misses_of_the_last_hour_by_index_among_all_evidence() -> None:
    job = a_gilded_job(tasks=8)
    missed = gold(job)
    score = Score.objects.get(worker=missed.worker)
    rows = (ScoreEvidence(score=score, source="hidden_gold", correct=True, subject=f"test:{n}") for n in range(20_000))
    ScoreEvidence.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE qualification_scoreevidence")

    with CaptureQueriesContext(connection) as asked:
        assert review_gold() == 0

    statements = [each["sql"] for each in asked if "doubtful" in each["sql"]]
    assert len(statements) == 2
    for statement in statements:
        read = [node for node in nodes(plan_of(statement.replace("%", "%%"), {})) if "Relation Name" in node]
        of_evidence = [node for node in read if node["Relation Name"] == "qualification_scoreevidence"]
        assert "evidence_of_misses" in {node.get("Index Name") for node in of_evidence}
        assert "Seq Scan" not in {node["Node Type"] for node in of_evidence}
        assert sum(node["Actual Rows"] for node in of_evidence) <= 2


def test_a_few_misses_are_no_doubt() -> None:
    job = a_gilded_job(tasks=8)
    for _ in range(4):
        gold(job)

    assert (review_gold(), Escalation.objects.count()) == (0, 0)


def test_gold_that_is_kept_is_asked_again_and_not_doubted_for_the_same_answers() -> None:
    job, asked = a_doubted_job()

    decide_gold_review(escalation_id=asked.pk, decision="keep", note="It is a cat.", by=a_user(is_staff=True))

    assert Escalation.objects.get(pk=asked.pk).decision == "keep"
    assert free_gold(job) > 0
    gold(job)
    assert review_gold() == 0
    assert check_invariants() == []


def test_gold_that_is_recalled_in_review_counts_no_more() -> None:
    job, asked = a_doubted_job()
    admin = an_admin()
    status, said = admin.get(f"escalations/{asked.pk}/")
    assert (status, said["matter"]["answers_given"][0]["times"]) == (200, 9)

    body = {"decision": "recall", "note": "It is a fox."}
    assert admin.post(f"escalations/{asked.pk}/decision/", body)[0] == 201
    assert replay_recalls() == 1

    assert (GoldRecall.objects.get().why, gold_of(job).state) == ("It is a fox.", "void")
    assert check_invariants() == []


def test_a_recall_from_elsewhere_withdraws_the_review() -> None:
    job, asked = a_doubted_job()

    recall(job)

    assert Escalation.objects.get(pk=asked.pk).state == "withdrawn"


def test_neither_another_decision_nor_a_party_decides() -> None:
    job, asked = a_doubted_job()

    with pytest.raises(Invalid):
        decide_gold_review(escalation_id=asked.pk, decision="revoke", note="Why not.", by=a_user(is_staff=True))
    with pytest.raises(NotYours):
        decide_gold_review(escalation_id=asked.pk, decision="keep", note="Mine.", by=owner_of(job.client))

    assert (Escalation.objects.get(pk=asked.pk).state, free_gold(job)) == ("open", 0)


def test_a_question_of_an_exam_that_good_workers_miss_is_drawn_no_more() -> None:
    skill = a_skill(questions=12, bank=12, pass_mark=5_000)
    a_finished_exam(a_worker(), skill, right=12)
    assert review_gold() == 0

    missed = GoldQuestion.objects.select_related("skill").filter(skill=skill).earliest("id")
    for _ in range(7):
        miss_only(missed)
    assert review_gold() == 1

    assert not exam_bank_of(skill).filter(pk=missed.pk).exists()
    assert Escalation.objects.get().job is None


def miss_only(missed: GoldQuestion) -> None:
    """An exam in which everything but this question is answered right."""
    worker = a_worker()
    exam = a_started_exam(worker, missed.skill)
    for position, question_id in enumerate(questions_of(exam), start=1):
        result = an_answer("dog" if question_id == missed.pk else "cat")
        answer_exam_question(exam_id=exam.pk, worker=worker, position=position, result=result)
    finish_exam(exam_id=exam.pk, worker=worker)


def test_gold_that_is_retired_is_asked_no_more_in_its_job_either() -> None:
    job = a_gilded_job(tasks=8)
    assert free_gold(job) > 0
    retire_gold_question(gold_question_id=question_of(job), why="It is old.", by=Actor.system("test"))

    review_gold()
    raise_overlap(job_id=job.pk, overlap_max=5, by=owner_of(job.client))

    assert free_gold(job) == 0
    assert check_invariants() == []


def test_the_console_recalls_gold_and_says_of_what_is_none_that_it_did_nothing() -> None:
    job, asked = a_doubted_job()
    other = a_signal(job, a_worker()).escalation_id
    rows = reverse("admin:marketplace_escalation_changelist")
    chosen = {"action": "recall", "reason": "It is a fox.", "_selected_action": [str(asked.pk), str(other)]}

    answered = console_of(made_admin(a_user(), "escalations")).post(rows, chosen, follow=True)

    assert GoldRecall.objects.get().why == "It is a fox."
    said = sorted(str(message) for message in answered.context["messages"])
    assert said == ["1 decided.", "There is no such gold under review."]

"""The operators' console: rows cannot be edited, decisions go through the services."""

import pytest
from django.test import Client
from django.urls import reverse

from qualification.models import Certification, GoldQuestion, Skill
from qualification.services.scoring import record_gold
from tests.kernel.people import an_operator, console_of
from tests.qualification.builders import a_certification, a_finished_exam, a_skill, a_worker

pytestmark = pytest.mark.django_db

MODELS = ("skill", "labelschema", "goldquestion", "exam", "certification", "score", "scoreevidence")


@pytest.fixture
def operator() -> Client:
    return console_of(an_operator())


def decide(operator: Client, row: Certification | GoldQuestion, action: str, reason: str = "") -> list[str]:
    address = reverse(f"admin:qualification_{row._meta.model_name}_changelist")
    asked = {"action": action, "_selected_action": [str(row.pk)], "reason": reason}
    answer = operator.post(address, asked, follow=True)
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_read_and_never_added(operator: Client, model: str) -> None:
    worker, skill = a_worker(), a_skill()
    a_finished_exam(worker, skill, right=4)
    record_gold(worker_id=worker.pk, skill_id=skill.pk, correct=True, subject="assignment:1")

    listed = operator.get(reverse(f"admin:qualification_{model}_changelist"))

    assert listed.status_code == 200
    assert listed.context["cl"].result_count > 0
    assert operator.get(reverse(f"admin:qualification_{model}_add")).status_code == 403


def test_scores_have_three_decimals_and_uses_in_exams_are_told_of_exam_questions_alone(operator: Client) -> None:
    worker, skill = a_worker(), a_skill()
    a_finished_exam(worker, skill, right=4)

    scores = operator.get(reverse("admin:qualification_score_changelist")).content.decode()
    questions = operator.get(reverse("admin:qualification_goldquestion_changelist")).content.decode()

    assert '<td class="field-estimate">0.917</td>' in scores
    assert '<td class="field-drawn">1</td>' in questions


def test_an_exam_is_read_with_its_answers(operator: Client) -> None:
    exam = a_finished_exam(a_worker(), a_skill(), right=4)

    page = operator.get(reverse("admin:qualification_exam_change", args=[exam.pk]))

    formset, _ = page.context["inline_admin_formsets"]
    assert [form.instance.position for form in formset.formset.forms] == [1, 2, 3, 4]
    assert "_save" not in page.content.decode()


def test_an_operator_grants_and_revokes(operator: Client) -> None:
    certification = a_certification(a_worker(), a_skill(grants_by=Skill.Grant.BOTH))

    assert decide(operator, certification, "grant") == ["1 granted."]
    assert decide(operator, certification, "revoke") == ["The reason is empty: it holds nothing that can be seen."]
    assert decide(operator, certification, "revoke", "Answers were copied.") == ["1 revoked."]

    certification.refresh_from_db()
    assert (certification.state, certification.reason) == ("revoked", "Answers were copied.")


def test_an_operator_denies(operator: Client) -> None:
    certification = a_certification(a_worker(), a_skill(grants_by=Skill.Grant.BOTH))

    assert decide(operator, certification, "deny", "Please send a sample first.") == ["1 denied."]

    certification.refresh_from_db()
    assert certification.state == "denied"


def test_an_operator_retires_gold(operator: Client) -> None:
    a_skill(bank=1)
    question = GoldQuestion.objects.get()

    assert decide(operator, question, "retire", "Two answers are right.") == ["1 retired."]

    question.refresh_from_db()
    assert question.retired_at is not None

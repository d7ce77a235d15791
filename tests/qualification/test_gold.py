"""Gold questions: added whole and checked, retired and never changed."""

import pytest
from django.db import IntegrityError

from qualification.models import GoldQuestion, Skill
from qualification.services.gold import GoldRow, InvalidGold, add_gold_questions, retire_gold_question
from tests.qualification.builders import a_skill, an_admin, an_answer, animals

pytestmark = pytest.mark.django_db


def add(skill: Skill, *rows: GoldRow, for_exam: bool = True) -> list[GoldQuestion]:
    return add_gold_questions(skill=skill, label_schema=animals(), rows=rows, for_exam=for_exam, by=an_admin())


def row(text: str, *, answer: str = "cat", reason: str = "Only cats meow.", **fields: object) -> GoldRow:
    return GoldRow(item={"text": text, **fields}, result=an_answer(answer), reason=reason)


def refusals(skill: Skill, *rows: GoldRow) -> list[tuple[object, object]]:
    with pytest.raises(InvalidGold) as refused:
        add(skill, *rows)
    assert not GoldQuestion.objects.exists()
    return [(error["row"], error["message"]) for error in refused.value.errors]


def test_gold_keeps_its_answer_in_canonical_form() -> None:
    written = [{**an_answer("cat")[0], "id": "r1", "origin": "manual"}]

    (question,) = add(a_skill(bank=0), GoldRow(item={"text": "Meow."}, result=written, reason="  Only cats meow. "))

    assert (question.result, question.answer_key) == (an_answer("cat"), '{"animal":["cat"]}')
    assert question.reason == "Only cats meow."


def test_one_wrong_row_stops_all() -> None:
    rows = [row("Meow."), row("Moo.", answer="cow"), GoldRow(item={"image": "x"}, result=an_answer("cat"), reason="r")]

    assert refusals(a_skill(bank=0), *rows) == [
        (2, 'result[0].value.choices: "cow" is no choice of "animal". Choices: cat, dog.'),
        (3, "The schema shows $text, which the tasks do not have. They have: image."),
    ]


def test_an_exam_question_needs_a_reason_and_hidden_gold_does_not() -> None:
    assert refusals(a_skill(bank=0), row("Meow.", reason=" ")) == [
        (1, "An exam question needs a reason: a worker who misses it learns from it.")
    ]

    (question,) = add(a_skill(bank=0), row("Meow.", reason=""), for_exam=False)
    assert question.reason == ""


def test_an_item_stands_in_a_bank_once_whatever_else_it_carries() -> None:
    skill = a_skill(bank=0)
    assert refusals(skill, row("Meow."), row("Woof."), row("Meow.", source="another")) == [
        (3, "This item is in the exam's bank already, or stands here twice.")
    ]
    add(skill, row("Meow."))

    with pytest.raises(InvalidGold):
        add(skill, row("Meow.", answer="dog"))
    add(a_skill(bank=0), row("Meow."))


def test_a_retired_item_may_be_added_again() -> None:
    skill = a_skill(bank=0)
    (question,) = add(skill, row("Meow."))

    retired = retire_gold_question(gold_question_id=question.pk, why="wrong", by=an_admin())
    again = retire_gold_question(gold_question_id=question.pk, why="wrong", by=an_admin())
    add(skill, row("Meow.", answer="dog"))

    assert retired.retired_at == again.retired_at


def test_hidden_gold_of_two_jobs_may_be_about_the_same_item() -> None:
    skill = a_skill(bank=0)

    add(skill, row("Meow."), for_exam=False)
    add(skill, row("Meow.", answer="dog"), for_exam=False)

    assert GoldQuestion.objects.count() == 2


def test_errors_are_listed_up_to_fifty() -> None:
    with pytest.raises(InvalidGold) as refused:
        add(a_skill(bank=0), *[row(f"Moo {number}.", answer="cow") for number in range(60)])

    assert refused.value.message == "60 of 60 rows cannot be gold questions. Nothing was added."
    assert len(refused.value.errors) == 50


@pytest.mark.parametrize("change", [{"answer_key": "{}"}, {"reason": "x"}, {"for_exam": False}, {"item": {}}])
def test_what_a_gold_question_asks_and_what_is_right_never_changes(change: dict[str, object]) -> None:
    add(a_skill(bank=0), row("Meow."))

    with pytest.raises(IntegrityError, match="A gold question stands as it is"):
        GoldQuestion.objects.update(**change)


def test_a_worker_is_shown_only_the_fields_of_the_schema() -> None:
    (question,) = add(a_skill(bank=0), row("Meow.", true_label="cat"))

    assert question.shown_item() == {"text": "Meow."}

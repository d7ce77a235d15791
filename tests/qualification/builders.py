"""People, skills and exams for these tests, made through the services that users go through."""

import itertools
import random
from datetime import timedelta
from typing import Any

from kernel.models import User
from kernel.services.audit import Actor
from qualification.models import Certification, Exam, ExamAnswer, GoldQuestion, LabelSchema, Skill
from qualification.services.exams import answer_exam_question, finish_exam, start_exam
from qualification.services.gold import GoldRow, add_gold_questions
from qualification.services.schemas import register_schema
from qualification.services.skills import ExamRules, create_skill
from tests.kernel.people import made_admin
from tests.workforce import people
from workforce.models import Worker

ANIMALS = """<View>
  <Text name="text" value="$text"/>
  <Choices name="animal" toName="text" required="true">
    <Choice value="cat"/>
    <Choice value="dog"/>
  </Choices>
</View>"""

_numbers = itertools.count(1)


def a_user(*, is_staff: bool = False, **fields: Any) -> User:
    """Somebody; who ``is_staff`` holds every admin role."""
    user = User.objects.create_user(f"person{next(_numbers)}@example.org", "long enough, surely", **fields)
    return made_admin(user) if is_staff else user


def an_admin() -> Actor:
    """Who keeps skills and gold, and certifies."""
    return Actor.user(made_admin(a_user(), "certification"))


def a_worker() -> Worker:
    return people.a_worker()


def a_skill(
    *,
    bank: int = 12,
    grants_by: Skill.Grant = Skill.Grant.SCORE,
    questions: int = 4,
    pass_mark: int = 7_500,
    unpaid_limit: int = 100,
    valid_for: timedelta | None = timedelta(days=365),
) -> Skill:
    """A skill whose exam asks 4 of 12 questions, lasts half an hour, and may be tried again after a day."""
    rules = ExamRules(questions=questions, pass_mark_basis_points=pass_mark, unpaid_limit=unpaid_limit)
    skill = create_skill(
        slug=f"animals-{next(_numbers)}",
        name="Animals",
        by=an_admin(),
        grants_by=grants_by,
        exam=rules,
        certificate_valid_for=valid_for,
    )
    if bank:
        fill_bank(skill, bank)
    return skill


def fill_bank(skill: Skill, questions: int) -> list[GoldQuestion]:
    """More exam questions, each about another text; the right answer is always cat."""
    rows = [
        GoldRow(item={"text": f"It meows {next(_numbers)} times."}, result=an_answer("cat"), reason="Only cats meow.")
        for _ in range(questions)
    ]
    return add_gold_questions(skill=skill, label_schema=animals(), rows=rows, for_exam=True, by=an_admin())


def animals() -> LabelSchema:
    return register_schema(xml=ANIMALS)


def an_answer(animal: str) -> list[dict[str, object]]:
    return [{"from_name": "animal", "to_name": "text", "type": "choices", "value": {"choices": [animal]}}]


def a_started_exam(worker: Worker, skill: Skill, *, seed: int = 1) -> Exam:
    return start_exam(worker=worker, skill_id=skill.pk, chance=random.Random(seed))


def a_finished_exam(worker: Worker, skill: Skill, *, right: int, seed: int = 1) -> Exam:
    """An exam whose first ``right`` questions are answered right and the others wrong."""
    exam = a_started_exam(worker, skill, seed=seed)
    answer_all(exam, worker, right=right)
    return finish_exam(exam_id=exam.pk, worker=worker)


def answer_all(exam: Exam, worker: Worker, *, right: int) -> None:
    for position in range(1, exam.questions + 1):
        result = an_answer("cat" if position <= right else "dog")
        answer_exam_question(exam_id=exam.pk, worker=worker, position=position, result=result)


def a_certification(worker: Worker, skill: Skill) -> Certification:
    """What a perfect exam earns."""
    exam = a_finished_exam(worker, skill, right=skill.exam_questions)
    return Certification.objects.get(exam=exam)


def questions_of(exam: Exam) -> list[Any]:
    """The ids of an exam's questions, by position."""
    return list(ExamAnswer.objects.filter(exam=exam).order_by("position").values_list("gold_question_id", flat=True))

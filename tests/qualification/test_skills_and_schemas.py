"""Skills and label schemas: what may be created, and what is kept once."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from kernel.errors import Invalid
from qualification.models import LabelSchema, Skill
from qualification.services.schemas import InvalidSchema, register_schema
from qualification.services.skills import NO_EXAM, ExamRules, SkillExists, create_skill
from tests.qualification.builders import ANIMALS, an_admin

pytestmark = pytest.mark.django_db


def test_a_slug_is_used_once() -> None:
    create_skill(slug="cats", name="Cats", by=an_admin())

    with pytest.raises(SkillExists, match="There is a skill 'cats' already"):
        create_skill(slug="cats", name="More cats", by=an_admin())


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        (ExamRules(questions=0), "exam.questions"),
        (ExamRules(questions=101, unpaid_limit=101), "exam.questions"),
        (ExamRules(pass_mark_basis_points=0), "exam.pass_mark_basis_points"),
        (ExamRules(pass_mark_basis_points=10_001), "exam.pass_mark_basis_points"),
        (ExamRules(time_limit=timedelta(0)), "exam.time_limit"),
        (ExamRules(retry_after=timedelta(seconds=-1)), "exam.retry_after"),
        (ExamRules(questions=10, unpaid_limit=9), "exam.unpaid_limit"),
    ],
)
def test_rules_that_contradict_each_other_make_no_skill(rules: ExamRules, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        create_skill(slug="cats", name="Cats", exam=rules, by=an_admin())

    assert [error["field"] for error in refused.value.errors] == [field]


def test_a_skill_that_admins_grant_needs_no_exam() -> None:
    skill = create_skill(slug="cats", name="Cats", grants_by=Skill.Grant.ADMIN, exam=NO_EXAM, by=an_admin())

    assert not skill.has_exam


def test_the_database_refuses_a_scored_skill_without_an_exam() -> None:
    skill = create_skill(slug="cats", name="Cats", by=an_admin())

    with pytest.raises(IntegrityError, match="skill_has_an_exam"):
        Skill.objects.filter(pk=skill.pk).update(exam_questions=0)


def test_the_same_schema_is_kept_once() -> None:
    first, second, other = (register_schema(xml=xml) for xml in (ANIMALS, ANIMALS, ANIMALS.replace("dog", "cow")))

    assert first == second != other
    assert first.xml == ANIMALS
    assert first.parsed["needs"] == {"text": "Text"}
    assert first.checked.fields_needed == {"text": "Text"}


def test_a_schema_that_cannot_be_used_says_where() -> None:
    with pytest.raises(InvalidSchema) as refused:
        register_schema(xml="<View>\n<Chat name='c' value='$t'/>\n</View>")

    (error,) = refused.value.errors
    assert error["line"] == 2
    assert str(error["message"]).startswith('The tag "Chat" is not supported: ')
    assert not LabelSchema.objects.exists()


def test_a_schema_never_changes() -> None:
    register_schema(xml=ANIMALS)

    with pytest.raises(IntegrityError, match="are facts: UPDATE is refused"):
        LabelSchema.objects.update(xml="<View/>")

"""Skills: which abilities are measured, and by which rules one is certified for them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction

from kernel.errors import Invalid, Refused
from kernel.services.audit import Actor, record
from kernel.text import clean_line, clean_text
from qualification.models import Skill

LARGEST_EXAM: Final = 100
LONGEST_EXAM: Final = timedelta(hours=8)
LONGEST_CLOCK: Final = timedelta(days=3650)


class SkillExists(Refused):
    """Another skill has this slug."""

    code = "skill_exists"


@dataclass(frozen=True, slots=True)
class ExamRules:
    """How a skill's exam is held. ``questions`` 0: there is none. ``unpaid_limit`` counts questions within a year."""

    questions: int = 10
    pass_mark_basis_points: int = 8_000
    time_limit: timedelta = timedelta(minutes=30)
    retry_after: timedelta = timedelta(days=1)
    unpaid_limit: int = 40


NO_EXAM: Final = ExamRules(questions=0, unpaid_limit=0)


@transaction.atomic
def create_skill(
    *,
    slug: str,
    name: str,
    by: Actor,
    description: str = "",
    grants_by: Skill.Grant = Skill.Grant.SCORE,
    exam: ExamRules = ExamRules(),
    certificate_valid_for: timedelta | None = timedelta(days=365),
) -> Skill:
    """A new skill. Raises Invalid for rules that contradict each other and SkillExists for a slug in use."""
    _check_rules(grants_by=grants_by, exam=exam, certificate_valid_for=certificate_valid_for)
    name = clean_line(name, what="name", field="name", longest=100)
    if description:
        description = clean_text(description, what="description", field="description", longest=2_000)
    try:
        with transaction.atomic():
            skill = Skill.objects.create(
                slug=slug,
                name=name,
                description=description,
                grants_by=grants_by,
                exam_questions=exam.questions,
                pass_mark_basis_points=exam.pass_mark_basis_points,
                exam_time_limit=exam.time_limit,
                retry_after=exam.retry_after,
                unpaid_limit=exam.unpaid_limit,
                certificate_valid_for=certificate_valid_for,
            )
    except IntegrityError as error:
        if not Skill.objects.filter(slug=slug).exists():
            raise
        raise SkillExists(f"There is a skill {slug!r} already. Choose another slug, or use that skill.") from error
    record(action="skill.created", subject=skill, by=by)
    return skill


def _check_rules(*, grants_by: Skill.Grant, exam: ExamRules, certificate_valid_for: timedelta | None) -> None:
    wrong: list[tuple[str, str]] = []
    if grants_by != Skill.Grant.ADMIN and exam.questions < 1:
        wrong.append(("exam.questions", "A skill that its exam grants needs at least one question in it."))
    if not 0 <= exam.questions <= LARGEST_EXAM:
        wrong.append(("exam.questions", f"An exam has at most {LARGEST_EXAM} questions."))
    if not 1 <= exam.pass_mark_basis_points <= 10_000:
        wrong.append(("exam.pass_mark_basis_points", "A pass mark is 1 to 10000 hundredths of a percent."))
    if not timedelta(seconds=1) <= exam.time_limit <= LONGEST_EXAM:
        wrong.append(("exam.time_limit", "An exam lasts between 1 second and 8 hours."))
    if not timedelta(0) <= exam.retry_after <= LONGEST_CLOCK:
        wrong.append(("exam.retry_after", "The delay after a failed exam is between 0 and 3650 days."))
    if not exam.questions <= exam.unpaid_limit <= 32_767:
        wrong.append(("exam.unpaid_limit", "The unpaid limit must allow at least one whole exam."))
    if certificate_valid_for is not None and not timedelta(seconds=1) <= certificate_valid_for <= LONGEST_CLOCK:
        wrong.append(("certificate_valid_for", "A certification is valid between 1 second and 3650 days, or for ever."))
    if wrong:
        raise Invalid(
            "These rules cannot make a skill.", [{"field": field, "message": message} for field, message in wrong]
        )

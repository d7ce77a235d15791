"""Skills over HTTP: everybody signed in may read them, admins make them."""

from datetime import timedelta
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.views import ApiView
from kernel.errors import NotFound
from qualification.api import own_fields
from qualification.models import Skill
from qualification.services.admission import prospect_of
from qualification.services.skills import (
    LARGEST_EXAM,
    LONGEST_CLOCK,
    LONGEST_EXAM,
    ExamRules,
    SkillExists,
    create_skill,
)
from workforce.api.base import WorkersOwnView

SKILL_ID = "3f2b8c1e-94a7-4d0e-8f3b-5a6c7d8e9f00"


class ExamRulesIn(In):
    """How the skill's exam is held. With 0 questions there is none."""

    EXAMPLE = {
        "questions": 10,
        "pass_mark_basis_points": 8000,
        "time_limit_seconds": 1800,
        "retry_after_seconds": 86400,
        "unpaid_limit": 40,
    }
    questions = fields.IntegerField(min_value=0, max_value=LARGEST_EXAM)
    pass_mark_basis_points = fields.IntegerField(min_value=1, max_value=10_000, help_text="Of 10000.")
    time_limit_seconds = fields.IntegerField(min_value=1, max_value=round(LONGEST_EXAM.total_seconds()))
    retry_after_seconds = fields.IntegerField(
        min_value=0, max_value=round(LONGEST_CLOCK.total_seconds()), help_text="Between a failed exam and the next."
    )
    unpaid_limit = fields.IntegerField(
        min_value=0, max_value=32_767, help_text="Unpaid exam questions that one worker may be asked within a year."
    )


class SkillIn(In):
    """A skill to be measured."""

    EXAMPLE = {
        "slug": "handwritten-digits",
        "name": "Handwritten digits",
        "description": "Read one handwritten digit.",
        "grants_by": "score",
        "exam": ExamRulesIn.EXAMPLE,
        "certificate_valid_seconds": 31536000,
    }
    slug = own_fields.SlugField(max_length=50, help_text="Unique; small Latin letters, digits and hyphens.")
    name = fields.LineField(max_length=100)
    description = fields.TextField(max_length=2_000, required=False, allow_blank=True)
    grants_by = fields.ChoiceField(
        choices=Skill.Grant.choices, help_text="Who certifies: passing the exam (score), an admin, or both in turn."
    )
    exam = ExamRulesIn()
    certificate_valid_seconds = fields.IntegerField(
        min_value=1,
        max_value=round(LONGEST_CLOCK.total_seconds()),
        allow_null=True,
        help_text="How long a certification counts; null: for ever.",
    )


class ExamRulesOut(Out):
    """How the skill's exam is held."""

    questions = fields.IntegerField(source="exam_questions", help_text="0: there is no exam.")
    pass_mark_basis_points = fields.IntegerField()
    time_limit_seconds = own_fields.SecondsField(source="exam_time_limit")
    retry_after_seconds = own_fields.SecondsField(source="retry_after")
    unpaid_limit = fields.IntegerField(help_text="Unpaid exam questions that one worker may be asked within a year.")


class SkillOut(Out):
    """A skill and the rules by which one is certified for it."""

    EXAMPLE = {"id": SKILL_ID, **SkillIn.EXAMPLE}
    id = fields.UUIDField()
    slug = fields.LineField()
    name = fields.LineField()
    description = fields.TextField()
    grants_by = fields.ChoiceField(choices=Skill.Grant.choices)
    exam = ExamRulesOut(source="*")
    certificate_valid_seconds = own_fields.SecondsField(source="certificate_valid_for", allow_null=True)


class ProspectOut(Out):
    """What the worker who asks may do about a skill now."""

    EXAMPLE = {
        "may_start_exam": False,
        "may_ask_admin": False,
        "code": "retry_later",
        "message": "Your last exam in Handwritten digits was failed. You may try again from 2026-05-18 12:00 UTC on.",
        "unpaid_questions_asked": 10,
        "unpaid_limit": 40,
    }
    may_start_exam = fields.BooleanField()
    may_ask_admin = fields.BooleanField(help_text="Whether the certification may be asked for without an exam.")
    code = fields.LineField(help_text="Why nothing is possible now, for programs; empty when something is.")
    message = fields.LineField(help_text="The same for people, with from when on it will be possible.")
    unpaid_questions_asked = fields.IntegerField(help_text="Unpaid exam questions asked of this worker within a year.")
    unpaid_limit = fields.IntegerField(help_text="How many there may be. An exam that would ask more is not started.")


class SkillsView(ApiView):
    """All skills."""

    @operation("List skills", answer=SkillOut, paged=True)
    def get(self, request: Request) -> Response:
        """Every skill, in the order of their slugs."""
        return self.page(Skill.objects.all(), SkillOut, order_by=("slug",))

    @operation("Create a skill", body=SkillIn, answer=SkillOut, status=201, creates=True, errors=[SkillExists])
    def post(self, request: Request) -> Response:
        """For admins. The exam can be taken once its bank holds as many questions as it asks.

        While it holds three times as many, workers are told why they missed what they missed.
        """
        asked = self.read_body()
        exam, valid_seconds = asked.pop("exam"), asked.pop("certificate_valid_seconds")
        skill = create_skill(
            **asked,
            exam=ExamRules(
                questions=exam["questions"],
                pass_mark_basis_points=exam["pass_mark_basis_points"],
                time_limit=timedelta(seconds=exam["time_limit_seconds"]),
                retry_after=timedelta(seconds=exam["retry_after_seconds"]),
                unpaid_limit=exam["unpaid_limit"],
            ),
            certificate_valid_for=None if valid_seconds is None else timedelta(seconds=valid_seconds),
            by=self.actor,
        )
        return self.answer(SkillOut(skill), status=201)


class SkillView(ApiView):
    """One skill."""

    @operation("Show a skill", answer=SkillOut, errors=[NotFound])
    def get(self, request: Request, skill_id: UUID) -> Response:
        """The skill and its rules."""
        return self.answer(SkillOut(Skill.objects.get(pk=skill_id)))


class ProspectView(WorkersOwnView):
    """What may be done about one skill."""

    @operation("Show what one may do about a skill", answer=ProspectOut, errors=[NotFound])
    def get(self, request: Request, skill_id: UUID) -> Response:
        """For workers: whether the exam may be started now, and how many unpaid questions they were asked already."""
        worker, skill = self.worker, Skill.objects.get(pk=skill_id)
        return self.answer(ProspectOut(prospect_of(worker=worker, skill=skill)))

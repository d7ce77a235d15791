"""Gold questions over HTTP, for admins only: no worker and no client ever reads one here."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from qualification.api import own_fields
from qualification.api.label_schemas import DIGITS, LABEL_SCHEMA_ID
from qualification.api.skills import SKILL_ID
from qualification.models import GoldQuestion, Skill
from qualification.services.gold import (
    ROWS_AT_ONCE,
    GoldRow,
    InvalidGold,
    add_gold_questions,
    retire_gold_question,
)
from qualification.services.schemas import InvalidSchema, register_schema

GOLD_ID = "a4c1d2e3-f405-4162-8738-495a6b7c8d9e"
RIGHT = [{"from_name": "digit", "to_name": "image", "type": "choices", "value": {"choices": ["1"]}}]


class GoldRowIn(In):
    """An item with its right answer."""

    EXAMPLE = {"item": {"image": "data:image/png;base64,…"}, "result": RIGHT, "reason": "A single stroke is a 1."}
    item = fields.ObjectField(help_text="The item's fields; those that the label schema shows must be among them.")
    result = fields.JSONField(help_text="The right answer as Label Studio result JSON.")
    reason = fields.TextField(max_length=2_000, help_text="Why it is right; read by workers who missed it.")


class GoldIn(In):
    """Questions for the item bank of a skill's exam."""

    EXAMPLE = {"skill": SKILL_ID, "label_schema": DIGITS, "questions": [GoldRowIn.EXAMPLE]}
    skill = fields.UUIDField()
    label_schema = own_fields.MarkupField(help_text="The labeling config that all these questions are asked with.")
    questions = fields.ListField(child=GoldRowIn(), min_length=1, max_length=ROWS_AT_ONCE)


class GoldOut(Out):
    """A gold question with its right answer."""

    EXAMPLE = {
        "id": GOLD_ID,
        "skill": SKILL_ID,
        "label_schema": LABEL_SCHEMA_ID,
        "item": {"image": "data:image/png;base64,…"},
        "result": RIGHT,
        "reason": "A single stroke is a 1.",
        "for_exam": True,
        "times_drawn": 3,
        "created_at": "2026-05-17T12:00:00Z",
        "retired_at": None,
    }
    id = fields.UUIDField()
    skill = fields.UUIDField(source="skill_id")
    label_schema = fields.UUIDField(source="label_schema_id")
    item = fields.ObjectField()
    result = fields.JSONField()
    reason = fields.TextField()
    for_exam = fields.BooleanField(help_text="False: hidden gold of some job.")
    times_drawn = fields.IntegerField(help_text="In how many exams it stood.")
    created_at = fields.DateTimeField()
    retired_at = fields.DateTimeField(allow_null=True)


class AddedGoldOut(Out):
    """The questions that were added."""

    EXAMPLE = {"ids": [GOLD_ID]}
    ids = fields.ListField(child=fields.UUIDField(), help_text="In the order in which they were sent.")


class GoldQuery(Query):
    """Which gold questions."""

    skill = fields.UUIDField(required=False)
    for_exam = fields.QueryBooleanField(required=False)
    retired = fields.QueryBooleanField(required=False)


class RetirementIn(In):
    """Why a question is retired."""

    EXAMPLE = {"reason": "Two answers are right."}
    reason = fields.TextField(max_length=1_000)


class GoldQuestionsView(ApiView):
    """All gold questions."""

    largest_body_bytes = 16 * 1024 * 1024

    @operation("List gold questions", query=GoldQuery, answer=GoldOut, paged=True)
    def get(self, request: Request) -> Response:
        """The newest first, with their right answers."""
        asked = self.read_query()
        return self.page(_chosen(GoldQuestion.objects.all(), asked), GoldOut, order_by=("-created_at", "-id"))

    @operation(
        "Add gold questions",
        body=GoldIn,
        answer=AddedGoldOut,
        status=201,
        creates=True,
        errors=[NotFound, InvalidSchema, InvalidGold],
    )
    def post(self, request: Request) -> Response:
        """Adds questions to the item bank of a skill's exam: all of them, or none and every reason why not, by row.

        They are never changed: one that is wrong is retired and added anew. The hidden gold of a job comes with its
        tasks instead.
        """
        asked = self.read_body()
        added = add_gold_questions(
            skill=Skill.objects.get(pk=asked["skill"]),
            label_schema=register_schema(xml=asked["label_schema"]),
            rows=[GoldRow(**row) for row in asked["questions"]],
            for_exam=True,
            by=self.actor,
        )
        return self.answer(AddedGoldOut({"ids": [question.pk for question in added]}), status=201)


class GoldRetirementView(ApiView):
    """The end of one gold question."""

    @operation("Retire a gold question", body=RetirementIn, answer=GoldOut, errors=[NotFound])
    def post(self, request: Request, gold_question_id: UUID) -> Response:
        """Takes it out of use for exams that start from now on. Retiring it twice is no error."""
        why = self.read_body()["reason"]
        return self.answer(GoldOut(retire_gold_question(gold_question_id=gold_question_id, why=why, by=self.actor)))


def _chosen(rows: QuerySet[GoldQuestion], asked: dict[str, Any]) -> QuerySet[GoldQuestion]:
    if "skill" in asked:
        rows = rows.filter(skill_id=asked["skill"])
    if "for_exam" in asked:
        rows = rows.filter(for_exam=asked["for_exam"])
    if "retired" in asked:
        rows = rows.filter(retired_at__isnull=not asked["retired"])
    return rows

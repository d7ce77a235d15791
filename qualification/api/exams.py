"""Exams over HTTP: a worker starts, answers and finishes their own."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.content_addresses import AddressOf, addresses
from kernel.errors import NotFound
from qualification.api import own_fields
from qualification.api.gold_questions import RIGHT
from qualification.api.label_schemas import DIGITS, LABEL_SCHEMA_ID
from qualification.api.skills import SKILL_ID
from qualification.items import IN_EXAM, IN_MISSES
from qualification.models import Exam, ExamAnswer
from qualification.queries import explained_misses, questions_under_way, schemas_under_way
from qualification.services.admission import (
    AlreadyCertified,
    CertificationPending,
    ExamNotReady,
    NoExam,
    RetryLater,
    UnpaidLimitReached,
    WorkerMayNotWork,
)
from qualification.services.exams import (
    AlreadyAnswered,
    ExamIncomplete,
    ExamOver,
    InvalidAnswer,
    answer_exam_question,
    finish_exam,
    start_exam,
)
from workforce.api.base import WorkersOwnView

EXAM_ID = "c5e6f708-192a-4b3c-8d4e-5f60718293a4"
REFUSALS_TO_START = [
    NoExam,
    WorkerMayNotWork,
    CertificationPending,
    AlreadyCertified,
    RetryLater,
    UnpaidLimitReached,
    ExamNotReady,
]


class ExamIn(In):
    """The exam that is to be taken."""

    EXAMPLE = {"skill": SKILL_ID}
    skill = fields.UUIDField()


class AnswerIn(In):
    """The answer to one question of an exam."""

    EXAMPLE = {"position": 1, "result": RIGHT}
    position = fields.IntegerField(min_value=1, max_value=1_000, help_text="Which question, from 1.")
    result = fields.JSONField(help_text="The answer as Label Studio result JSON, under the question's label schema.")


class AnswerOut(Out):
    """An answer that was kept. Whether it is right is not told before the exam is over."""

    EXAMPLE = {"position": 1, "answered_at": "2026-05-17T12:01:00Z"}
    position = fields.IntegerField()
    answered_at = fields.DateTimeField()


class ExamOut(Out):
    """An exam, without its questions."""

    EXAMPLE = {
        "id": EXAM_ID,
        "skill": SKILL_ID,
        "state": "started",
        "question_count": 10,
        "pass_mark_basis_points": 8000,
        "started_at": "2026-05-17T12:00:00Z",
        "due_at": "2026-05-17T12:30:00Z",
        "finished_at": None,
        "score_basis_points": None,
        "retry_at": None,
    }
    id = fields.UUIDField()
    skill = fields.UUIDField(source="skill_id")
    state = fields.ChoiceField(choices=Exam.State.choices)
    question_count = fields.IntegerField(source="questions")
    pass_mark_basis_points = fields.IntegerField(help_text="Of 10000.")
    started_at = fields.DateTimeField()
    due_at = fields.DateTimeField(
        help_text="When it ends by itself: marked if every question is answered, else abandoned."
    )
    finished_at = fields.DateTimeField(allow_null=True)
    score_basis_points = fields.IntegerField(allow_null=True, help_text="Right answers, of 10000, once it is marked.")
    retry_at = fields.DateTimeField(
        allow_null=True, help_text="From when on a failed or abandoned exam may be tried again."
    )


class QuestionOut(Out):
    """A question of an exam: a task like any other."""

    position = fields.IntegerField()
    item = fields.SerializerMethodField(help_text="The fields that the label schema shows.")
    label_schema = fields.UUIDField(source="gold_question.label_schema_id", help_text="One of `label_schemas`.")
    answered = fields.BooleanField(source="is_answered")

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_item(self, asked: ExamAnswer) -> Any:
        """Media with an address for as long as the exam is under way."""
        return asked.gold_question.shown_item(_addresses(IN_EXAM, asked.exam_id, self.context))


class AskedSchemaOut(Out):
    """A label schema that questions are asked with."""

    id = fields.UUIDField()
    xml = own_fields.MarkupField()


class MissOut(Out):
    """A question that was missed, and why something else is right."""

    position = fields.IntegerField()
    item = fields.ObjectField()
    result = fields.JSONField(help_text="What was answered.")
    reason = fields.TextField()


class ExamDetailOut(ExamOut):
    """An exam with its questions while it is under way, or with what it came to."""

    EXAMPLE = {
        **ExamOut.EXAMPLE,
        "questions": [
            {
                "position": 1,
                "item": {"image": "data:image/png;base64,…"},
                "label_schema": LABEL_SCHEMA_ID,
                "answered": False,
            }
        ],
        "label_schemas": [{"id": LABEL_SCHEMA_ID, "xml": DIGITS}],
        "misses": None,
    }
    questions = fields.SerializerMethodField(help_text="Empty once the exam is over.")
    label_schemas = fields.SerializerMethodField(help_text="Those that the questions are asked with.")
    misses = fields.SerializerMethodField(
        help_text="What was missed, once the exam is marked. Null before, and for good when the item bank is so small "
        "that answers passed on would spoil it."
    )

    @extend_schema_field(QuestionOut(many=True))
    def get_questions(self, exam: Exam) -> Any:
        """The questions while there is time to answer them."""
        return QuestionOut(questions_under_way(exam), many=True, context=self.context).data

    @extend_schema_field(AskedSchemaOut(many=True))
    def get_label_schemas(self, exam: Exam) -> Any:
        """What they are asked with."""
        return AskedSchemaOut(schemas_under_way(exam), many=True).data

    @extend_schema_field(MissOut(many=True, allow_null=True))
    def get_misses(self, exam: Exam) -> Any:
        """What is explained afterwards."""
        misses = explained_misses(exam, _addresses(IN_MISSES, exam.pk, self.context))
        return None if misses is None else MissOut(misses, many=True).data


class ExamsView(WorkersOwnView):
    """One's own exams."""

    @operation("List exams", answer=ExamOut, paged=True)
    def get(self, request: Request) -> Response:
        """One's own exams, the newest first."""
        return self.page(_own(self), ExamOut, order_by=("-started_at", "-id"))

    @operation(
        "Start an exam",
        body=ExamIn,
        answer=ExamDetailOut,
        status=201,
        creates=True,
        errors=[NotFound, *REFUSALS_TO_START],
    )
    def post(self, request: Request) -> Response:
        """For workers. Draws the questions and starts the clock; while an exam is under way, gives the same one again.

        Exams are unpaid. How many questions were asked already, and the limit, stand at the skill's `prospect/`.
        """
        exam = start_exam(worker=self.worker, skill_id=self.read_body()["skill"])
        return self.answer(ExamDetailOut(exam, context=self.get_serializer_context()), status=201)


class ExamView(WorkersOwnView):
    """One of one's own exams."""

    @operation("Show an exam", answer=ExamDetailOut, errors=[NotFound])
    def get(self, request: Request, exam_id: UUID) -> Response:
        """The questions while it is under way; afterwards what it came to."""
        return self.answer(ExamDetailOut(_own(self).get(pk=exam_id), context=self.get_serializer_context()))


class ExamAnswersView(WorkersOwnView):
    """The answers in one of one's own exams."""

    @operation(
        "Answer an exam question",
        body=AnswerIn,
        answer=AnswerOut,
        status=201,
        creates=True,
        errors=[NotFound, ExamOver, AlreadyAnswered, InvalidAnswer],
    )
    def post(self, request: Request, exam_id: UUID) -> Response:
        """Keeps the answer to one question, in any order. The first answer stands."""
        answer = answer_exam_question(exam_id=exam_id, worker=self.worker, **self.read_body())
        return self.answer(AnswerOut(answer), status=201)


class ExamFinishView(WorkersOwnView):
    """The end of one of one's own exams."""

    @operation("Finish an exam", answer=ExamDetailOut, errors=[NotFound, ExamIncomplete])
    def post(self, request: Request, exam_id: UUID) -> Response:
        """Marks the exam. Passing earns the certification, or puts it before an admin. Finishing twice is no error."""
        return self.answer(
            ExamDetailOut(finish_exam(exam_id=exam_id, worker=self.worker), context=self.get_serializer_context())
        )


def _own(view: WorkersOwnView) -> QuerySet[Exam]:
    return Exam.objects.filter(worker=view.worker).select_related("skill")


def _addresses(kind: str, exam_id: UUID, context: Mapping[str, Any]) -> AddressOf:
    return addresses(kind, exam_id, principal=context["view"].principal)

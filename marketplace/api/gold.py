"""Gold over HTTP for those who brought it in, and its recall: a question that was wrong, and what follows."""

from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.media import MEDIA_ID
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.views import ApiView
from kernel.content_addresses import REFERENCE
from kernel.errors import NotFound
from marketplace.access import find_job
from marketplace.api.tasks import RESULT
from marketplace.models import Band, Job, Task
from marketplace.queries.recalls import gold_in_full, recall_in_numbers
from marketplace.services.recall import recall_gold
from qualification.models import GoldRecall

GOLD_ID = "a4c1d2e3-f405-4162-8738-495a6b7c8d9e"


class RecallIn(In):
    """Why a gold question is recalled."""

    EXAMPLE = {"why": "Two answers are right."}
    why = fields.TextField(max_length=1_000, help_text="What is wrong about it.")


class RecallOut(Out):
    """A recall, and how far what rested on the question has been put right."""

    EXAMPLE = {
        "id": "b5d2e3f4-0516-4273-8849-5a6b7c8d9e0f",
        "gold_question": GOLD_ID,
        "state": "replaying",
        "why": "Two answers are right.",
        "recalled_at": "2026-05-17T12:00:00Z",
        "replayed_at": None,
        "answers_withdrawn": 41,
        "exams_marked_anew": 12,
        "exams_passed": 9,
        "unpaid_answers": 0,
        "labels_looked_at": 120,
        "labels_changed": 3,
        "labels_reopened": 1,
    }
    id = fields.UUIDField(help_text="The recall's own: audit events tell of it under this id.")
    gold_question = fields.UUIDField(source="gold_question_id")
    state = fields.ChoiceField(choices=GoldRecall.State.choices)
    why = fields.TextField()
    recalled_at = fields.DateTimeField()
    replayed_at = fields.DateTimeField(allow_null=True, help_text="When nothing rested on it any more.")
    answers_withdrawn = fields.IntegerField(help_text="Answers that count for no score any more.")
    exams_marked_anew = fields.IntegerField()
    exams_passed = fields.IntegerField(help_text="Of these, those that are passed now.")
    unpaid_answers = fields.IntegerField(help_text="Answers to it that are still to be paid.")
    labels_looked_at = fields.IntegerField(help_text="Tasks weighed again, because a score that they rested on moved.")
    labels_changed = fields.IntegerField(help_text="Of these, those in which another answer leads now.")
    labels_reopened = fields.IntegerField(help_text="And those that are no longer sure enough: a person decides.")


class JobGoldOut(Out):
    """A gold question of a job, as it was brought in."""

    EXAMPLE = {
        "id": GOLD_ID,
        "external_id": "gold-1",
        "item": {"image": f"{REFERENCE}{MEDIA_ID}"},
        "result": RESULT,
        "reason": "A crossed seven.",
        "band": "standard",
        "recall": None,
    }
    id = fields.UUIDField()
    external_id = fields.LineField(allow_null=True)
    item = fields.ObjectField()
    result = fields.JSONField(help_text="What is held to be right, in Label Studio's result JSON.")
    reason = fields.TextField()
    band = fields.ChoiceField(choices=Band.choices)
    recall = RecallOut(allow_null=True)


class JobGoldView(ApiView):
    """The gold of a job."""

    @operation("List gold of a job", answer=JobGoldOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """The questions that were imported with their right answers. Who was asked them, and when, stays untold."""
        rows = _gold_of(find_job(job_id, permit=self.permit))
        return self.page(rows, JobGoldOut, order_by=("id",), seen_as=gold_in_full)


class JobGoldRecallView(ApiView):
    """The recall of gold by whose job it is in."""

    @operation("Recall gold of a job", body=RecallIn, answer=RecallOut, status=201, creates=True, errors=[NotFound])
    def post(self, request: Request, job_id: UUID, gold_question_id: UUID) -> Response:
        """Says, for good, that the question was wrong. It is asked no more, and no answer to it counts.

        In the background scores, certifications and labels become what they would be without it, and answers that were
        refused pay for it are paid. What was paid stays paid. The item is not labelled: import it as a task for that.
        """
        job = find_job(job_id, permit=self.permit)
        if not _gold_of(job).filter(gold_question=gold_question_id).exists():
            raise NotFound("gold question")
        return self.answer(_recalled(self, gold_question_id), status=201)


class GoldRecallView(ApiView):
    """The recall of any gold question by an admin."""

    @operation("Show the recall of a gold question", answer=RecallOut, errors=[NotFound])
    def get(self, request: Request, gold_question_id: UUID) -> Response:
        """How far what rested on the question has been put right."""
        recall = GoldRecall.objects.filter(gold_question=gold_question_id).first()
        if recall is None:
            raise NotFound("recall")
        return self.answer(RecallOut(recall_in_numbers(recall)))

    @operation("Recall a gold question", body=RecallIn, answer=RecallOut, status=201, creates=True, errors=[NotFound])
    def post(self, request: Request, gold_question_id: UUID) -> Response:
        """Says, for good, that a question of an exam or of a job was wrong; exams are marked anew without it.

        Who failed only by it has passed; who passed by it keeps the certification.
        """
        return self.answer(_recalled(self, gold_question_id), status=201)


def _gold_of(job: Job) -> QuerySet[Task]:
    return Task.objects.filter(job=job, gold_question__isnull=False).select_related("gold_question")


def _recalled(view: ApiView, gold_question_id: UUID) -> RecallOut:
    recall = recall_gold(gold_question_id=gold_question_id, why=view.read_body()["why"], by=view.user)
    return RecallOut(recall_in_numbers(recall))

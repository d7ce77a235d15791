"""Review over HTTP, for clients: the answers of a job by pseudonym, and the decisions about them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from billing.services.ledger import InsufficientFunds
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.views import ApiView
from kernel.crypto import pseudonyms
from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.permit import for_principal
from marketplace.access import find_answer, find_job, turns_at_work
from marketplace.api.assignments import ASSIGNMENT_ID, RejectionOut, SoftRejectionOut, rejection_seen
from marketplace.api.job_steps import NothingIn
from marketplace.api.tasks import RESULT, TASK_ID
from marketplace.api.unseen_funds import funds_unseen_by_guests
from marketplace.models import Assignment, Job, Rejection, SoftRejection, Task
from marketplace.queries import says_the_same
from marketplace.services.breaker import RejectionsFrozen
from marketplace.services.review import (
    SHORTEST_MESSAGE,
    CannotReject,
    OwnAnswer,
    TooLateToReverse,
    accept_assignment,
    reject_assignment,
    reverse_rejection,
)
from marketplace.services.soft_rejections import TakesFunds, reject_softly


class AnswerQuery(Query):
    """Which answers."""

    state = fields.ChoiceField(choices=Assignment.State.choices, required=False)
    review_due_before = fields.DateTimeField(
        required=False, help_text="Only answers that wait, and that silence accepts before this moment."
    )


class ReviewedAssignmentOut(Out):
    """One turn at a task of the job, by pseudonym."""

    EXAMPLE = {
        "id": ASSIGNMENT_ID,
        "task": TASK_ID,
        "external_id": "scan-1",
        "worker": "w-7f3kq2m9xa",
        "state": "submitted",
        "version": 1,
        "result": RESULT,
        "agrees": False,
        "reward_minor": 4,
        "fee_minor": 1,
        "currency": "USD",
        "seconds": 6.8,
        "claimed_at": "2026-05-17T13:00:00Z",
        "submitted_at": "2026-05-17T13:00:07Z",
        "review_due_at": "2026-05-20T13:00:07Z",
        "decided_at": None,
        "rejection": None,
        "soft_rejection": None,
    }
    id = fields.UUIDField()
    task = fields.UUIDField()
    external_id = fields.LineField(allow_null=True)
    worker = fields.LineField(help_text="A pseudonym: the same in all jobs of this client, and nowhere else.")
    state = fields.ChoiceField(choices=Assignment.State.choices)
    version = fields.IntegerField(help_text="The version of the job that was seen; the answer is judged by it.")
    result = fields.JSONField(
        allow_null=True, help_text="Shown once it is paid for, or can be reviewed because its task is resolved."
    )
    agrees = fields.BooleanField(allow_null=True, help_text="Whether it is the label; null while there is none.")
    reward_minor = fields.MoneyMinorField()
    fee_minor = fields.MoneyMinorField()
    currency = fields.CurrencyField()
    seconds = fields.FloatField(allow_null=True, help_text="From claim to answer, by our clock.")
    claimed_at = fields.DateTimeField()
    submitted_at = fields.DateTimeField(allow_null=True)
    review_due_at = fields.DateTimeField(allow_null=True, help_text="When silence accepts it, while it waits.")
    decided_at = fields.DateTimeField(allow_null=True)
    rejection = RejectionOut(allow_null=True)
    soft_rejection = SoftRejectionOut(allow_null=True, help_text="When the answer is paid, and not used for the label.")


class RejectionIn(In):
    """Why an answer is not accepted."""

    EXAMPLE = {"reason": "wrong", "message": "The picture shows a 7 with a bar through it; you answered 4."}
    reason = fields.ChoiceField(choices=Rejection.Reason.choices)
    message = fields.TextField(
        max_length=2000,
        min_length=SHORTEST_MESSAGE,
        help_text="What was wrong with this answer. The worker is shown it.",
    )


class SoftRejectionIn(In):
    """Why an answer is paid and not used."""

    EXAMPLE = {
        "reason": "unclear",
        "message": "We meant the digit as it is printed, and did not say so. Thank you all the same.",
    }
    reason = fields.ChoiceField(choices=SoftRejection.Reason.choices)
    message = fields.TextField(
        max_length=2000, min_length=SHORTEST_MESSAGE, help_text="Why it is not used. The worker is shown it."
    )


class ReversalIn(In):
    """Why a rejection is taken back."""

    EXAMPLE = {"why": "It was a 4 after all."}
    why = fields.TextField(max_length=2000)


class AnswersView(ApiView):
    """The answers of a job."""

    @operation("List answers of a job", query=AnswerQuery, answer=ReviewedAssignmentOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Every turn at the job's work, the latest claim first; turns at hidden gold are not among them.

        An answer can be rejected from when its task is resolved until `review_due_at`; then silence accepts it.
        """
        job = find_job(job_id, permit=self.permit)
        asked = self.read_query()
        rows = turns_at_work().filter(job=job)
        if due_before := asked.pop("review_due_before", None):
            rows = rows.filter(state=Assignment.State.SUBMITTED, review_due_at__lt=due_before)
        found = _loaded(rows.filter(**asked))
        return self.page(found, ReviewedAssignmentOut, order_by=("-claimed_at", "-id"), seen_as=_shown)


class DecisionView(ApiView):
    """A decision about one answer."""

    def show(self, assignment_id: UUID) -> Response:
        """The answer as it is now."""
        found = _loaded(self.permit.among(turns_at_work())).filter(pk=assignment_id)
        return self.answer(ReviewedAssignmentOut(_shown(list(found))[0]))


REFUSALS = (NotFound, WrongState, OwnAnswer)


class AcceptanceView(DecisionView):
    """Acceptance of an answer."""

    @operation("Accept an answer", body=NothingIn, answer=ReviewedAssignmentOut, creates=True, errors=REFUSALS)
    def post(self, request: Request, assignment_id: UUID) -> Response:
        """Accepts an answer that waits, and pays it. Accepting it again changes nothing. Nobody accepts their own."""
        self.read_body()
        find_answer(assignment_id, permit=self.permit)
        accept_assignment(assignment_id=assignment_id, by=self.user)
        return self.show(assignment_id)


class RejectionView(DecisionView):
    """Rejection of an answer."""

    @operation(
        "Reject an answer",
        body=RejectionIn,
        answer=ReviewedAssignmentOut,
        creates=True,
        errors=[*REFUSALS, CannotReject, RejectionsFrozen],
    )
    def post(self, request: Request, assignment_id: UUID) -> Response:
        """Refuses to pay an answer, once its task is resolved and before `review_due_at`, with a reason and a message.

        Its pay stays in escrow for seven days, in which the rejection can be taken back and the worker can appeal.
        Who rejects against what is known of the answers (the others' answers reach that label, an admin decided so),
        or far more than the workers' scores lead to expect, rejects no more in this job until an admin has looked.
        """
        find_answer(assignment_id, permit=self.permit)
        reject_assignment(assignment_id=assignment_id, by=self.user, **self.read_body())
        return self.show(assignment_id)


class SoftRejectionView(DecisionView):
    """Soft rejection of an answer."""

    @operation(
        "Reject an answer softly",
        body=SoftRejectionIn,
        answer=ReviewedAssignmentOut,
        creates=True,
        errors=[*REFUSALS, CannotReject, TakesFunds, InsufficientFunds],
    )
    def post(self, request: Request, assignment_id: UUID) -> Response:
        """Pays an answer, if it is not paid yet, and uses it for nothing: the task is as if it had not been given.

        The label stands if the others' answers make it sure enough. Else the task is open again: it gets another label
        from them, is put before an admin, or asks for one more answer. What that may cost beyond what the job holds is
        set aside from the client's funds, which takes somebody who may set more aside for the job. The worker is told
        why, loses nothing, and cannot appeal. It does not go back, and comes too late once the job has ended or a
        certificate promises its labels.
        """
        turn = find_answer(assignment_id, permit=self.permit)
        funded_by = for_principal(self.principal, Job.objects.all(), "set_more_aside_for_a_job")
        may_take_funds = funded_by.filter(pk=turn.job_id).exists()
        with funds_unseen_by_guests(job_id=turn.job_id, user=self.user):
            reject_softly(assignment_id=assignment_id, by=self.user, may_take_funds=may_take_funds, **self.read_body())
        return self.show(assignment_id)


class ReversalView(DecisionView):
    """The end of a rejection."""

    @operation(
        "Reverse a rejection",
        body=ReversalIn,
        answer=ReviewedAssignmentOut,
        creates=True,
        errors=[*REFUSALS, CannotReject, TooLateToReverse],
    )
    def post(self, request: Request, assignment_id: UUID) -> Response:
        """Takes a rejection back and pays the answer; an appeal against it ends. For who reviews the job, or admins."""
        find_answer(assignment_id, permit=self.permit)
        reverse_rejection(assignment_id=assignment_id, by=self.user, **self.read_body())
        return self.show(assignment_id)


def _loaded(rows: QuerySet[Assignment]) -> QuerySet[Assignment]:
    rejections = ("rejection__appeal", "rejection__breaker", "soft_rejection")
    return rows.select_related("task", "job", "version", "annotation", *rejections)


def _shown(turns: Sequence[Assignment]) -> list[dict[str, Any]]:
    if not turns:
        return []
    name_of = pseudonyms(scope=str(turns[0].job.client_id))
    return [_shown_one(turn, name_of(turn.worker_id)) for turn in turns]


def _shown_one(turn: Assignment, pseudonym: str) -> dict[str, Any]:
    annotation = turn.annotation if turn.submitted_at and hasattr(turn, "annotation") else None
    rejection = turn.rejection if hasattr(turn, "rejection") else None
    is_resolved = turn.task.state == Task.State.RESOLVED
    is_up_for_review = turn.state == Assignment.State.SUBMITTED and is_resolved
    is_shown = annotation and (turn.state == Assignment.State.ACCEPTED or is_up_for_review)
    return {
        "id": turn.pk,
        "task": turn.task_id,
        "external_id": turn.task.external_id or None,
        "worker": pseudonym,
        "state": turn.state,
        "version": turn.version.number,
        "result": annotation.result if annotation and is_shown else None,
        "agrees": says_the_same(turn.version_id, annotation.answer_key, turn.task.answer_key)
        if annotation and is_resolved
        else None,
        **{name: getattr(turn, name) for name in ("reward_minor", "fee_minor", "currency", "claimed_at")},
        "seconds": annotation.seconds if annotation else None,
        "submitted_at": turn.submitted_at,
        "review_due_at": turn.review_due_at if turn.state == Assignment.State.SUBMITTED else None,
        "decided_at": turn.decided_at,
        "rejection": rejection_seen(rejection) if rejection else None,
        "soft_rejection": turn.soft_rejection if turn.is_rejected_softly else None,
    }

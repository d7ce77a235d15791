"""Assignments over HTTP, for workers: claim a task, answer it or give it back, see what became of it, and appeal.

Claiming and submitting are what the API does most, so what they answer is put together by hand, from rows that are
loaded already and from what is kept of each job version. Hidden gold takes the same path and gives the same shape.
"""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.principal import Principal
from marketplace.api.client_money import JOB_ID
from marketplace.api.job_shapes import JobIn, ShownSchemaOut
from marketplace.api.job_steps import NothingIn
from marketplace.api.tasks import RESULT
from marketplace.models import Appeal, Assignment, Rejection, SoftRejection
from marketplace.queries import presentation_of
from marketplace.queries.content import shown_in_turn
from marketplace.services.allocation import AlreadyReserved, NothingToDo, claim_or_keep
from marketplace.services.appeals import CannotAppeal, appeal
from marketplace.services.eligibility import NotEligible
from marketplace.services.expiry import return_assignment
from marketplace.services.heartbeats import note_heartbeat
from marketplace.services.review import SHORTEST_MESSAGE
from marketplace.services.submission import InvalidAnswer, ReservationExpired, submit_annotation
from workforce.api.base import WorkersOwnView

ASSIGNMENT_ID = "1c2d3e4f-5a6b-4c7d-8e9f-a0b1c2d3e4f5"


class ClaimIn(In):
    """Where a task is wanted."""

    EXAMPLE = {"job": JOB_ID}
    job = fields.UUIDField(required=False, help_text="The first open job that has one for the worker, unless given.")


class AnnotationIn(In):
    """An answer."""

    EXAMPLE = {"result": RESULT}
    result = fields.JSONField(help_text="Label Studio's result JSON: a list with what was chosen for each control.")


class AppealIn(In):
    """Why an answer should be paid after all."""

    EXAMPLE = {"text": "The bar is a fold in the paper: without it this is a 4."}
    text = fields.TextField(
        max_length=2000,
        min_length=SHORTEST_MESSAGE,
        help_text="Why the answer is right. Who decides reads it, and who may take the rejection back.",
    )


class AppealOut(Out):
    """What the worker said against a rejection, and what came of it."""

    EXAMPLE = {
        "state": "open",
        "text": AppealIn.EXAMPLE["text"],
        "appealed_at": "2026-05-18T10:00:00Z",
        "due_at": "2026-05-23T10:00:00Z",
        "decided_at": None,
        "note": "",
    }
    state = fields.ChoiceField(choices=Appeal.State.choices)
    text = fields.TextField()
    appealed_at = fields.DateTimeField()
    due_at = fields.DateTimeField(help_text="If nobody has decided by then, the answer is paid.")
    decided_at = fields.DateTimeField(allow_null=True)
    note = fields.TextField(help_text="Why it was decided so.")


class RejectionOut(Out):
    """Why an answer was not accepted, and what became of its pay."""

    EXAMPLE = {
        "reason": "wrong",
        "message": "The picture shows a 7 with a bar through it; you answered 4.",
        "rejected_at": "2026-05-18T09:00:00Z",
        "reversible_until": "2026-05-25T09:00:00Z",
        "reversed_at": None,
        "pay": "held",
        "appeal": None,
    }
    reason = fields.ChoiceField(choices=Rejection.Reason.choices)
    message = fields.TextField()
    rejected_at = fields.DateTimeField()
    reversible_until = fields.DateTimeField(
        help_text="Until then it can be taken back, and the worker can appeal; its pay is held so long, and on while "
        "an appeal runs."
    )
    reversed_at = fields.DateTimeField(allow_null=True, help_text="When it was taken back, and the answer paid.")
    pay = fields.ChoiceField(choices=Rejection.Pay.choices)
    appeal = AppealOut(allow_null=True)


class SoftRejectionOut(Out):
    """Why an answer that is paid is not used. No score and no pay rests on it, so there is nothing to appeal."""

    EXAMPLE = {
        "reason": "unclear",
        "message": "We meant the digit as it is printed, and did not say so. Thank you all the same.",
        "rejected_at": "2026-05-18T09:00:00Z",
    }
    reason = fields.ChoiceField(choices=SoftRejection.Reason.choices)
    message = fields.TextField()
    rejected_at = fields.DateTimeField()


class InterruptionOut(Out):
    """What was paid for a turn that was taken away in the middle."""

    EXAMPLE = {
        "amount_minor": 2,
        "currency": "USD",
        "seconds": 31.4,
        "expected_seconds": 68.0,
        "why": "what the task shows was withdrawn",
        "interrupted_at": "2026-05-17T13:00:31Z",
    }
    amount_minor = fields.MoneyMinorField()
    currency = fields.CurrencyField()
    seconds = fields.FloatField(help_text="From the claim to when it was taken away.")
    expected_seconds = fields.FloatField(help_text="What an answer in the job takes; so much time is worth the reward.")
    why = fields.LineField()
    interrupted_at = fields.DateTimeField()


class AssignmentOut(Out):
    """One's own turn at a task."""

    EXAMPLE = {
        "id": ASSIGNMENT_ID,
        "job": JOB_ID,
        "title": "Handwritten digits",
        "state": "submitted",
        "reward_minor": 4,
        "currency": "USD",
        "claimed_at": "2026-05-17T13:00:00Z",
        "expires_at": "2026-05-17T13:10:00Z",
        "submitted_at": "2026-05-17T13:00:07Z",
        "decision_due_at": "2026-05-20T13:00:07Z",
        "decided_at": None,
        "rejection": None,
        "soft_rejection": None,
        "interruption": None,
    }
    id = fields.UUIDField()
    job = fields.UUIDField()
    title = fields.LineField(help_text="The job's.")
    state = fields.ChoiceField(choices=Assignment.State.choices)
    reward_minor = fields.MoneyMinorField(help_text="Pay once it is accepted, fixed when it was claimed.")
    currency = fields.CurrencyField()
    claimed_at = fields.DateTimeField()
    expires_at = fields.DateTimeField(help_text="The answer must be in before; at this very moment it is too late.")
    submitted_at = fields.DateTimeField(allow_null=True)
    decision_due_at = fields.DateTimeField(
        allow_null=True, help_text="Accepted or rejected by then, most often earlier; silence accepts."
    )
    decided_at = fields.DateTimeField(allow_null=True)
    rejection = RejectionOut(allow_null=True)
    soft_rejection = SoftRejectionOut(
        allow_null=True,
        help_text="When the answer was paid in full and is not used for the label. It costs neither pay nor score.",
    )
    interruption = InterruptionOut(
        allow_null=True, help_text="When it was taken away: what its time was paid, and why."
    )


class TurnOut(AssignmentOut):
    """One's own turn at a task, with the task: all that is needed to answer it."""

    EXAMPLE = {
        **AssignmentOut.EXAMPLE,
        "state": "active",
        "submitted_at": None,
        "decision_due_at": None,
        "instructions": JobIn.EXAMPLE["instructions"],
        "label_schema": ShownSchemaOut.EXAMPLE,
        "item": {"image": "https://content.example.net/…"},
        "result": None,
    }
    instructions = fields.TextField(help_text="As they stood when the task was claimed; the answer is judged by them.")
    label_schema = ShownSchemaOut()
    item = fields.ObjectField(
        help_text="The fields that the label schema shows. While the turn is active, media have an address, good "
        "for a few minutes; show the assignment again for a fresh one."
    )
    result = fields.JSONField(allow_null=True, help_text="What one answered, when one has; also when it was too late.")


class AssignmentQuery(Query):
    """Which of one's assignments."""

    state = fields.ChoiceField(choices=Assignment.State.choices, required=False)
    job = fields.UUIDField(required=False)


class AssignmentsView(WorkersOwnView):
    """One's own assignments."""

    @operation("List one's own assignments", query=AssignmentQuery, answer=AssignmentOut, paged=True)
    def get(self, request: Request) -> Response:
        """Every task that one ever claimed, the latest first. For those who do not work here the list is empty."""
        rows = self.permit.among(Assignment.objects.all()).filter(**self.read_query())
        rows = rows.select_related("job", "interruption", "soft_rejection", "rejection__appeal", "rejection__breaker")
        return self.page(
            rows, AssignmentOut, order_by=("-claimed_at", "-id"), seen_as=lambda page: [shown(row) for row in page]
        )

    @operation(
        "Claim a task",
        body=ClaimIn,
        answer=TurnOut,
        status=201,
        already=200,
        creates=True,
        errors=[NotFound, NotEligible, NothingToDo, AlreadyReserved],
    )
    def post(self, request: Request) -> Response:
        """Reserves a task for the worker who asks, until `expires_at`, at the reward of this moment.

        A worker holds one reservation at a time: while one is held, it is the answer again, with status 200. When there
        is nothing, `details` says why: `reason` is one of `worker_paused`, `worker_suspended`, `worker_offboarded`,
        `job_paused`, `job_ended`, `own_job`, `not_certified`, `expired`, `score_too_low`, `cap_reached`, `all_taken`,
        `nothing_left_for_you`, `no_open_job`, `none_fits` (then `reasons` has one for each open job).
        """
        claim = claim_or_keep(worker=self.worker, job_id=self.read_body().get("job"))
        turn = claim.assignment
        answer = {**shown(turn), **_shown_task(turn, self.principal), "result": None}
        return Response(answer, status=201 if claim.is_new else 200)


class AssignmentView(WorkersOwnView):
    """One of one's own assignments."""

    @operation("Show one's own assignment", answer=TurnOut, errors=[NotFound])
    def get(self, request: Request, assignment_id: UUID) -> Response:
        """With the task as it was shown, what one answered, and why an answer was rejected, if it was."""
        rows = self.permit.among(Assignment.objects.all())
        turn = rows.select_related("task", "job", "annotation", "rejection__appeal", "rejection__breaker").get(
            pk=assignment_id
        )
        result = turn.annotation.result if hasattr(turn, "annotation") else None
        return Response({**shown(turn), **_shown_task(turn, self.principal), "result": result})


class SubmissionView(WorkersOwnView):
    """The answer to a task."""

    @operation(
        "Submit an answer",
        body=AnnotationIn,
        answer=AssignmentOut,
        creates=True,
        errors=[NotFound, InvalidAnswer, WrongState, ReservationExpired],
    )
    def post(self, request: Request, assignment_id: UUID) -> Response:
        """Hands in the answer. One that does not fit the label schema is refused, and may be mended until `expires_at`.

        After `expires_at` it is refused too, but kept as evidence, neither paid nor used.
        """
        result = self.read_body()["result"]
        turn = submit_annotation(assignment_id=assignment_id, worker=self.worker, result=result)
        return Response(shown(turn))


class HeartbeatView(WorkersOwnView):
    """A sign that a worker is at a task."""

    @operation("Say that one is at a task", body=NothingIn, status=204, errors=[NotFound, WrongState])
    def post(self, request: Request, assignment_id: UUID) -> Response:
        """For pages, every half minute or so. It is kept as evidence; what is paid rests on the server's own clock."""
        self.read_body()
        note_heartbeat(assignment_id=assignment_id, worker=self.worker)
        return Response(status=204)


class AppealView(WorkersOwnView):
    """An appeal against a rejection."""

    @operation("Appeal a rejection", body=AppealIn, answer=AssignmentOut, creates=True, errors=[NotFound, CannotAppeal])
    def post(self, request: Request, assignment_id: UUID) -> Response:
        """Asks a person to look at a rejection again, once, and before `reversible_until`.

        Its pay is held until an admin has decided who has nothing to do with it; if none does by `due_at`, it is paid.
        """
        return Response(shown(appeal(assignment_id=assignment_id, worker=self.worker, **self.read_body())))


class ReturnView(WorkersOwnView):
    """A task given back."""

    @operation("Return a task", body=NothingIn, answer=AssignmentOut, creates=True, errors=[NotFound, WrongState])
    def post(self, request: Request, assignment_id: UUID) -> Response:
        """Gives an active assignment back, so that others can have its turn. One does not get the same task again."""
        self.read_body()
        return Response(shown(return_assignment(assignment_id=assignment_id, worker=self.worker)))


def shown(turn: Assignment) -> dict[str, Any]:
    """What workers see of a turn of theirs. Nothing in it, nor when it changes, tells gold from work."""
    job = turn.job
    rejection = turn.rejection if turn.decided_at and hasattr(turn, "rejection") else None
    soft_rejection = turn.soft_rejection if turn.is_rejected_softly else None
    interruption = turn.interruption if turn.state == Assignment.State.CUT_SHORT else None
    return {
        "id": turn.pk,
        "job": turn.job_id,
        "title": job.title,
        "state": turn.state,
        "reward_minor": turn.reward_minor,
        "currency": turn.currency,
        "claimed_at": turn.claimed_at,
        "expires_at": turn.expires_at,
        "submitted_at": turn.submitted_at,
        # Not `review_due_at`: that moves when the task is resolved, which gold never is.
        "decision_due_at": turn.submitted_at + job.review_window if turn.submitted_at else None,
        "decided_at": turn.decided_at,
        "rejection": RejectionOut(rejection_seen(rejection)).data if rejection else None,
        "soft_rejection": SoftRejectionOut(soft_rejection).data if soft_rejection else None,
        "interruption": InterruptionOut(interruption).data if interruption else None,
    }


def rejection_seen(rejection: Rejection) -> dict[str, Any]:
    """What is shown of a rejection, to the worker as to the client."""
    columns = ("reason", "message", "rejected_at", "reversible_until", "reversed_at", "pay")
    seen = {name: getattr(rejection, name) for name in columns}
    return {**seen, "appeal": rejection.appeal if hasattr(rejection, "appeal") else None}


def _shown_task(turn: Assignment, principal: Principal) -> dict[str, Any]:
    presentation = presentation_of(turn.version_id)
    return {
        "instructions": presentation.instructions,
        "label_schema": presentation.label_schema,
        "item": presentation.shown(turn.task.item, shown_in_turn(turn, principal=principal)),
    }

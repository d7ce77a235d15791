"""Escalations over HTTP, for admins: what waits for a person, taken, given back and decided."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.views import ApiView
from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from kernel.principal import Principal
from marketplace.access import find_escalation
from marketplace.api.assignments import ASSIGNMENT_ID
from marketplace.api.client_money import JOB_ID
from marketplace.api.clients import USER_ID
from marketplace.api.job_shapes import JobIn, ShownSchemaOut
from marketplace.api.job_steps import NothingIn
from marketplace.api.tasks import RESULT, TASK_ID
from marketplace.models import Escalation
from marketplace.queries.matters import matter_of
from marketplace.services import appeals, breaker, signal_decisions
from marketplace.services.adjudication import decide_task
from marketplace.services.certificates import decide_inspection
from marketplace.services.decertification import DECISIONS, decide_decertification
from marketplace.services.escalations import NotYours, claim_escalation, release_escalation
from marketplace.services.gold_review import DECISIONS as GOLD_DECISIONS
from marketplace.services.gold_review import decide_gold_review
from marketplace.services.noted_matters import note_matter
from marketplace.services.submission import InvalidAnswer

Kind = Escalation.Kind


class EscalationQuery(Query):
    """Which escalations."""

    kind = fields.ChoiceField(choices=Kind.choices, required=False)
    state = fields.ChoiceField(choices=Escalation.State.choices, required=False)
    job = fields.UUIDField(required=False)
    overdue = fields.QueryBooleanField(required=False, help_text="`true`: those that nobody has decided in time.")
    mine = fields.QueryBooleanField(required=False, help_text="`true`: those that one has claimed oneself.")


class EscalationOut(Out):
    """Something that waits for a person, or did."""

    EXAMPLE = {
        "id": "0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9",
        "kind": "no_consensus",
        "owner": "escalations",
        "state": "claimed",
        "job": JOB_ID,
        "task": TASK_ID,
        "worker": None,
        "subject": "",
        "opened_at": "2026-05-17T13:05:00Z",
        "due_at": "2026-05-19T13:05:00Z",
        "overdue_at": None,
        "claimed_by": USER_ID,
        "decided_by": None,
        "decided_at": None,
        "decision": "",
        "note": "",
    }
    id = fields.UUIDField()
    kind = fields.ChoiceField(choices=Kind.choices)
    owner = fields.LineField(help_text="The admin role that answers for it.")
    state = fields.ChoiceField(choices=Escalation.State.choices)
    job = fields.UUIDField(source="job_id", allow_null=True)
    task = fields.UUIDField(source="task_id", allow_null=True)
    worker = fields.UUIDField(source="worker_id", allow_null=True)
    subject = fields.LineField(help_text="What else it is about, such as `skill:…`, `payout:…` or `assignment:…`.")
    opened_at = fields.DateTimeField()
    due_at = fields.DateTimeField(
        help_text="By when it is to be decided. An appeal that is not is decided for its worker."
    )
    overdue_at = fields.DateTimeField(allow_null=True, help_text="When it was flagged because nobody had.")
    claimed_by = fields.UUIDField(source="claimed_by_id", allow_null=True)
    decided_by = fields.UUIDField(source="decided_by_id", allow_null=True)
    decided_at = fields.DateTimeField(allow_null=True)
    decision = fields.LineField(
        help_text="`resolved`, `keep`, `revoke`, `noted`, `uphold`, `reverse`, `reset`, `tell`, `dismiss` or `recall`; "
        "of an inspection `right` or `corrected`; empty before."
    )
    note = fields.TextField()


class EscalationDetailOut(EscalationOut):
    """An escalation with all that there is to look at."""

    EXAMPLE = {
        **EscalationOut.EXAMPLE,
        "matter": {
            "item": {"image": "https://content.example.net/…"},
            "instructions": JobIn.EXAMPLE["instructions"],
            "label_schema": ShownSchemaOut.EXAMPLE,
            "confidence": 0.71,
            "confidence_low": 0.62,
            "confidence_high": 0.78,
            "answers": [
                {
                    "assignment": ASSIGNMENT_ID,
                    "version": 1,
                    "result": RESULT,
                    "seconds": 6.8,
                    "submitted_at": "2026-05-17T13:00:07Z",
                    "differs": {},
                }
            ],
        },
    }
    matter = fields.ObjectField(
        help_text="For `no_consensus`: the task as it was shown, and each answer, whose stays untold, with in how many "
        "regions it `differs` from the answer in front: `missing`, `extra`, `mislabelled`, `poor_overlap`, "
        "`attribute`. For "
        "`decertification`: the score, what it rests on, and the certification. For `failed_payout`: the payout, and "
        "in `parts` what of it came back, and when. For `dispute`: the dispute, in `parts` what was taken, and which "
        "jobs were paused for it, and in `others` more disputes of the same payment. For "
        "`appeal`: the task, its label, the answer, why it was rejected, and what its worker says. "
        "For `rejection_breaker`: the rule that stopped rejections, what it saw, and the rejections. For "
        "`inspection`: the task as it was shown, and nothing of what anybody said. For "
        "`pay_floor`: what the job's reserve lacks to lift pay to the floor. For `signal`: its numbers, what they "
        "mean, what was said, and the last answers behind it. For "
        "`gold_review`: the question with what is held to be right, what was answered how often, and the rule that "
        "doubts it. For `automation_stopped`: the model, why it was stopped, and how many labels it gave. For "
        "`recall_unpaid`: the answers that a recall of gold is to pay, and what the client's funds lack for it."
    )


class DecisionIn(In):
    """A decision: `result` for `no_consensus` and `inspection`, `decision` for the others."""

    EXAMPLE = {"result": RESULT, "note": "The bar makes it a 7."}
    result = fields.JSONField(required=False, help_text="The right answer in Label Studio's result JSON.")
    decision = fields.ChoiceField(
        choices=[*DECISIONS, *appeals.DECISIONS, "reset", "noted", "tell", "dismiss", "recall"],
        required=False,
        help_text="`keep` or `revoke` a certification; `keep` or `recall` gold that is doubted; `uphold` or `reverse` "
        "a rejection; `reset` a breaker or `reverse` what tripped it; `tell` a worker of a signal or `dismiss` it, and "
        "after an answer `uphold` or `dismiss` it; a failed payout, a dispute, a floor on pay, "
        "a model that was stopped and pay that a recall owes are `noted`.",
    )
    note = fields.TextField(
        max_length=2000,
        required=False,
        allow_blank=True,
        help_text="Why. Only `no_consensus` and `inspection` may go without.",
    )


class EscalationsView(ApiView):
    """What waits for a person."""

    @operation("List escalations", query=EscalationQuery, answer=EscalationOut, paged=True)
    def get(self, request: Request) -> Response:
        """Every escalation, the one that is due first before the others."""
        asked = self.read_query()
        rows = self.permit.among(Escalation.objects.all())
        if asked.pop("overdue", False):
            rows = rows.filter(overdue_at__isnull=False, state__in=Escalation.LIVE)
        if asked.pop("mine", False):
            rows = rows.filter(claimed_by=self.user, state=Escalation.State.CLAIMED)
        return self.page(rows.filter(**asked), EscalationOut, order_by=("due_at", "id"))


class EscalationView(ApiView):
    """One escalation."""

    @operation("Show an escalation", answer=EscalationDetailOut, errors=[NotFound])
    def get(self, request: Request, escalation_id: UUID) -> Response:
        """With all that there is to look at."""
        found = find_escalation(escalation_id, permit=self.permit)
        return self.answer(EscalationDetailOut(_with_matter(found, self.principal)))


class EscalationStepView(ApiView):
    """A step towards a decision."""

    def step(self, service: Callable[..., Escalation], escalation_id: UUID) -> Response:
        """Let ``service`` take the step."""
        self.read_body()
        find_escalation(escalation_id, permit=self.permit)
        return self.answer(EscalationOut(service(escalation_id=escalation_id, by=self.user)))


REFUSALS = (NotFound, WrongState, NotYours)


class EscalationClaimView(EscalationStepView):
    """Taking an escalation."""

    @operation("Claim an escalation", body=NothingIn, answer=EscalationOut, creates=True, errors=REFUSALS)
    def post(self, request: Request, escalation_id: UUID) -> Response:
        """Takes it, so that nobody else decides it meanwhile. A party to it cannot."""
        return self.step(claim_escalation, escalation_id)


class EscalationReleaseView(EscalationStepView):
    """Giving an escalation back."""

    @operation("Release an escalation", body=NothingIn, answer=EscalationOut, creates=True, errors=REFUSALS)
    def post(self, request: Request, escalation_id: UUID) -> Response:
        """Gives it back, so that another admin can take it."""
        return self.step(release_escalation, escalation_id)


class EscalationDecisionView(ApiView):
    """The decision of an escalation."""

    @operation(
        "Decide an escalation",
        body=DecisionIn,
        answer=EscalationOut,
        status=201,
        creates=True,
        errors=[*REFUSALS, InvalidAnswer, appeals.AppealOverdue],
    )
    def post(self, request: Request, escalation_id: UUID) -> Response:
        """Decides it for good: the task gets its label, a certification is kept or revoked, a payout or dispute noted.

        A rejection that is appealed is upheld, or reversed and its answer paid; its worker is shown the note. A label
        that is inspected is replaced if the result is another one. A signal is dismissed, or its worker told in the
        words of the note; nothing else follows from it. It need not be claimed before, but nobody decides
        what somebody else has claimed, or what they are a party to.
        """
        asked = self.read_body()
        kind = find_escalation(escalation_id, permit=self.permit).kind
        _require_fitting(asked, kind)
        common = {"escalation_id": escalation_id, "note": asked.get("note", ""), "by": self.user}
        if kind == Kind.NO_CONSENSUS:
            decide_task(result=asked["result"], **common)
        elif kind == Kind.DECERTIFICATION:
            decide_decertification(decision=asked["decision"], **common)
        elif kind == Kind.REJECTION_BREAKER:
            breaker.decide_breaker(decision=asked["decision"], **common)
        elif kind == Kind.GOLD_REVIEW:
            decide_gold_review(decision=asked["decision"], **common)
        elif kind == Kind.INSPECTION:
            decide_inspection(result=asked["result"], **common)
        elif kind == Kind.SIGNAL:
            signal_decisions.decide_signal(decision=asked["decision"], **common)
        elif kind == Kind.APPEAL:
            appeals.decide_appeal(decision=asked["decision"], **common)
        else:
            note_matter(**common)
        return self.answer(EscalationOut(Escalation.objects.get(pk=escalation_id)), status=201)


_WHAT_FITS = {
    Kind.NO_CONSENSUS: ("result", None),
    Kind.DECERTIFICATION: ("decision", DECISIONS),
    Kind.FAILED_PAYOUT: ("decision", ("noted",)),
    Kind.DISPUTE: ("decision", ("noted",)),
    Kind.APPEAL: ("decision", appeals.DECISIONS),
    Kind.REJECTION_BREAKER: ("decision", breaker.DECISIONS),
    Kind.INSPECTION: ("result", None),
    Kind.PAY_FLOOR: ("decision", ("noted",)),
    Kind.SIGNAL: ("decision", signal_decisions.DECISIONS),
    Kind.GOLD_REVIEW: ("decision", GOLD_DECISIONS),
    Kind.AUTOMATION_STOPPED: ("decision", ("noted",)),
    Kind.RECALL_UNPAID: ("decision", ("noted",)),
}


def _require_fitting(asked: dict[str, Any], kind: str) -> None:
    needed, possible = _WHAT_FITS[Kind(kind)]
    fits = needed in asked and not {"result", "decision"} - {needed} & asked.keys()
    if not fits or (possible and asked[needed] not in possible):
        among = f" ({' or '.join(possible)})" if possible else ""
        message = f"An escalation of the kind {kind} is decided with `{needed}`{among} and nothing else but a `note`."
        raise Invalid(message, [{"field": needed, "message": message}])


def _with_matter(escalation: Escalation, principal: Principal) -> dict[str, Any]:
    columns = {field.attname: getattr(escalation, field.attname) for field in Escalation._meta.concrete_fields}
    return {**columns, "owner": escalation.owner, "matter": matter_of(escalation, principal=principal)}

"""The console's sections for what waits for a person: rejections, appeals, breakers, escalations."""

from typing import Final
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from kernel.admin import ReadOnlyAdmin
from kernel.models import User
from marketplace.admin.jobs import PersonalDecisionAdmin
from marketplace.models import Appeal, Breaker, Escalation, Rejection, SoftRejection
from marketplace.services.appeals import decide_appeal
from marketplace.services.breaker import decide_breaker
from marketplace.services.decertification import decide_decertification
from marketplace.services.escalations import claim_escalation, release_escalation
from marketplace.services.gold_review import decide_gold_review
from marketplace.services.noted_matters import note_matter
from workforce.admin import DecisionForm


@admin.register(Rejection)
class RejectionAdmin(ReadOnlyAdmin):
    """Why answers were not accepted."""

    list_display = ("assignment", "reason", "message", "rejected_by", "rejected_at", "reversible_until", "reversed_at")
    list_filter = ("reason", ("reversed_at", admin.EmptyFieldListFilter))
    list_select_related = ("assignment", "rejected_by")
    search_fields = ("=assignment__id", "rejected_by__email")
    ordering = ("-rejected_at", "-id")


@admin.register(SoftRejection)
class SoftRejectionAdmin(ReadOnlyAdmin):
    """Why answers that are paid are not used."""

    list_display = ("assignment", "reason", "message", "rejected_by", "rejected_at")
    list_filter = ("reason",)
    list_select_related = ("assignment", "rejected_by")
    search_fields = ("=assignment__id", "rejected_by__email")
    ordering = ("-rejected_at", "assignment_id")


@admin.register(Appeal)
class AppealAdmin(ReadOnlyAdmin):
    """What workers say against rejections, and what came of it."""

    list_display = ("rejection", "state", "appealed_at", "due_at", "decided_by", "decided_at")
    list_filter = ("state",)
    list_select_related = ("rejection", "decided_by")
    search_fields = ("=rejection__assignment__id", "=escalation__id")
    ordering = ("due_at", "id")


@admin.register(Breaker)
class BreakerAdmin(ReadOnlyAdmin):
    """Where rejections were stopped, and by which rule."""

    list_display = ("job", "state", "rule", "version", "tripped_at", "decided_by", "decided_at")
    list_filter = ("state", "rule")
    list_select_related = ("job", "decided_by")
    search_fields = ("=job__id", "=escalation__id")
    ordering = ("-tripped_at", "-id")


Kind = Escalation.Kind

_THROUGH_THE_API: Final = (
    "Through the API, with the right answer: GET /api/v1/escalations/{id}/ shows the task, POST "
    "/api/v1/escalations/{id}/decision/ takes the result."
)
HOW_DECIDED: Final[dict[str, str]] = {
    **dict.fromkeys((Kind.NO_CONSENSUS, Kind.INSPECTION), _THROUGH_THE_API),
    **dict.fromkeys(Escalation.NOTED, "In the list: “noted”, with what was found. That settles nothing by itself."),
    Kind.DECERTIFICATION: "In the list: keep the certification, or revoke it.",
    Kind.APPEAL: "In the list: uphold the rejection, or reverse it and pay.",
    Kind.REJECTION_BREAKER: "In the list: reset it, so that the rejections stand, or reverse them and pay.",
    Kind.SIGNAL: "In the section Signals: tell the worker, dismiss it, or uphold it after an answer.",
    Kind.GOLD_REVIEW: "In the list: keep the question, or recall it.",
}
"""By which way each kind is decided."""


@admin.register(Escalation)
class EscalationAdmin(PersonalDecisionAdmin):
    """What waits for a person. What has no consensus is decided through the API, with the answer."""

    list_display = (
        "due_at",
        "kind",
        "state",
        "job",
        "task",
        "worker",
        "subject",
        "claimed_by",
        "overdue_at",
        "decision",
        "decided_at",
    )
    list_filter = ("state", "kind", ("overdue_at", admin.EmptyFieldListFilter))
    list_select_related = ("job", "task", "worker", "claimed_by")
    search_fields = ("=id", "=job__id", "=task__id", "=worker__id", "=subject")
    ordering = ("due_at", "id")
    readonly_fields = ("how",)
    action_form = DecisionForm
    actions = ("claim", "release", "keep", "revoke", "note", "uphold", "reverse", "reset", "recall")

    @admin.display(description="how it is decided")
    def how(self, escalation: Escalation) -> str:
        """Where, and with what."""
        return HOW_DECIDED[escalation.kind].format(id=escalation.pk)

    @admin.action(description="Claim, to decide it")
    def claim(self, request: HttpRequest, chosen: QuerySet[Escalation]) -> None:
        """Take escalations, so that nobody else decides them meanwhile."""
        self.as_user(
            request,
            chosen,
            participle="claimed",
            service=lambda row_id, by, _: claim_escalation(escalation_id=row_id, by=by),
        )

    @admin.action(description="Release")
    def release(self, request: HttpRequest, chosen: QuerySet[Escalation]) -> None:
        """Give escalations back."""
        self.as_user(
            request,
            chosen,
            participle="released",
            service=lambda row_id, by, _: release_escalation(escalation_id=row_id, by=by),
        )

    @admin.action(description="Decertification, gold: keep (needs a reason)")
    def keep(self, request: HttpRequest, chosen: QuerySet[Escalation]) -> None:
        """Let workers keep their certification, and gold that was doubted be asked again."""
        self._decide_gold(request, chosen.filter(kind=Escalation.Kind.GOLD_REVIEW), "keep")
        self._decide_decertification(request, chosen.exclude(kind=Escalation.Kind.GOLD_REVIEW), "keep")

    @admin.action(description="Gold: recall, it was wrong (needs a reason)")
    def recall(self, request: HttpRequest, chosen: QuerySet[Escalation]) -> None:
        """Let history be replayed without gold that was doubted."""
        self._decide_gold(request, chosen, "recall")

    @admin.action(description="Decertification: revoke (needs a reason)")
    def revoke(self, request: HttpRequest, chosen: QuerySet[Escalation]) -> None:
        """Revoke certifications."""
        self._decide_decertification(request, chosen, "revoke")

    @admin.action(description="Money, stopped model: noted (needs a reason)")
    def note(self, request: HttpRequest, chosen: QuerySet[Escalation]) -> None:
        """Close what only has to be looked at with what was found."""
        self.as_user(
            request,
            chosen,
            participle="noted",
            service=lambda row_id, by, reason: note_matter(escalation_id=row_id, note=reason, by=by),
        )

    @admin.action(description="Appeal: uphold the rejection (needs a reason)")
    def uphold(self, request: HttpRequest, chosen: QuerySet[Escalation]) -> None:
        """Let rejections stand."""
        self._decide_rejections(request, chosen, "uphold")

    @admin.action(description="Appeal or breaker: reverse the rejections and pay (needs a reason)")
    def reverse(self, request: HttpRequest, chosen: QuerySet[Escalation]) -> None:
        """Pay what was rejected."""
        self._decide_rejections(request, chosen, "reverse")

    @admin.action(description="Breaker: reset, the rejections stand (needs a reason)")
    def reset(self, request: HttpRequest, chosen: QuerySet[Escalation]) -> None:
        """Let clients reject again."""
        self._decide_rejections(request, chosen, "reset")

    def _decide_gold(self, request: HttpRequest, chosen: QuerySet[Escalation], decision: str) -> None:
        self.as_user(
            request,
            chosen,
            participle="decided",
            service=lambda row_id, by, reason: decide_gold_review(
                escalation_id=row_id, decision=decision, note=reason, by=by
            ),
        )

    def _decide_rejections(self, request: HttpRequest, chosen: QuerySet[Escalation], decision: str) -> None:
        breakers = set(chosen.filter(kind=Escalation.Kind.REJECTION_BREAKER).values_list("pk", flat=True))

        def decide(row_id: UUID, by: User, reason: str) -> Escalation:
            service = decide_breaker if row_id in breakers else decide_appeal
            return service(escalation_id=row_id, decision=decision, note=reason, by=by)

        self.as_user(request, chosen, participle="decided", service=decide)

    def _decide_decertification(self, request: HttpRequest, chosen: QuerySet[Escalation], decision: str) -> None:
        self.as_user(
            request,
            chosen,
            participle="decided",
            service=lambda row_id, by, reason: decide_decertification(
                escalation_id=row_id, decision=decision, note=reason, by=by
            ),
        )

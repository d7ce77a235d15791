"""The console's section for signals: what stands out in how somebody works, in words, and what people do about it."""

from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from kernel.admin import ReadOnlyAdmin
from kernel.models import User
from marketplace.admin.jobs import PersonalDecisionAdmin
from marketplace.models import Signal, SignalLook
from marketplace.queries.signals import sentence_of
from marketplace.services.signal_decisions import decide_signal
from qualification.statistics.signals.words import meaning_of
from workforce.admin import DecisionForm


@admin.register(Signal)
class SignalAdmin(PersonalDecisionAdmin):
    """Reasons to look at somebody's answers, never verdicts: nothing follows from one by itself."""

    list_display = ("shown_at", "sentence", "state", "worker", "job", "name", "until", "decided_by")
    list_filter = ("state", "name")
    list_select_related = ("worker", "job", "decided_by")
    search_fields = ("=id", "=worker__id", "=job__id", "=escalation__id")
    ordering = ("-shown_at", "-id")
    readonly_fields = ("meaning", "sentence")
    fields = (
        *("name", "meaning", "sentence", "state", "worker", "partner", "job", "since", "until", "shown_at"),
        *("looked_at", "score", "chance", "jobs", "numbers", "choice", "escalation", "passed_at", "told_by"),
        *("told_at", "reason", "answered_at", "answer", "decided_by", "decided_at", "note"),
    )
    action_form = DecisionForm
    actions = ("tell", "dismiss", "uphold")

    @admin.display(description="what it means")
    def meaning(self, signal: Signal) -> str:
        """What such a signal means, and what else can look like it."""
        return meaning_of(signal.name)

    @admin.display(description="what was seen")
    def sentence(self, signal: Signal) -> str:
        """What was seen of this worker."""
        return sentence_of(signal)

    @admin.action(description="Tell the worker (needs a reason, which they read and may answer)")
    def tell(self, request: HttpRequest, chosen: QuerySet[Signal]) -> None:
        """Tell workers what was seen."""
        self._decide(request, chosen, "tell")

    @admin.action(description="Dismiss: nothing is the matter (needs a reason)")
    def dismiss(self, request: HttpRequest, chosen: QuerySet[Signal]) -> None:
        """Close signals without consequence."""
        self._decide(request, chosen, "dismiss")

    @admin.action(description="Uphold after the worker's answer (needs a reason)")
    def uphold(self, request: HttpRequest, chosen: QuerySet[Signal]) -> None:
        """Let signals stand although their worker answered."""
        self._decide(request, chosen, "uphold")

    def _decide(self, request: HttpRequest, chosen: QuerySet[Signal], decision: str) -> None:
        escalations = dict(chosen.values_list("pk", "escalation_id"))

        def decide(row_id: UUID, by: User, reason: str) -> object:
            return decide_signal(escalation_id=escalations[row_id], decision=decision, note=reason, by=by)

        self.as_user(request, chosen, participle="decided", service=decide)


@admin.register(SignalLook)
class SignalLookAdmin(ReadOnlyAdmin):
    """Until when the answers of each job were looked at for signals."""

    list_display = ("job", "until", "answers", "workers", "looked_at")
    list_select_related = ("job",)
    search_fields = ("=job__id",)
    ordering = ("-looked_at", "job")

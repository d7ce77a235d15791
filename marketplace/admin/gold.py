"""The console's sections for gold questions, which only the marketplace can recall, and for what a recall moved."""

from datetime import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from kernel.admin import ReadOnlyAdmin
from marketplace.admin.jobs import PersonalDecisionAdmin
from marketplace.models import MovedScore, Reweighing
from marketplace.services.recall import recall_gold
from qualification.admin import GoldQuestionAdmin
from qualification.models import GoldQuestion, GoldRecall

admin.site.unregister(GoldQuestion)


@admin.register(GoldQuestion)
class RecallableGoldAdmin(GoldQuestionAdmin, PersonalDecisionAdmin):
    """Questions whose right answer is known, or was held to be."""

    actions = ("retire", "recall")
    readonly_fields = ("recalled",)

    @admin.display(description="recalled")
    def recalled(self, question: GoldQuestion) -> str:
        """That it was wrong: since when, by whom and why. The recall itself has a section of its own."""
        recall = GoldRecall.objects.filter(gold_question=question).select_related("recalled_by").first()
        if recall is None:
            return "no"
        told = f"{recall.recalled_at:%Y-%m-%d %H:%M} UTC by {recall.recalled_by}: {recall.why}"
        return f"{told} (recall {recall.pk}, {recall.state})"

    @admin.action(description="Recall: it was wrong, and no answer to it counts (needs a reason)")
    def recall(self, request: HttpRequest, chosen: QuerySet[GoldQuestion]) -> None:
        """Let history be replayed without questions."""
        self.as_user(
            request,
            chosen,
            participle="recalled",
            service=lambda row_id, by, reason: recall_gold(gold_question_id=row_id, why=reason, by=by),
        )


@admin.register(MovedScore)
class MovedScoreAdmin(ReadOnlyAdmin):
    """Whose tasks are looked at again because of a recall, and how far."""

    list_display = ("recall", "worker", "skill", "up_to", "done_at")
    list_filter = (("done_at", admin.EmptyFieldListFilter),)
    list_select_related = ("recall", "worker", "skill")
    search_fields = ("=recall__id", "=worker__id")
    ordering = ("-id",)

    @admin.display(description="turns looked at, up to")
    def up_to(self, moved: MovedScore) -> datetime | None:
        """When the last turn was claimed whose task has been looked at."""
        return moved.after_claimed_at


@admin.register(Reweighing)
class ReweighingAdmin(ReadOnlyAdmin):
    """What became of labels whose answers were weighed again."""

    list_display = ("at", "task", "recall", "fit", "outcome", "from_key", "to_key", "confidences")
    list_filter = ("outcome",)
    list_select_related = ("task", "recall", "fit")
    search_fields = ("=task__id", "=recall__id", "=fit__id")
    ordering = ("-id",)

    @admin.display(description="confidence")
    def confidences(self, row: Reweighing) -> str:
        """Before, where there was one, and after."""
        before = "–" if row.from_confidence is None else f"{row.from_confidence:.3f}"
        return f"{before} → {row.to_confidence:.3f}"

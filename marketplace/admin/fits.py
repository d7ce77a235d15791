"""Fits in the console: what was learnt of jobs and of their workers."""

from uuid import UUID

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from kernel.admin import ReadOnlyAdmin
from marketplace.models import Fit, FittedWorker, SecondLook


@admin.register(Fit)
class FitAdmin(ReadOnlyAdmin):
    """What was learnt of jobs, and by which method."""

    list_display = ("job", "number", "methods", "answers", "gold", "workers", "fitted_at")
    list_select_related = ("job",)
    search_fields = ("=id", "=job__id")
    ordering = ("-fitted_at", "-id")
    readonly_fields = ("learnt",)
    exclude = ("parts",)

    @admin.display(description="methods")
    def methods(self, fit: Fit) -> str:
        """What weighs the answers, each method once."""
        return ", ".join(sorted({part["method"] for part in fit.parts}))

    @admin.display(description="what was learnt, part by part")
    def learnt(self, fit: Fit) -> SafeString:
        """The method of each part, why it leads, and how often an answer is right."""
        return format_html_join(
            "",
            "<div><bdi>{}</bdi>: {}, because {}; an answer is right in {}</div>",
            (
                (part["label"] or part["control"], part["method"], part["because"], f"{part['accuracy']:.1%}")
                for part in fit.parts
            ),
        )


@admin.register(FittedWorker)
class FittedWorkerAdmin(ReadOnlyAdmin):
    """How workers err in a job, as its latest fit has it."""

    list_display = ("worker", "fit", "rates")
    list_select_related = ("worker", "fit")
    search_fields = ("=worker__id", "=fit__job__id")
    ordering = ("-id",)


@admin.register(SecondLook)
class SecondLookAdmin(ReadOnlyAdmin):
    """How far fits are through the settled tasks of their jobs."""

    list_display = ("fit", "up_to", "done_at")
    list_filter = (("done_at", admin.EmptyFieldListFilter),)
    list_select_related = ("fit",)
    search_fields = ("=fit__id", "=fit__job__id")
    ordering = ("-fit__fitted_at", "-fit_id")

    @admin.display(description="looked at up to the task")
    def up_to(self, look: SecondLook) -> UUID | None:
        """Tasks are looked at by ascending id."""
        return look.after_id

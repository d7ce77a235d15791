"""Fits in the console: what was learnt of jobs and of their workers."""

from django.contrib import admin

from kernel.admin import ReadOnlyAdmin
from marketplace.models import Fit, FittedWorker


@admin.register(Fit)
class FitAdmin(ReadOnlyAdmin):
    """What was learnt of jobs, and by which method."""

    list_display = ("job", "number", "methods", "answers", "gold", "workers", "fitted_at")
    list_select_related = ("job",)
    search_fields = ("=id", "=job__id")
    ordering = ("-fitted_at", "-id")

    @admin.display(description="methods")
    def methods(self, fit: Fit) -> str:
        """What weighs the answers, each method once."""
        return ", ".join(sorted({part["method"] for part in fit.parts}))


@admin.register(FittedWorker)
class FittedWorkerAdmin(ReadOnlyAdmin):
    """How workers err in a job, as its latest fit has it."""

    list_display = ("worker", "fit", "rates")
    list_select_related = ("worker", "fit")
    search_fields = ("=worker__id", "=fit__job__id")
    ordering = ("-id",)

"""Clients' models in the console: what they said, what people found of it, what was accepted."""

from typing import Final

from django.contrib import admin

from kernel.admin import ReadOnlyAdmin
from kernel.console.columns import share
from marketplace.models import AutoAcceptance, LabelingFunction, Prediction, PredictionCheck, Predictor

_BOUNDS: Final = (share("threshold"), share("error_bound"))


@admin.register(Predictor)
class PredictorAdmin(ReadOnlyAdmin):
    """Clients' models, and whether their predictions are accepted."""

    list_display = ("id", "name", "version", "job", "state", "right", "wrong", *_BOUNDS)
    list_filter = ("state",)
    list_select_related = ("job",)
    search_fields = ("=id", "=job__id", "name", "version")
    ordering = ("-created_at", "-id")


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin):
    """What models say of tasks."""

    list_display = ("id", "predictor", "task", "score", "answer_key", "is_audit", "created_at")
    list_filter = ("is_audit",)
    list_select_related = ("predictor", "task")
    search_fields = ("=task__id", "=predictor__id")
    ordering = ("-id",)


@admin.register(PredictionCheck)
class PredictionCheckAdmin(ReadOnlyAdmin):
    """What people found of predictions."""

    list_display = ("prediction", "source", "truth_key", "is_right", "at")
    list_filter = ("source", "is_right")
    list_select_related = ("prediction",)
    search_fields = ("=prediction__task__id", "=prediction__predictor__id")
    ordering = ("-at", "-prediction_id")


@admin.register(AutoAcceptance)
class AutoAcceptanceAdmin(ReadOnlyAdmin):
    """Labels that predictions became without a person."""

    list_display = ("task", "prediction", *_BOUNDS, "at")
    list_select_related = ("task", "prediction")
    search_fields = ("=task__id", "=prediction__predictor__id")
    ordering = ("-at", "-task_id")


@admin.register(LabelingFunction)
class LabelingFunctionAdmin(ReadOnlyAdmin):
    """Rules of thumb that clients gave their jobs."""

    list_display = ("id", "name", "job", "created_at", "retired_at")
    list_select_related = ("job",)
    search_fields = ("=id", "=job__id", "name")
    ordering = ("-created_at", "-id")

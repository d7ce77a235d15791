"""Fits in the console: what was learnt of jobs and of their workers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from kernel.admin import ReadOnlyAdmin
from marketplace.models import Fit, FittedWorker, SecondLook
from marketplace.queries.fits import methods_in
from qualification.statistics.resemblance import read_resemblance

HABITS: Final = "answers weigh by their workers' habits"
BY_SCORE: Final = "answers weigh by their workers' scores"


@admin.register(Fit)
class FitAdmin(ReadOnlyAdmin):
    """What was learnt of jobs, and by which method."""

    list_display = ("job", "number", "methods", "answers", "gold", "workers", "fitted_at")
    list_select_related = ("job",)
    search_fields = ("=id", "=job__id")
    ordering = ("-fitted_at", "-id")
    readonly_fields = ("learnt",)
    exclude = ("parts", "resemblance", "habits")

    @admin.display(description="methods")
    def methods(self, fit: Fit) -> str:
        """What weighs the answers, each method once."""
        return ", ".join(methods_in(fit.parts, fit.habits))

    @admin.display(description="what was learnt, question by question")
    def learnt(self, fit: Fit) -> SafeString:
        """What weighs the answers to each question and why, and how far what comes out is believed."""
        return format_html_join(
            "", "<div><bdi>{}</bdi>: {}</div>", (*_of_parts(fit), *_of_habits(fit), *_of_curve(fit))
        )


def _of_parts(fit: Fit) -> Iterator[tuple[str, str]]:
    for part in fit.parts:
        about = f"{part['method']}, because {part['because']}; an answer is right in {part['accuracy']:.1%}"
        yield part["label"] or part["control"], about + "".join(map(_told, part.get("tried", [])))


def _of_habits(fit: Fit) -> Iterator[tuple[str, str]]:
    for each in fit.habits:
        truth = "gold" if each["by_gold"] else "answers that were left out"
        found = f"with habits merged answers come nearer to {truth} by {each['gain']:+.3f}, on {each['tried']:,} tasks"
        yield each["control"], f"{HABITS if each['is_used'] else BY_SCORE}; {found}"


def _of_curve(fit: Fit) -> Iterator[tuple[str, str]]:
    if fit.resemblance is not None:
        chance = read_resemblance(fit.resemblance).curve.chance(0.0, 2)
        taught = f"{fit.resemblance['tasks']:,} tasks of known truth taught that, beside what crowds have in common"
        yield "what is merged", f"from two answers just as alike as gold asks for it is right in {chance:.1%}; {taught}"


def _told(trial: Mapping[str, Any]) -> str:
    """What was found of a method, in words."""
    found = []
    if trial["right_on_gold"] is not None:
        found.append(f"right on {trial['right_on_gold']:.1%} of gold")
    if trial["told_better"] is not None:
        found.append(f"tells held-out answers better by {trial['told_better']:.3f} ± {trial['told_error']:.3f}")
    return f"; {trial['method']}: {', '.join(found) or 'nothing to try it on'}"


@admin.register(FittedWorker)
class FittedWorkerAdmin(ReadOnlyAdmin):
    """How workers err in a job, as its latest fit has it."""

    list_display = ("worker", "fit", "is_sure", "errs")
    list_select_related = ("worker", "fit")
    search_fields = ("=worker__id", "=fit__job__id")
    ordering = ("-id",)
    readonly_fields = ("errs",)
    exclude = ("rates",)

    @admin.display(description="is right")
    def errs(self, fitted: FittedWorker) -> str:
        """How often, in each question with classes; for each class where they err by class."""
        told = zip(fitted.fit.parts, fitted.rates, strict=True)
        return "; ".join(
            f"{part['label'] or part['control']}: {_right(part['classes'], rates)}" for part, rates in told
        )


def _right(classes: Sequence[str], rates: Any) -> str:
    if rates is None:
        return "by score"
    if not isinstance(rates, list):
        return f"{rates:.1%}"
    return ", ".join(
        f"{name or 'none'} {row[place]:.1%}" for place, (name, row) in enumerate(zip(classes, rates, strict=True))
    )


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

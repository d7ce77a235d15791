"""The operators' console for the marketplace: rows to read, and decisions that call services.

What a client or a worker must not see of one another stands here in plain sight, hidden gold among it.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from kernel.admin import ReadOnlyAdmin, ReadOnlyInline
from kernel.models import User
from kernel.services.audit import Actor
from marketplace.models import (
    Annotation,
    Assignment,
    Client,
    ClientUserObjectPermission,
    EmptyClaim,
    Invitation,
    Job,
    JobUserObjectPermission,
    JobVersion,
    Membership,
    Participation,
    Requirement,
    Slot,
    Task,
    WaitingGold,
)
from marketplace.queries.fairness import fairness_of
from marketplace.services.completion import cancel_job
from marketplace.services.posting import pause_job, resume_job
from marketplace.services.review import accept_assignment, reverse_rejection
from workforce.admin import DecisionAdmin, DecisionForm


class PersonalDecisionAdmin(DecisionAdmin):
    """Rows about which an admin decides in their own name."""

    def as_user(
        self,
        request: HttpRequest,
        chosen: QuerySet[Any],
        *,
        participle: str,
        service: Callable[[UUID, User, str], object],
    ) -> None:
        """Call ``service`` with id, operator and reason for each chosen row, and say what came of it."""
        assert isinstance(request.user, User)
        operator = request.user

        def decide(row_id: UUID, _by: Actor, reason: str) -> object:
            return service(row_id, operator, reason)

        self.decide(request, chosen, participle=participle, service=decide)


class RequirementInline(ReadOnlyInline):
    """What a job demands of workers."""

    model = Requirement
    fields = readonly_fields = ("skill", "min_lower_bound")
    ordering = ("id",)


class VersionInline(ReadOnlyInline):
    """What a job's workers were told and asked."""

    model = JobVersion
    fields = readonly_fields = ("number", "instructions", "label_schema", "created_at")
    ordering = ("-number",)


@admin.register(Client)
class ClientAdmin(ReadOnlyAdmin):
    """Organisations that post work."""

    list_display = ("name", "id", "country", "created_at")
    list_filter = ("country",)
    search_fields = ("=id", "name")
    ordering = ("-created_at", "-id")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who acts for which client."""

    list_display = ("user", "client", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "client")
    search_fields = ("=client__id", "client__name", "user__email")
    ordering = ("-created_at", "-id")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Who is asked, or was, to take a role at a client or a job."""

    list_display = ("id", "client", "job", "role", "state", "invited_by", "created_at", "expires_at")
    list_filter = ("state", "role")
    list_select_related = ("client", "job", "invited_by")
    search_fields = ("=id", "=client__id", "=email", "invited_by__email")
    ordering = ("-created_at", "-id")


class PermissionAdmin(ReadOnlyAdmin):
    """Permissions on single objects."""

    list_display = ("user", "permission", "content_object")
    list_select_related = ("user", "permission__content_type", "content_object")
    search_fields = ("user__email", "=content_object__id")
    ordering = ("-id",)


admin.site.register(ClientUserObjectPermission, PermissionAdmin)
admin.site.register(JobUserObjectPermission, PermissionAdmin)


FEW_TASKS: Final = 20
"""With fewer, drawing them anew makes bounds that are far too narrow: those of a single task say nothing."""

_MEASURES: Final = {
    "percent": "two answers are equal with a chance of {}",
    "alpha": "Krippendorff's alpha {}",
    "ac1": "Gwet's AC1 {}",
    "fleiss": "Fleiss' kappa {}",
    "likeness": "two answers are alike to {}",
}


def _agreed_in_words(part: Any) -> str:
    measured = ((told, getattr(part.agreed, name)) for name, told in _MEASURES.items())
    said = [told.format(f"{it.value:.2f} ({it.low:.2f} to {it.high:.2f})") for told, it in measured if it is not None]
    few = ", too few to rely on these bounds" if part.agreed.tasks < FEW_TASKS else ""
    return f"{part.control}: {', '.join(said)}; {part.agreed.answers:,} answers to {part.agreed.tasks:,} tasks{few}"


@admin.register(Job)
class JobAdmin(PersonalDecisionAdmin):
    """Orders of work."""

    list_display = ("title", "client", "state", "price", "created_at", "launched_at", "finished_at", "id")
    list_filter = ("state", "currency")
    list_select_related = ("client",)
    search_fields = ("=id", "title", "client__name")
    ordering = ("-created_at", "-id")
    inlines = (RequirementInline, VersionInline)
    readonly_fields = ("last_week", "agreement")
    action_form = DecisionForm
    actions = ("pause", "resume", "cancel")

    @admin.display(description="turns of the last week")
    def last_week(self, job: Job) -> str:
        """How evenly they were shared out."""
        had = fairness_of(job, weeks_ago=1)
        if had.jain is None or had.gini is None:
            return "none"
        waited = "" if had.longest_wait_seconds is None else f", after {had.longest_wait_seconds:,.0f} s at most"
        return (
            f"{had.turns} among {had.workers} workers who were certified, and at work or asked for some; "
            f"{had.without_a_turn} had none, of whom {had.empty_handed} had asked when all was taken; half had "
            f"{had.median_turns:g} or fewer, the most {had.most_turns} "
            f"(Jain {had.jain:.2f}, Gini {had.gini:.2f}); {had.further_turns} at unsure tasks{waited}, "
            f"{had.further_turns_of_sure} of them to the {had.sure_workers} sure workers"
        )

    @admin.display(description="agreement of its workers")
    def agreement(self, job: Job) -> str:
        """How far their answers to work agree, question by question, with bounds of 95%."""
        # What computes with NumPy is loaded by what computes, not by every process that serves.
        found = import_module("marketplace.services.agreeing").agreement_of(job=job, by="control")
        return "\n".join(map(_agreed_in_words, found.parts)) or "no task has two answers yet"

    @admin.display(description="price of an answer")
    def price(self, job: Job) -> str:
        """Reward and fee."""
        return str(job.price)

    @admin.action(description="Pause: no new claims")
    def pause(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        """Stop new claims; what is claimed may be finished."""
        self.as_user(
            request, chosen, participle="paused", service=lambda row_id, by, _: pause_job(job_id=row_id, by=by)
        )

    @admin.action(description="Resume")
    def resume(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        """Let workers claim again."""
        self.as_user(
            request, chosen, participle="resumed", service=lambda row_id, by, _: resume_job(job_id=row_id, by=by)
        )

    @admin.action(description="Cancel for good: what is unspent goes back")
    def cancel(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        """End the jobs; what they cannot come to cost goes back at once."""
        self.as_user(
            request, chosen, participle="cancelled", service=lambda row_id, by, _: cancel_job(job_id=row_id, by=by)
        )


@admin.register(JobVersion)
class JobVersionAdmin(ReadOnlyAdmin):
    """What workers were told and asked."""

    list_display = ("job", "number", "label_schema", "created_at")
    list_select_related = ("job", "label_schema")
    search_fields = ("=id", "=job__id")
    ordering = ("-created_at", "-id")


@admin.register(Participation)
class ParticipationAdmin(ReadOnlyAdmin):
    """How often each worker has claimed in each job."""

    list_display = ("worker", "job", "claims")
    list_select_related = ("worker", "job")
    search_fields = ("=worker__id", "=job__id")
    ordering = ("-id",)


@admin.register(EmptyClaim)
class EmptyClaimAdmin(ReadOnlyAdmin):
    """Who asked a job for a task when none was free, in which weeks."""

    list_display = ("worker", "job", "week", "at")
    list_select_related = ("worker", "job")
    search_fields = ("=worker__id", "=job__id")
    ordering = ("-id",)


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    """Items to label."""

    list_display = (
        "id",
        "external_id",
        "job",
        "state",
        "is_gold",
        "answer_key",
        "sure",
        "method",
        "fit_number",
        "resolved_at",
    )
    list_filter = ("state", "method")
    list_select_related = ("job",)
    search_fields = ("=id", "=external_id", "=job__id")
    ordering = ("id",)
    readonly_fields = ("sure",)
    exclude = ("confidence", "confidence_low", "confidence_high")

    @admin.display(description="confidence", ordering="confidence")
    def sure(self, task: Task) -> str:
        """How sure the label is, and between which bounds, where that is known."""
        if task.method == Task.Method.ADJUDICATION:
            return "a person decided"
        if task.confidence is None:
            return "–"
        bounds = "" if task.confidence_low is None else f" ({task.confidence_low:.3f} to {task.confidence_high:.3f})"
        return f"{task.confidence:.3f}{bounds}"

    @admin.display(description="gold", boolean=True)
    def is_gold(self, task: Task) -> bool:
        """Whether its right answer is known."""
        return task.gold_question_id is not None


@admin.register(Slot)
class SlotAdmin(ReadOnlyAdmin):
    """Turns that nobody has taken yet."""

    list_display = ("id", "job", "task", "lane", "priority", "ordinal")
    list_filter = ("lane",)
    list_select_related = ("job", "task")
    search_fields = ("=job__id", "=task__id")
    ordering = ("-id",)


@admin.register(Assignment)
class AssignmentAdmin(PersonalDecisionAdmin):
    """Workers' turns at tasks."""

    list_display = (
        "id",
        "job",
        "worker",
        "state",
        "reward",
        "claimed_at",
        "submitted_at",
        "review_due_at",
        "decided_at",
    )
    list_filter = ("state",)
    list_select_related = ("job", "worker")
    search_fields = ("=id", "=task__id", "=job__id", "=worker__id")
    ordering = ("-claimed_at", "-id")
    action_form = DecisionForm
    actions = ("accept", "reverse")

    @admin.display(description="reward")
    def reward(self, assignment: Assignment) -> str:
        """Pay once it is accepted."""
        return str(assignment.reward)

    @admin.action(description="Accept and pay")
    def accept(self, request: HttpRequest, chosen: QuerySet[Assignment]) -> None:
        """Accept answers that wait for review."""
        self.as_user(
            request,
            chosen,
            participle="accepted",
            service=lambda row_id, by, _: accept_assignment(assignment_id=row_id, by=by),
        )

    @admin.action(description="Reverse the rejection and pay (needs a reason)")
    def reverse(self, request: HttpRequest, chosen: QuerySet[Assignment]) -> None:
        """Take rejections back."""
        self.as_user(
            request,
            chosen,
            participle="reversed",
            service=lambda row_id, by, reason: reverse_rejection(assignment_id=row_id, why=reason, by=by),
        )


@admin.register(WaitingGold)
class WaitingGoldAdmin(ReadOnlyAdmin):
    """Answers to hidden gold that wait, and the work that they keep pace with."""

    list_display = ("assignment", "agrees", "pace", "counted_at")
    list_filter = ("agrees",)
    list_select_related = ("assignment", "pace")
    search_fields = ("=assignment__id", "=pace__id")
    ordering = ("-counted_at", "-assignment_id")


@admin.register(Annotation)
class AnnotationAdmin(ReadOnlyAdmin):
    """Answers as they were given."""

    list_display = ("id", "assignment", "answer_key", "seconds", "late", "submitted_at")
    list_filter = ("late",)
    list_select_related = ("assignment",)
    search_fields = ("=id", "=assignment__id")
    ordering = ("-submitted_at", "-id")

"""The operators' console for people who work: rows to read, and decisions that call services.

Identities are not here: they are opened one by one, for a purpose, through the API.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest

from kernel import clock
from kernel.admin import ReadOnlyAdmin
from kernel.errors import Invalid, NotFound, Refused
from kernel.models import User
from kernel.services.audit import Actor
from workforce.models import Application, Worker
from workforce.queries import with_shared_tax_id
from workforce.services.applying import approve_application, decline_application
from workforce.services.standing import (
    offboard_worker,
    pause_worker,
    reinstate_worker,
    resume_worker,
    suspend_worker,
)


class DecisionForm(ActionForm):
    """What a decision needs beside the rows that were chosen."""

    reason = forms.CharField(required=False, label="Reason, shown to whoever is told:", max_length=1_000)


class StandingForm(DecisionForm):
    """What a change of standing needs."""

    hours = forms.IntegerField(required=False, label="Hours, for a pause:", min_value=1, max_value=90 * 24, initial=24)


class DecisionAdmin(ReadOnlyAdmin):
    """Rows about which an admin decides, one transaction each."""

    def decide(
        self,
        request: HttpRequest,
        chosen: QuerySet[Any],
        *,
        participle: str,
        service: Callable[[UUID, Actor, str], object],
    ) -> None:
        """Call ``service`` for each chosen row; say how many were decided, and why each of the others was not."""
        assert isinstance(request.user, User)
        by, reason = Actor.user(request.user), request.POST.get("reason", "")
        decided = 0
        for row_id in chosen.values_list("pk", flat=True):
            try:
                service(row_id, by, reason)
            except (Refused, Invalid, NotFound) as refusal:
                self.message_user(request, refusal.message, messages.ERROR)
            else:
                decided += 1
        if decided:
            self.message_user(request, f"{decided} {participle}.", messages.SUCCESS)


@admin.register(Application)
class ApplicationAdmin(DecisionAdmin):
    """People who ask to work here."""

    list_display = ("submitted_at", "user", "country", "languages", "state", "same_tax_id", "decision_reason")
    list_filter = ("state", "country")
    list_select_related = ("user",)
    search_fields = ("=id", "user__email")
    ordering = ("submitted_at", "id")
    action_form = DecisionForm
    actions = ("approve", "decline")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_shared_tax_id(super().get_queryset(request))

    @admin.display(description="tax id of somebody else", boolean=True)
    def same_tax_id(self, application: Any) -> bool:
        """Whether another person gave the same tax id."""
        return bool(application.shares_tax_id)

    @admin.action(description="Approve")
    def approve(self, request: HttpRequest, chosen: QuerySet[Application]) -> None:
        """Make the applicants workers."""
        self.decide(
            request,
            chosen,
            participle="approved",
            service=lambda row_id, by, reason: approve_application(application_id=row_id, by=by, why=reason),
        )

    @admin.action(description="Decline (needs a reason)")
    def decline(self, request: HttpRequest, chosen: QuerySet[Application]) -> None:
        """Decline the applications."""
        self.decide(
            request,
            chosen,
            participle="declined",
            service=lambda row_id, by, reason: decline_application(application_id=row_id, reason=reason, by=by),
        )


@admin.register(Worker)
class WorkerAdmin(DecisionAdmin):
    """People who work here, and their standing."""

    list_display = ("id", "user", "country", "state", "standing_since", "standing_reason", "paused_until")
    list_filter = ("state", "country")
    list_select_related = ("user",)
    search_fields = ("=id", "user__email")
    ordering = ("-approved_at", "-id")
    action_form = StandingForm
    actions = ("pause", "resume", "suspend", "reinstate", "offboard")

    @admin.action(description="Pause for some hours (needs a reason)")
    def pause(self, request: HttpRequest, chosen: QuerySet[Worker]) -> None:
        """Let the workers claim nothing new for a while."""
        hours = StandingForm.base_fields["hours"].clean(request.POST.get("hours")) or 0  # the form has checked it
        until = clock.now() + timedelta(hours=hours)
        self.decide(
            request,
            chosen,
            participle="paused",
            service=lambda row_id, by, reason: pause_worker(worker_id=row_id, until=until, why=reason, by=by),
        )

    @admin.action(description="Resume (needs a reason)")
    def resume(self, request: HttpRequest, chosen: QuerySet[Worker]) -> None:
        """End pauses before their time."""
        self._change(request, chosen, "resumed", resume_worker)

    @admin.action(description="Suspend (needs a reason)")
    def suspend(self, request: HttpRequest, chosen: QuerySet[Worker]) -> None:
        """End the workers' work until somebody reinstates them."""
        self._change(request, chosen, "suspended", suspend_worker)

    @admin.action(description="Reinstate (needs a reason)")
    def reinstate(self, request: HttpRequest, chosen: QuerySet[Worker]) -> None:
        """Lift suspensions."""
        self._change(request, chosen, "reinstated", reinstate_worker)

    @admin.action(description="Offboard for good (needs a reason)")
    def offboard(self, request: HttpRequest, chosen: QuerySet[Worker]) -> None:
        """End the workers' work for good."""
        self._change(request, chosen, "offboarded", offboard_worker)

    def _change(
        self, request: HttpRequest, chosen: QuerySet[Worker], participle: str, service: Callable[..., Worker]
    ) -> None:
        self.decide(
            request,
            chosen,
            participle=participle,
            service=lambda row_id, by, reason: service(worker_id=row_id, why=reason, by=by),
        )

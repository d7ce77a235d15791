"""The operators' console for the kernel's rows: to read, and to let parked messages try again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import Group
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from kernel.console.columns import rows_in, set_apart
from kernel.console.permits import console_permit
from kernel.models import AdminRole, AuditEvent, OutboxMessage, User
from kernel.permit import Permit
from kernel.services.audit import Actor
from kernel.services.outbox import redrive

admin.site.unregister(Group)  # rights come from being an admin, a worker or a member; nothing is edited by hand
for app, model in (("account", "EmailAddress"), ("mfa", "Authenticator")):  # nobody but their owner has to do with them
    admin.site.unregister(apps.get_model(app, model))


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Model]
    TabularInline = admin.TabularInline[Model, Model]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


MOST_EVENTS: Final = 200
"""The most events that the page of a row's history shows."""


class ReadOnlyAdmin(ModelAdmin):
    """Rows that are only looked at here: whatever changes them is an action that calls a service."""

    show_full_result_count = False
    list_per_page = 50

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        given = [text for fields in (request.GET, request.POST) for _, texts in fields.lists() for text in texts]
        if any("\x00" in str(text) for text in given):
            raise BadRequest("What is asked for holds the character U+0000.")
        try:
            return super().changelist_view(request, extra_context)
        except ValidationError:  # an id that is none, among the rows that were chosen
            raise BadRequest("What was chosen cannot be an id.") from None

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return set_apart(self.list_display, of=self.model)

    def get_list_select_related(self, request: HttpRequest) -> Any:
        # Django looks for other rows among the columns by their field, which a column that is set apart hides.
        return self.list_select_related or rows_in(self.list_display, of=self.model)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What the audit events tell of a row, to who may read them. Django's own log is not kept."""
        is_open = console_permit(request, section_of(AuditEvent)) is not None
        of_this = AuditEvent.objects.filter(subject_id=unquote(object_id), subject_type=self.model._meta.label_lower)
        told = of_this.order_by("-id")[:MOST_EVENTS] if is_open else None
        shown = {**(extra_context or {}), "told": told, "most": MOST_EVENTS}
        return super().history_view(request, object_id, shown)

    @property
    def section(self) -> str:
        """What the policy table calls looking at these rows."""
        return section_of(self.model)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return console_permit(request, self.section) is not None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return console_permit(request, self.section) is not None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        permit = console_permit(request, self.section)
        rows: QuerySet[Any] = super().get_queryset(request)
        return permit.among(rows) if permit is not None else rows.none()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        known: dict[str, Any] = super().get_actions(request)
        permits = {name: console_permit(request, f"{self.section}.{name}") for name in known}
        return {
            name: (_among(permit, known[name][0]), *known[name][1:])
            for name, permit in permits.items()
            if permit is not None
        }

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def section_of(model: type[Model]) -> str:
    """What the policy table calls looking at a model's rows in the console."""
    return f"console.{model._meta.label_lower}"


def _among(permit: Permit, action: Callable[..., Any]) -> Callable[..., Any]:
    """The action, on those of the chosen rows that the policy opens to it."""

    def on_those_opened(shown_by: Any, request: HttpRequest, chosen: QuerySet[Any]) -> Any:
        return action(shown_by, request, permit.among(chosen))

    return on_those_opened


class ReadOnlyInline(TabularInline):
    """Rows that belong to another, only looked at by whoever may look at that."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return console_permit(request, section_of(self.parent_model)) is not None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People who sign in."""

    list_display = ("email", "display_name", "is_staff", "is_active", "joined_at")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email",)
    ordering = ("-joined_at", "-id")
    fields = ("id", "email", "display_name", "is_staff", "is_active", "joined_at", "last_login")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # A list that can be narrowed by a column tells that column, digit by digit.
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)


@admin.register(AdminRole)
class AdminRoleAdmin(ReadOnlyAdmin):
    """Who is an admin, and what for. Roles are granted and withdrawn through the API."""

    list_display = ("user", "role", "granted_by", "granted_at")
    list_filter = ("role",)
    list_select_related = ("user", "granted_by")
    search_fields = ("user__email",)
    ordering = ("-granted_at", "-id")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what, and why."""

    list_display = ("at", "actor_kind", "actor_id", "action", "subject_id", "from_state", "to_state", "why")
    search_fields = ("=subject_id",)
    search_help_text = "The id of what was acted on."
    ordering = ("-id",)


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """Reactions that are owed, done, or parked with the reason why they keep failing."""

    list_display = ("event", "reaction", "state", "attempts", "due_at", "created_at", "last_error")
    list_filter = ("state",)
    ordering = ("-created_at", "-id")
    actions = ("try_again",)

    @admin.action(description="Let parked messages try again now")
    def try_again(self, request: HttpRequest, chosen: QuerySet[OutboxMessage]) -> None:
        """Re-drive those of the chosen messages that are parked."""
        assert isinstance(request.user, User)
        driven = redrive(by=Actor.user(request.user), message_ids=list(chosen.values_list("pk", flat=True)))
        self.message_user(request, f"Messages that are tried again now: {driven}.", messages.SUCCESS)

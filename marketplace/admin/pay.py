"""The console's sections for pay by time: floors, lifts to reach them, interruptions, heartbeats."""

from django.contrib import admin

from kernel.admin import ReadOnlyAdmin
from kernel.console.columns import money_of
from marketplace.models import Heartbeat, Interruption, Lift, PayFloor


@admin.register(PayFloor)
class PayFloorAdmin(ReadOnlyAdmin):
    """What an hour is worth at least. Set through the API."""

    list_display = ("country", money_of("hourly_minor"), "valid_from", "set_by", "set_at")
    list_filter = ("currency", "country")
    list_select_related = ("set_by",)
    search_fields = ("=id", "=country")
    ordering = ("-valid_from", "-id")


@admin.register(Lift)
class LiftAdmin(ReadOnlyAdmin):
    """Where pay was lifted towards the floor, and from what that was reckoned."""

    list_display = ("worker", "job", money_of("amount_minor"), "inputs", "lifted_at")
    list_filter = ("currency",)
    list_select_related = ("worker", "job")
    search_fields = ("=id", "=worker__id", "=job__id")
    ordering = ("-lifted_at", "-id")


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """How often a page said that its worker was there: evidence, and nothing that is paid by."""

    list_display = ("assignment", "beats", "last_at")
    list_select_related = ("assignment",)
    search_fields = ("=assignment__id",)
    ordering = ("-last_at", "-assignment_id")


@admin.register(Interruption)
class InterruptionAdmin(ReadOnlyAdmin):
    """Turns that were taken away in the middle, and what their time was paid."""

    list_display = ("assignment", "why", "seconds", "expected_seconds", money_of("amount_minor"), "interrupted_at")
    list_filter = ("why", "currency")
    list_select_related = ("assignment",)
    search_fields = ("=assignment__id", "=assignment__worker__id", "=assignment__job__id")
    ordering = ("-interrupted_at", "-assignment_id")

"""The console's sections for what clients are charged: prices, fees, bonuses, invoices."""

from django.contrib import admin

from kernel.admin import ReadOnlyAdmin, ReadOnlyInline
from kernel.console.columns import money_of
from marketplace.models import Bonus, FeeSchedule, FeeTier, Invoice, Price


@admin.register(Price)
class PriceAdmin(ReadOnlyAdmin):
    """What jobs pay for a turn, and have paid: each list that was ever in force."""

    list_display = (
        *("job", "number", "band", "min_lower_bound"),
        *(money_of("reward_minor"), money_of("fee_minor")),
        "created_at",
    )
    list_filter = ("band", "currency")
    list_select_related = ("job",)
    search_fields = ("=id", "=job__id")
    ordering = ("-id",)


class FeeTierInline(ReadOnlyInline):
    """The shares of a schedule, by what the client has spent."""

    model = FeeTier
    fields = readonly_fields = ("from_spent_minor", "basis_points")
    ordering = ("from_spent_minor",)


@admin.register(FeeSchedule)
class FeeScheduleAdmin(ReadOnlyAdmin):
    """Which share was agreed with a client. Set through the API."""

    list_display = ("client", "currency", money_of("minimum_minor"), "why", "set_by", "set_at")
    list_filter = ("currency",)
    list_select_related = ("client", "set_by")
    search_fields = ("=id", "=client__id", "client__name")
    ordering = ("-set_at", "-id")
    inlines = (FeeTierInline,)


@admin.register(Bonus)
class BonusAdmin(ReadOnlyAdmin):
    """What clients gave to workers on top of their pay, and why."""

    list_display = ("assignment", money_of("amount_minor"), money_of("fee_minor"), "reason", "given_by", "given_at")
    list_filter = ("currency",)
    list_select_related = ("assignment", "given_by")
    search_fields = ("=id", "=assignment__id", "=assignment__worker__id", "=assignment__job__id")
    ordering = ("-given_at", "-id")


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    """What clients were charged, month by month."""

    list_display = (
        *("number", "client", "month"),
        *(money_of(field) for field in ("pay_minor", "fees_minor", "total_minor")),
        "issued_at",
    )
    list_filter = ("currency",)
    list_select_related = ("client",)
    search_fields = ("=id", "=number", "=client__id", "client_name", "=month")
    ordering = ("-number",)

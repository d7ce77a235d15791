"""The operators' console for money: rows to read, and what was left behind to be driven on."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from billing.models import (
    BankPayout,
    Credit,
    Dispute,
    Funding,
    LedgerAccount,
    LedgerEntry,
    Payout,
    PayoutAccount,
    PayoutSchedule,
    Posting,
    Refund,
    StripeEvent,
    StripeMovement,
)
from billing.services.payouts import retry_payout
from billing.services.stripe_inbox import redrive_event
from kernel.admin import ReadOnlyAdmin
from kernel.console.columns import money_of
from kernel.errors import Refused
from kernel.models import User
from kernel.money import Money
from kernel.services.audit import Actor


class MoneyAdmin(ReadOnlyAdmin):
    """Rows about money, and services that drive them on one by one."""

    def each(
        self, request: HttpRequest, chosen: QuerySet[Any], *, done: str, service: Callable[[UUID, Actor], object]
    ) -> None:
        """Call ``service`` for each chosen row; say how many were ``done``, and why each of the others was not."""
        assert isinstance(request.user, User)
        by, driven = Actor.user(request.user), 0
        for row_id in chosen.values_list("pk", flat=True):
            try:
                service(row_id, by)
            except Refused as refusal:
                self.message_user(request, refusal.message, messages.ERROR)
            else:
                driven += 1
        if driven:
            self.message_user(request, f"{driven} {done}.", messages.SUCCESS)


@admin.display(description="amount")
def amount(row: Model) -> str:
    """The amount of a funding, a credit, a refund, a dispute or a payout, with its currency."""
    assert isinstance(row, Funding | Credit | Refund | Dispute | Payout | BankPayout)
    return str(row.amount)


@admin.register(LedgerAccount)
class LedgerAccountAdmin(MoneyAdmin):
    """Who holds how much."""

    list_display = ("owner", "kind", "balance")
    list_filter = ("kind", "currency")
    search_fields = ("=owner",)
    search_help_text = "The owner, such as worker:<id>."
    ordering = ("-id",)

    @admin.display(description="balance")
    def balance(self, account: LedgerAccount) -> str:
        """What it holds."""
        return str(Money(account.balance_minor, account.currency))


@admin.register(Posting)
class PostingAdmin(MoneyAdmin):
    """Why money moved."""

    list_display = ("at", "kind", "subject", "key")
    list_filter = ("kind",)
    search_fields = ("=key", "=subject")
    search_help_text = "A key, or what a posting is about, such as payout:<id>."
    ordering = ("-at", "-id")
    readonly_fields = ("moved",)

    @admin.display(description="entries")
    def moved(self, posting: Posting) -> str:
        """Its entries in words."""
        entries = posting.entries.select_related("source", "target").order_by("position")
        return "; ".join(
            f"{Money(entry.amount_minor, entry.source.currency)} from {entry.source} to {entry.target}"
            for entry in entries
        )


@admin.register(LedgerEntry)
class LedgerEntryAdmin(MoneyAdmin):
    """What moved."""

    list_display = ("id", "posting", "source", "target", money_of("amount_minor", currency="source.currency"))
    list_select_related = ("posting", "source", "target")
    search_fields = ("=posting__subject", "=source__owner", "=target__owner")
    search_help_text = "What it is about, or an owner."
    ordering = ("-id",)


@admin.register(Funding)
class FundingAdmin(MoneyAdmin):
    """Money that clients bring in."""

    list_display = ("created_at", "client_owner", amount, "state", money_of("refunded_minor"), "failure")
    list_filter = ("state", "currency")
    search_fields = ("=id", "=client_owner", "=stripe_session_id", "=payment_intent_id")
    ordering = ("-created_at", "-id")


@admin.register(Credit)
class CreditAdmin(MoneyAdmin):
    """What the platform advanced to clients."""

    list_display = ("granted_at", "client_owner", amount, "state", "reason")
    list_filter = ("state", "currency")
    search_fields = ("=id", "=client_owner")
    ordering = ("-granted_at", "-id")


@admin.register(Refund)
class RefundAdmin(MoneyAdmin):
    """Money that goes back to clients."""

    list_display = ("created_at", "funding", amount, "state", "attempt", "failure")
    list_filter = ("state", "currency")
    search_fields = ("=id", "=funding__client_owner", "=stripe_refund_id")
    ordering = ("-created_at", "-id")


@admin.register(Dispute)
class DisputeAdmin(MoneyAdmin):
    """Payments that payers' banks dispute."""

    list_display = (
        "created_at",
        "funding",
        amount,
        money_of("from_funds_minor"),
        money_of("returned_minor"),
        "state",
        "reason",
        "evidence_due_at",
    )
    list_filter = ("state", "currency")
    search_fields = ("=id", "=funding__client_owner", "=stripe_dispute_id", "=movements__stripe_transaction_id")
    ordering = ("-created_at", "-id")
    readonly_fields = ("moved",)

    @admin.display(description="what moved")
    def moved(self, dispute: Dispute) -> str:
        """What the bank took and gave back, one time after the other."""
        parts = dispute.movements.order_by("booked_at", "pk")
        return "; ".join(
            f"{'given back' if part.amount_minor > 0 else 'taken'} {Money(abs(part.amount_minor), dispute.currency)}, "
            f"{Money(part.of_funds_minor, dispute.currency)} of it the client's ({part.stripe_transaction_id})"
            for part in parts
        )


@admin.register(PayoutAccount)
class PayoutAccountAdmin(MoneyAdmin):
    """Where payouts go."""

    list_display = (
        "owner",
        "country",
        "transfers_active",
        "payouts_enabled",
        "disabled_reason",
        "shortfalls",
        "held_until",
        "shared_with",
        "failure",
    )
    list_filter = ("transfers_active", "payouts_enabled", "disabled_reason", "held_because")
    search_fields = ("=owner", "=stripe_account_id")
    ordering = ("-opened_at", "-id")


@admin.register(Payout)
class PayoutAdmin(MoneyAdmin):
    """Money that goes out to those who earned it."""

    list_display = ("created_at", "owner", amount, money_of("returned_minor"), "state", "attempt", "failure")
    list_filter = ("state", "currency")
    search_fields = ("=id", "=owner", "=stripe_transfer_id", "=returns__stripe_reversal_id")
    ordering = ("-created_at", "-id")
    readonly_fields = ("came_back",)
    actions = ("drive_on",)

    @admin.display(description="what came back")
    def came_back(self, payout: Payout) -> str:
        """What Stripe took back of it, one time after the other."""
        parts = payout.returns.order_by("returned_at", "pk")
        return "; ".join(
            f"{Money(part.amount_minor, payout.currency)} on {part.returned_at:%Y-%m-%d} ({part.stripe_reversal_id})"
            for part in parts
        )

    @admin.action(description="Drive open payouts on, request failed ones anew")
    def drive_on(self, request: HttpRequest, chosen: QuerySet[Payout]) -> None:
        """Let the chosen payouts be tried again now."""
        self.each(
            request,
            chosen,
            done="payouts are on their way",
            service=lambda payout_id, by: retry_payout(payout_id=payout_id, by=by),
        )


@admin.register(PayoutSchedule)
class PayoutScheduleAdmin(MoneyAdmin):
    """Who is paid out without asking."""

    list_display = ("owner", "every", "minimum_minor", "last_period", "set_at")
    list_filter = ("every",)
    search_fields = ("=owner",)
    ordering = ("-set_at", "-id")


@admin.register(BankPayout)
class BankPayoutAdmin(MoneyAdmin):
    """What Stripe sent on to workers' banks."""

    list_display = ("created_at", "payout_account", amount, "state", "failure", "expected_at")
    list_filter = ("state", "currency")
    search_fields = ("=id", "=payout_account__owner", "=stripe_payout_id")
    ordering = ("-created_at", "-id")


@admin.register(StripeEvent)
class StripeEventAdmin(MoneyAdmin):
    """What Stripe told us."""

    list_display = ("received_at", "type", "object_id", "state", "attempts", "last_error")
    list_filter = ("state", "type")
    search_fields = ("=stripe_id", "=object_id")
    ordering = ("-received_at", "-id")
    actions = ("process_again",)

    @admin.action(description="Process parked events again")
    def process_again(self, request: HttpRequest, chosen: QuerySet[StripeEvent]) -> None:
        """Let the chosen events that wait for a person be processed once more."""
        self.each(
            request,
            chosen,
            done="events will be processed again",
            service=lambda event_id, by: redrive_event(stripe_event_id=event_id, by=by),
        )


@admin.register(StripeMovement)
class StripeMovementAdmin(MoneyAdmin):
    """What moved the balance at Stripe, and what says why."""

    list_display = ("moved_at", "kind", "source_id", "amount_minor", "fee_minor", "currency", "state", "posting")
    list_filter = ("state", "kind", "currency")
    list_select_related = ("posting",)
    search_fields = ("=stripe_id", "=source_id")
    ordering = ("-moved_at", "-id")

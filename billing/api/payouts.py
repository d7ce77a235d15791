"""One's own payouts over HTTP: ask, look, call off."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.payees import PayeeView
from billing.models import BankPayout, Payout
from billing.services.ledger import InsufficientFunds
from billing.services.payout_accounts import PayoutAccountMissing
from billing.services.payouts import (
    MINIMUM_MINOR,
    PayoutAccountNotReady,
    PayoutBelowMinimum,
    cancel_payout,
    request_payout,
)
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from kernel.money import Money


class PayoutIn(In):
    """A payout that is wanted."""

    EXAMPLE = {"amount_minor": 1250, "currency": "USD"}
    amount_minor = fields.MoneyMinorField(
        required=False, help_text=f"All there is, unless given; at least {MINIMUM_MINOR}."
    )
    currency = fields.CurrencyField(default="USD")


class PayoutOut(Out):
    """A payout of one's earnings. The money is set aside at once and leaves a moment later."""

    EXAMPLE = {
        "id": "3f2a1b0c-9d8e-4f7a-8b6c-5d4e3f2a1b0c",
        "state": "settled",
        "amount_minor": 1250,
        "returned_minor": 0,
        "currency": "USD",
        "failure": "",
        "created_at": "2026-05-17T12:00:00Z",
        "sent_at": "2026-05-17T12:00:02Z",
        "finished_at": "2026-05-17T12:00:02Z",
        "held_until": None,
    }
    id = fields.UUIDField()
    state = fields.ChoiceField(choices=Payout.State.choices)
    amount_minor = fields.MoneyMinorField()
    returned_minor = fields.MoneyMinorField(help_text="What of it came back after it had left and is earnings again.")
    currency = fields.CurrencyField()
    failure = fields.TextField(help_text="Why it, or what came back of it, is earnings again; else empty.")
    created_at = fields.DateTimeField()
    sent_at = fields.DateTimeField(allow_null=True)
    finished_at = fields.DateTimeField(allow_null=True)
    held_until = fields.DateTimeField(
        allow_null=True,
        help_text="Until then it waits, because where it goes was changed; it can be cancelled meanwhile.",
    )


class BankPayoutOut(Out):
    """What Stripe sent on from one's payout account to one's bank, of one payout or several."""

    EXAMPLE = {
        "id": "7d6c5b4a-3f2e-4d1c-9b8a-0f1e2d3c4b5a",
        "state": "arrived",
        "amount_minor": 1250,
        "currency": "USD",
        "failure": "",
        "expected_at": "2026-05-19T12:00:00Z",
    }
    id = fields.UUIDField()
    state = fields.ChoiceField(choices=BankPayout.State.choices)
    amount_minor = fields.MoneyMinorField()
    currency = fields.CurrencyField()
    failure = fields.TextField(
        help_text="Why one's bank sent it back; else empty. It is at Stripe until one has named another bank."
    )
    expected_at = fields.DateTimeField(help_text="When Stripe says that it is there.")


class PayoutQuery(Query):
    """Which payouts."""

    state = fields.ChoiceField(choices=Payout.State.choices, required=False)


class PayoutsView(PayeeView):
    """One's own payouts."""

    @operation("List one's own payouts", query=PayoutQuery, answer=PayoutOut, paged=True)
    def get(self, request: Request) -> Response:
        """One's own payouts, the newest first."""
        rows = Payout.objects.filter(owner=self.payee.owner, **self.read_query()).select_related("payout_account")
        return self.page(rows, PayoutOut, order_by=("-created_at", "-id"))

    @operation(
        "Request a payout",
        body=PayoutIn,
        answer=PayoutOut,
        status=201,
        creates=True,
        errors=[PayoutAccountMissing, PayoutAccountNotReady, PayoutBelowMinimum, Invalid, InsufficientFunds],
    )
    def post(self, request: Request) -> Response:
        """Sets earnings aside and pays them out to one's payout account, in the background; also while suspended."""
        asked = self.read_body()
        minor, currency = asked.get("amount_minor"), asked["currency"]
        amount = None if minor is None else Money(minor, currency)
        payout = request_payout(owner=self.payee.owner, amount=amount, currency=currency, by=self.actor)
        return self.answer(PayoutOut(payout), status=201)


class PayoutView(PayeeView):
    """One of one's own payouts."""

    @operation("Show one's own payout", answer=PayoutOut, errors=[NotFound])
    def get(self, request: Request, payout_id: UUID) -> Response:
        """How it stands."""
        return self.answer(PayoutOut(Payout.objects.get(pk=payout_id, owner=self.payee.owner)))


class PayoutCancellationView(PayeeView):
    """Second thoughts about a payout."""

    @operation("Cancel one's own payout", answer=PayoutOut, errors=[NotFound, WrongState])
    def post(self, request: Request, payout_id: UUID) -> Response:
        """Calls it off, as long as it has not begun to be sent; its money is earnings again. Twice is no error."""
        return self.answer(PayoutOut(cancel_payout(payout_id=payout_id, owner=self.payee.owner, by=self.actor)))


class BankPayoutsView(PayeeView):
    """What went on to one's bank."""

    @operation("List what went on to one's bank", answer=BankPayoutOut, paged=True)
    def get(self, request: Request) -> Response:
        """What Stripe sent from one's payout account to one's bank and whether it arrived, the newest first."""
        rows = BankPayout.objects.filter(payout_account__owner=self.payee.owner)
        return self.page(rows, BankPayoutOut, order_by=("-created_at", "-id"))

"""A client's money over HTTP: bringing it in, seeing where it is and why it moved, taking back what is not needed."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.addresses import AddressField
from billing.models import Funding, Posting, Refund
from billing.services.funding import AmountOutOfRange, request_funding
from billing.services.ledger import InsufficientFunds
from billing.services.refunds import CreditIsOpen, FundingDisputed, request_refund
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.views import ApiView
from kernel.errors import Invalid, NotFound
from kernel.money import Money
from marketplace.access import find_client
from marketplace.api.clients import CLIENT_ID
from marketplace.queries.money import client_statement, escrow_of, explained, purses_of

FUNDING_ID = "4b1e2d3c-9a8f-4e7d-b6c5-a49382716050"
JOB_ID = "6f0c1d2e-3b4a-4958-8776-95a4b3c2d1e0"
REFUND_ID = "2a3b4c5d-6e7f-4081-92a3-b4c5d6e7f809"


class CurrencyBalanceOut(Out):
    """A client's money in one currency, in minor units."""

    currency = fields.CurrencyField()
    available_minor = fields.MoneyMinorField(help_text="What can be spent on jobs, or taken back.")
    escrow_minor = fields.MoneyMinorField(help_text="What running jobs hold.")
    reserve_minor = fields.MoneyMinorField(
        help_text="What jobs set aside to lift pay to the floor; what they do not need comes back after their end."
    )
    disputed_minor = fields.MoneyMinorField(help_text="What payers' banks took back until a dispute is decided.")
    refunds_in_flight_minor = fields.MoneyMinorField(help_text="What is on its way back to the client.")


class HeldOut(Out):
    """What one job holds."""

    job = fields.UUIDField(source="job_id")
    title = fields.LineField()
    currency = fields.CurrencyField()
    amount_minor = fields.MoneyMinorField()


class BalanceOut(Out):
    """Where a client's money is at this moment."""

    EXAMPLE = {
        "client": CLIENT_ID,
        "balances": [
            {
                "currency": "USD",
                "available_minor": 7600,
                "escrow_minor": 2400,
                "reserve_minor": 0,
                "disputed_minor": 0,
                "refunds_in_flight_minor": 0,
            },
        ],
        "escrow": [{"job": JOB_ID, "title": "Handwritten digits", "currency": "USD", "amount_minor": 2400}],
    }
    client = fields.UUIDField()
    balances = CurrencyBalanceOut(many=True)
    escrow = HeldOut(many=True, help_text="Each job that holds money, the latest posted first.")


class FundingIn(In):
    """A payment to be made."""

    EXAMPLE = {"amount_minor": 10000, "currency": "USD", "success_url": "https://example.org/paid"}
    amount_minor = fields.MoneyMinorField(min_value=1)
    currency = fields.CurrencyField()
    success_url = AddressField(
        required=False, max_length=1000, help_text="Where the payer's browser goes after paying; here, unless given."
    )
    cancel_url = AddressField(
        required=False,
        max_length=1000,
        help_text="Where it goes when they do not pay; like `success_url` unless given.",
    )


class FundingOut(Out):
    """A payment into a client's funds. It counts once it is settled."""

    EXAMPLE = {
        "id": FUNDING_ID,
        "state": "awaiting_payment",
        "amount_minor": 10000,
        "currency": "USD",
        "checkout_url": "https://checkout.stripe.com/c/pay/cs_a1B2c3",
        "refunded_minor": 0,
        "failure": "",
        "created_at": "2026-05-17T12:00:00Z",
        "settled_at": None,
    }
    id = fields.UUIDField()
    state = fields.ChoiceField(choices=Funding.State.choices)
    amount_minor = fields.MoneyMinorField()
    currency = fields.CurrencyField()
    checkout_url = fields.SerializerMethodField(
        help_text="The payment page, while the payment is awaited. It is made a moment after the request: ask again."
    )
    refunded_minor = fields.MoneyMinorField(help_text="What of it was asked back.")
    failure = fields.TextField(help_text="Why it could not be paid; else empty.")
    created_at = fields.DateTimeField()
    settled_at = fields.DateTimeField(allow_null=True)

    def get_checkout_url(self, funding: Funding) -> str | None:
        """The address of the payment page; none before it is made and after it was paid."""
        return funding.checkout_url if funding.state == Funding.State.AWAITING_PAYMENT else None


class FundingQuery(Query):
    """Which fundings."""

    state = fields.ChoiceField(choices=Funding.State.choices, required=False)


class RefundIn(In):
    """Money to be taken back."""

    EXAMPLE = {"amount_minor": 2500, "currency": "USD"}
    amount_minor = fields.MoneyMinorField(min_value=1)
    currency = fields.CurrencyField()


class RefundOut(Out):
    """Money on its way back, along the payment that it came by."""

    EXAMPLE = {
        "id": REFUND_ID,
        "funding": FUNDING_ID,
        "state": "requested",
        "amount_minor": 2500,
        "currency": "USD",
        "failure": "",
        "created_at": "2026-05-17T12:00:00Z",
        "finished_at": None,
    }
    id = fields.UUIDField()
    funding = fields.UUIDField(source="funding_id")
    state = fields.ChoiceField(choices=Refund.State.choices)
    amount_minor = fields.MoneyMinorField()
    currency = fields.CurrencyField()
    failure = fields.TextField(help_text="Why it could not be paid back; else empty.")
    created_at = fields.DateTimeField()
    finished_at = fields.DateTimeField(allow_null=True, help_text="When it was paid back, or failed.")


class RefundsMadeOut(Out):
    """What one request for money back became: one refund for each payment that it came by."""

    EXAMPLE = {"refunds": [RefundOut.EXAMPLE]}
    refunds = RefundOut(many=True)


class LineOut(Out):
    """One movement of money, as its owner sees it."""

    EXAMPLE = {
        "id": 42,
        "at": "2026-05-17T12:00:00Z",
        "kind": "escrow_held",
        "explanation": "What “Handwritten digits” may come to cost was set aside.",
        "change_minor": -2400,
        "currency": "USD",
        "job": JOB_ID,
        "subject": f"job:{JOB_ID}",
    }
    id = fields.IntegerField()
    at = fields.DateTimeField()
    kind = fields.ChoiceField(choices=Posting.Kind.choices)
    explanation = fields.LineField(help_text="For people.")
    change_minor = fields.IntegerField(help_text="What it added; below zero for what went out.")
    currency = fields.CurrencyField()
    job = fields.UUIDField(source="job_id", allow_null=True)
    subject = fields.LineField(help_text="What it was about: `funding:…`, `refund:…`, `job:…` or `assignment:…`.")


class BalanceView(ApiView):
    """Where a client's money is."""

    @operation("Show a client's balance", answer=BalanceOut, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """What is available, what running jobs hold, and what is on its way back, by currency."""
        client = find_client(client_id, permit=self.permit)
        escrow = escrow_of(client)
        shown = {"client": client.pk, "balances": purses_of(client), "escrow": escrow}
        return self.answer(BalanceOut(shown))


class FundingsView(ApiView):
    """Payments into a client's funds."""

    @operation("List fundings", query=FundingQuery, answer=FundingOut, paged=True, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """Every payment that was asked for, the newest first."""
        client = find_client(client_id, permit=self.permit)
        rows = Funding.objects.filter(client_owner=client.billing_owner, **self.read_query())
        return self.page(rows, FundingOut, order_by=("-created_at", "-id"))

    @operation(
        "Fund a client",
        body=FundingIn,
        answer=FundingOut,
        status=201,
        creates=True,
        errors=[NotFound, Invalid, AmountOutOfRange],
    )
    def post(self, request: Request, client_id: UUID) -> Response:
        """Begins to bring money in. For owners.

        The payment page is made in the background: ask for the funding again until it shows its `checkout_url`. What
        was paid there is credited once Stripe has said so, not when the browser comes back.
        """
        client = find_client(client_id, permit=self.permit)
        asked = self.read_body()
        funding = request_funding(
            client_owner=client.billing_owner,
            email=self.user.email,
            amount=Money(asked["amount_minor"], asked["currency"]),
            success_url=asked.get("success_url") or request.build_absolute_uri("/"),
            cancel_url=asked.get("cancel_url"),
            by=self.actor,
        )
        return self.answer(FundingOut(funding), status=201)


class FundingView(ApiView):
    """One payment into a client's funds."""

    @operation("Show a funding", answer=FundingOut, errors=[NotFound])
    def get(self, request: Request, client_id: UUID, funding_id: UUID) -> Response:
        """How the payment stands, and where to pay while it is awaited."""
        client = find_client(client_id, permit=self.permit)
        return self.answer(FundingOut(Funding.objects.get(pk=funding_id, client_owner=client.billing_owner)))


class RefundsView(ApiView):
    """Money that goes back to a client."""

    @operation("List refunds", answer=RefundOut, paged=True, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """Every refund, the newest first."""
        client = find_client(client_id, permit=self.permit)
        rows = Refund.objects.filter(funding__client_owner=client.billing_owner)
        return self.page(rows, RefundOut, order_by=("-created_at", "-id"))

    @operation(
        "Take money back",
        body=RefundIn,
        answer=RefundsMadeOut,
        status=201,
        creates=True,
        errors=[NotFound, Invalid, InsufficientFunds, FundingDisputed, CreditIsOpen],
    )
    def post(self, request: Request, client_id: UUID) -> Response:
        """Sends available money back along the payments that it came by, the newest first. For owners.

        What jobs hold is not available; it comes back when they end. A payment that its payer's bank disputes stays,
        and so does as much as the platform has advanced.
        """
        client = find_client(client_id, permit=self.permit)
        asked = self.read_body()
        amount = Money(asked["amount_minor"], asked["currency"])
        refunds = request_refund(client_owner=client.billing_owner, amount=amount, by=self.actor)
        return self.answer(RefundsMadeOut({"refunds": refunds}), status=201)


class ClientStatementView(ApiView):
    """Why a client's money moved."""

    @operation("Show a client's statement", answer=LineOut, paged=True, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """Every movement of what the client may spend, the latest first, down to the job.

        What became of a job's money, answer by answer, is in the job's statement.
        """
        client = find_client(client_id, permit=self.permit)
        return self.page(client_statement(client), LineOut, order_by=("-id",), seen_as=explained)

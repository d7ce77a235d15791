"""What the platform advances to a client, over HTTP: for admins of finance, and for the client to see."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import Credit
from billing.services.credits import LONGEST_REASON, CreditTooLarge, grant_credit, take_credit_back
from billing.services.ledger import InsufficientFunds
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.money import Money
from marketplace.access import find_client
from marketplace.api.client_money import FUNDING_ID

CREDIT_ID = "9c0d1e2f-3a4b-4c5d-8e6f-7a8b9c0d1e2f"


class CreditIn(In):
    """A credit to be granted."""

    EXAMPLE = {"amount_minor": 5000, "currency": "USD", "reason": "Their bank debit takes four days."}
    amount_minor = fields.MoneyMinorField(min_value=1)
    currency = fields.CurrencyField()
    reason = fields.TextField(max_length=LONGEST_REASON)
    funding = fields.UUIDField(
        required=False,
        help_text="A payment that its bank is bringing; when it is there, the credit goes back by itself.",
    )


class CreditBackIn(In):
    """Why a credit is taken back."""

    EXAMPLE = {"reason": "The invoice was paid in another way."}
    reason = fields.TextField(max_length=LONGEST_REASON)


class CreditOut(Out):
    """What the platform advanced."""

    EXAMPLE = {
        "id": CREDIT_ID,
        "state": "granted",
        "amount_minor": 5000,
        "currency": "USD",
        "reason": "Their bank debit takes four days.",
        "funding": FUNDING_ID,
        "granted_at": "2026-05-17T12:00:00Z",
        "taken_back_at": None,
    }
    id = fields.UUIDField()
    state = fields.ChoiceField(choices=Credit.State.choices)
    amount_minor = fields.MoneyMinorField()
    currency = fields.CurrencyField()
    reason = fields.TextField()
    funding = fields.UUIDField(source="funding_id", allow_null=True)
    granted_at = fields.DateTimeField()
    taken_back_at = fields.DateTimeField(allow_null=True)


class CreditsView(ApiView):
    """What the platform advanced to a client."""

    @operation("List credits of a client", answer=CreditOut, paged=True, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """Every credit, the newest first."""
        client = find_client(client_id, permit=self.permit)
        rows = Credit.objects.filter(client_owner=client.billing_owner)
        return self.page(rows, CreditOut, order_by=("-granted_at", "-id"))

    @operation(
        "Grant a credit",
        body=CreditIn,
        answer=CreditOut,
        status=201,
        creates=True,
        errors=[NotFound, WrongState, CreditTooLarge],
    )
    def post(self, request: Request, client_id: UUID) -> Response:
        """Lets a client spend what has not arrived. The platform bears it until it is taken back.

        How much one client's open credits may be together, whoever runs the installation decides.
        """
        client = find_client(client_id, permit=self.permit)
        asked = self.read_body()
        credit = grant_credit(
            client_owner=client.billing_owner,
            amount=Money(asked["amount_minor"], asked["currency"]),
            reason=asked["reason"],
            funding_id=asked.get("funding"),
            by=self.actor,
        )
        return self.answer(CreditOut(credit), status=201)


class CreditBackView(ApiView):
    """The end of a credit."""

    @operation(
        "Take a credit back",
        body=CreditBackIn,
        answer=CreditOut,
        creates=True,
        errors=[NotFound, WrongState, InsufficientFunds],
    )
    def post(self, request: Request, client_id: UUID, credit_id: UUID) -> Response:
        """Gives it back to the platform, as long as the client has it."""
        client = find_client(client_id, permit=self.permit)
        credit = take_credit_back(
            credit_id=credit_id, client_owner=client.billing_owner, why=self.read_body()["reason"], by=self.actor
        )
        return self.answer(CreditOut(credit))

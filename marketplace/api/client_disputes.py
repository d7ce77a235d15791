"""What payers' banks dispute, over HTTP: for a client to see how each stands and what it moved."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import Dispute
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.access import find_client
from marketplace.api.client_money import FUNDING_ID

DISPUTE_ID = "1d2c3b4a-5f6e-4d7c-8b9a-0f1e2d3c4b5a"


class DisputeQuery(Query):
    """Which disputes."""

    state = fields.ChoiceField(choices=Dispute.State.choices, required=False)


class DisputeOut(Out):
    """A payment that its payer's bank disputes, and what became of it."""

    EXAMPLE = {
        "id": DISPUTE_ID,
        "funding": FUNDING_ID,
        "state": "open",
        "sentence": "The bank took 50.00 USD back; 30.00 USD of it came from your funds. It has not decided yet.",
        "amount_minor": 5000,
        "from_funds_minor": 3000,
        "returned_minor": 0,
        "returned_to_funds_minor": 0,
        "currency": "USD",
        "reason": "fraudulent",
        "evidence_due_at": "2026-05-24T23:59:59Z",
        "created_at": "2026-05-17T12:00:00Z",
        "opened_at": "2026-05-17T12:00:00Z",
        "finished_at": None,
    }
    id = fields.UUIDField()
    funding = fields.UUIDField(source="funding_id")
    state = fields.ChoiceField(choices=Dispute.State.choices)
    sentence = fields.SerializerMethodField(help_text="What happened, for people.")
    amount_minor = fields.MoneyMinorField()
    from_funds_minor = fields.MoneyMinorField(help_text="What your funds gave of it; jobs keep what they hold.")
    returned_minor = fields.MoneyMinorField(help_text="What of it came again, by and by.")
    returned_to_funds_minor = fields.MoneyMinorField(
        help_text="What of that is yours again; what the platform had borne is made good first."
    )
    currency = fields.CurrencyField()
    reason = fields.LineField(help_text="In the words of the payment processor.")
    evidence_due_at = fields.DateTimeField(allow_null=True, help_text="Until when evidence counts, once that is known.")
    created_at = fields.DateTimeField()
    opened_at = fields.DateTimeField(allow_null=True, help_text="When the money was taken back, if it was.")
    finished_at = fields.DateTimeField(allow_null=True)

    def get_sentence(self, dispute: Dispute) -> str:
        """What happened."""
        words = {name: getattr(dispute, name) for name in ("amount", "from_funds", "returned", "returned_to_funds")}
        told = _HAPPENED[Dispute.State(dispute.state)]
        if dispute.returned_minor and dispute.state in _IN_PART:
            told = _IN_PART[Dispute.State(dispute.state)]
        if dispute.state == Dispute.State.LOST and dispute.takes_refunds:
            told += " What was not disputed of the payment can go back to you."
        return told.format(**words, kept=dispute.kept)


_HAPPENED = {
    Dispute.State.INQUIRY: "The bank asks about {amount}. Nothing was taken back.",
    Dispute.State.OPEN: "The bank took {amount} back; {from_funds} of it came from your funds. It has not decided yet.",
    Dispute.State.WON: "The bank gave {amount} back; {returned_to_funds} of it are your funds again.",
    Dispute.State.LOST: "The bank keeps {amount}; {from_funds} of it came from your funds.",
    Dispute.State.CLOSED: "The bank only asked about {amount}. Nothing was taken back.",
}
_IN_PART = {
    Dispute.State.OPEN: (
        "The bank took {amount} back, {from_funds} of it from your funds, and gave {returned} again; "
        "{returned_to_funds} of that are your funds again. It has not decided about the rest yet."
    ),
    Dispute.State.LOST: (
        "Of {amount} that the bank took back, {from_funds} of it from your funds, {returned} came again; "
        "{returned_to_funds} of that are your funds again. The bank keeps {kept}."
    ),
}
"""Where a part of what was taken came again."""


class DisputesView(ApiView):
    """Payments of a client's that banks dispute."""

    @operation("List disputes of a client", query=DisputeQuery, answer=DisputeOut, paged=True, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """Every payment that its payer's bank asked about or took back, the newest first.

        Running jobs pause when money is taken back, until an admin has looked; nobody who works for you is touched.
        """
        client = find_client(client_id, permit=self.permit)
        rows = Dispute.objects.filter(funding__client_owner=client.billing_owner, **self.read_query())
        return self.page(rows, DisputeOut, order_by=("-created_at", "-id"))

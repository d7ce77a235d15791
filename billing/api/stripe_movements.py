"""What moved the balance at Stripe, for those who answer for it: what says why, and what nothing does yet."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import StripeMovement
from billing.services.reconciliation import LONGEST_NOTE, explain_movement
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.money import LARGEST_MINOR


class StripeMovementOut(Out):
    """One movement of the platform's balance at Stripe, and the posting that says why."""

    EXAMPLE = {
        "id": "1f2e3d4c-5b6a-4789-8a9b-0c1d2e3f4a5b",
        "stripe_id": "txn_1a2B3c",
        "kind": "charge",
        "source_id": "ch_1a2B3c",
        "amount_minor": 10000,
        "fee_minor": 320,
        "currency": "USD",
        "converted_from": "",
        "moved_at": "2026-05-17T12:00:00Z",
        "state": "matched",
        "posting": "4b1e2d3c-9a8f-4e7d-b6c5-a49382716050",
        "note": "",
    }
    id = fields.UUIDField()
    stripe_id = fields.LineField()
    kind = fields.LineField(help_text="In Stripe's own words.")
    source_id = fields.LineField(help_text="What Stripe moved it for.")
    amount_minor = fields.MoneyMinorField(min_value=-LARGEST_MINOR, help_text="Below zero for what left.")
    fee_minor = fields.MoneyMinorField(min_value=-LARGEST_MINOR, help_text="What Stripe kept of it.")
    currency = fields.CurrencyField()
    converted_from = fields.LineField(
        help_text="Before Stripe converted it, `XXX` if not told; else empty. Of what is converted nothing is posted."
    )
    moved_at = fields.DateTimeField()
    state = fields.ChoiceField(choices=StripeMovement.State.choices)
    posting = fields.UUIDField(source="posting_id", allow_null=True)
    note = fields.TextField(help_text="What a person found; else empty.")


class StripeMovementQuery(Query):
    """Which movements."""

    state = fields.ChoiceField(choices=StripeMovement.State.choices, required=False)


class ExplanationIn(In):
    """What a person found."""

    EXAMPLE = {"note": "The platform's own money, paid out to its own bank."}
    note = fields.TextField(max_length=LONGEST_NOTE)


class StripeMovementsView(ApiView):
    """What moved at Stripe."""

    @operation("List movements at Stripe", query=StripeMovementQuery, answer=StripeMovementOut, paged=True)
    def get(self, request: Request) -> Response:
        """Every movement that was read, the newest first; `?state=unmatched` for what no posting explains."""
        rows = StripeMovement.objects.filter(**self.read_query())
        return self.page(rows, StripeMovementOut, order_by=("-moved_at", "-id"))


class ExplanationView(ApiView):
    """Why something moved that no posting explains."""

    @operation(
        "Explain a movement at Stripe",
        body=ExplanationIn,
        answer=StripeMovementOut,
        creates=True,
        errors=[NotFound, WrongState],
    )
    def post(self, request: Request, movement_id: UUID) -> Response:
        """Keeps what a person found, so that it is alarmed no more. It posts nothing."""
        found = explain_movement(movement_id=movement_id, note=self.read_body()["note"], by=self.actor)
        return self.answer(StripeMovementOut(found))

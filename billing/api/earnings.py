"""One's own earnings over HTTP: what is there, and every change with its reason."""

from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.payees import PayeeView
from billing.models import LedgerAccount, Posting
from billing.queries import balances_of, statement_of
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out
from kernel.money import LARGEST_MINOR

Kind = LedgerAccount.Kind


class PurseOut(Out):
    """One's money in one currency, in minor units."""

    currency = fields.CurrencyField()
    available_minor = fields.MoneyMinorField(help_text="What can be paid out.")
    in_flight_minor = fields.MoneyMinorField(help_text="What is on its way.")
    paid_out_minor = fields.MoneyMinorField(help_text="What has been paid out so far.")


class EarningsOut(Out):
    """One's earnings, by currency."""

    EXAMPLE = {
        "balances": [{"currency": "USD", "available_minor": 1250, "in_flight_minor": 0, "paid_out_minor": 48300}],
    }
    balances = PurseOut(many=True)


class StatementLineOut(Out):
    """One change of one's earnings."""

    EXAMPLE = {
        "id": "0c8f7f5e-6f0b-4d0c-8a53-1f4b7a4c2d90",
        "at": "2026-05-17T12:00:00Z",
        "kind": "work_paid",
        "subject": "assignment:5d0f7e0a-4f39-4a63-8f0f-0c1d2a3b4c5d",
        "change_minor": 4,
        "currency": "USD",
    }
    id = fields.UUIDField(source="posting_id")
    at = fields.DateTimeField(source="posting.at")
    kind = fields.ChoiceField(choices=Posting.Kind.choices, source="posting.kind")
    subject = fields.LineField(source="posting.subject", help_text="What it is about: an assignment, a payout.")
    change_minor = fields.MoneyMinorField(min_value=-LARGEST_MINOR, help_text="Negative for what went out.")
    currency = fields.CurrencyField(source="source.currency")


class EarningsView(PayeeView):
    """What one has earned."""

    @operation("Show one's own earnings", answer=EarningsOut)
    def get(self, request: Request) -> Response:
        """What can be paid out, what is on its way, and what has been paid out, in each currency."""
        held = {(b.kind, b.balance.currency): b.balance.minor for b in balances_of(self.payee.owner)}
        purses = [
            {
                "currency": currency,
                "available_minor": held.get((Kind.WORKER_EARNINGS, currency), 0),
                "in_flight_minor": held.get((Kind.PAYOUTS_IN_FLIGHT, currency), 0),
                "paid_out_minor": held.get((Kind.OUTSIDE_WORLD, currency), 0),
            }
            for currency in sorted({currency for _, currency in held})
        ]
        return self.answer(EarningsOut({"balances": purses}))


class StatementView(PayeeView):
    """Why one's earnings changed."""

    @operation("List changes of one's own earnings", answer=StatementLineOut, paged=True)
    def get(self, request: Request) -> Response:
        """Every change with what it was about, the newest first: pay for work, payouts, and payouts that came back."""
        # Numbers that count up would tell what was paid to others in between, and so which pay came with none.
        lines = statement_of(self.payee.owner, Kind.WORKER_EARNINGS)
        return self.page(lines, StatementLineOut, order_by=("-posting__at", "-posting_id"))

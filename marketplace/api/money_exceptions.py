"""What finance looks at every day, over HTTP: exceptions with their evidence, and payouts on their way."""

from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import Payout
from kernel import clock
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.views import ApiView
from marketplace.queries.exceptions import MoneyException, money_exceptions, payouts_in_flight


class EvidenceOut(Out):
    """One thing that happened to what an exception is about, from the audit trail."""

    id = fields.UUIDField()
    at = fields.DateTimeField()
    action = fields.LineField()
    actor = fields.LineField()
    why = fields.TextField()


class MoneyExceptionOut(Out):
    """Something about money that did not go as it should."""

    kind = fields.LineField(
        help_text="`parked_webhook`, `unexplained`, `failed_payout`, `stale_payout`, `stale_funding`, `stale_refund`, "
        "`failed_refund`, `failed_bank_payout`, `bounced_credit`, `unmatched_movement`, `short_payout_account`, "
        "`dispute`, `negative_balance` or `broken_promise`."
    )
    subject = fields.LineField()
    since = fields.DateTimeField()
    sentence = fields.LineField(help_text="For people.")
    why = fields.TextField()
    amount_minor = fields.IntegerField(source="amount.minor", default=None, allow_null=True)
    currency = fields.CurrencyField(source="amount.currency", default=None, allow_null=True)
    stripe = fields.ListField(child=fields.LineField(), help_text="What it is called at Stripe.")
    console = fields.LineField(help_text="Where its row is in the operators' console.")
    evidence = EvidenceOut(many=True, help_text="The last that happened to it, the newest first.")


class MoneyExceptionsOut(Out):
    """Everything about money that somebody has to look at."""

    EXAMPLE = {
        "exceptions": [
            {
                "kind": "failed_payout",
                "subject": "payout:3f2a1b0c-9d8e-4f7a-8b6c-5d4e3f2a1b0c",
                "since": "2026-05-17T12:00:02Z",
                "sentence": "A payout could not be made; its money is earnings again, and nobody has decided yet.",
                "why": "The account was closed.",
                "amount_minor": 1250,
                "currency": "USD",
                "stripe": [],
                "console": "/admin/billing/payout/3f2a1b0c-9d8e-4f7a-8b6c-5d4e3f2a1b0c/change/",
                "evidence": [
                    {
                        "id": "0192f7a4-0000-7000-8000-5d2f6e0c9b1a",
                        "at": "2026-05-17T12:00:02Z",
                        "action": "payout.failed",
                        "actor": "system:payouts",
                        "why": "The account was closed.",
                    }
                ],
            }
        ]
    }
    exceptions = MoneyExceptionOut(many=True, help_text="The oldest first; at most a hundred of a kind.")


class ExceptionQuery(Query):
    """How much is looked at."""

    with_books = fields.QueryBooleanField(
        required=False, help_text="Tries every promise of the books too; it takes its time."
    )


class InFlightOut(Out):
    """A payout on its way."""

    EXAMPLE = {
        "id": "3f2a1b0c-9d8e-4f7a-8b6c-5d4e3f2a1b0c",
        "owner": "worker:9d2c1b0a-8f7e-4d6c-9b5a-493827160504",
        "state": "sent",
        "amount_minor": 1250,
        "currency": "USD",
        "created_at": "2026-05-17T12:00:00Z",
        "age_seconds": 3600,
        "attempt": 1,
        "held_until": None,
        "transfer": "tr_a1B2c3",
    }
    id = fields.UUIDField()
    owner = fields.LineField()
    state = fields.ChoiceField(choices=Payout.State.choices)
    amount_minor = fields.MoneyMinorField()
    currency = fields.CurrencyField()
    created_at = fields.DateTimeField()
    age_seconds = fields.SerializerMethodField()
    attempt = fields.IntegerField(help_text="How often it was tried.")
    held_until = fields.DateTimeField(allow_null=True)
    transfer = fields.LineField(source="stripe_transfer_id", help_text="What it is called at Stripe; else empty.")

    def get_age_seconds(self, payout: Payout) -> int:
        """How long ago it was asked for."""
        return int((clock.now() - payout.created_at).total_seconds())


class MoneyExceptionsView(ApiView):
    """What finance looks at."""

    @operation("List money's exceptions", query=ExceptionQuery, answer=MoneyExceptionsOut)
    def get(self, request: Request) -> Response:
        """Parked webhooks, what cannot be explained, payments that failed or are late, disputes, what is below zero."""
        with_books = self.read_query().get("with_books", False)
        found: list[MoneyException] = money_exceptions(with_books=with_books)
        return self.answer(MoneyExceptionsOut({"exceptions": found}))


class InFlightView(ApiView):
    """Payouts on their way."""

    @operation("List payouts in flight", answer=InFlightOut, paged=True)
    def get(self, request: Request) -> Response:
        """Every payout that was asked for and has not ended, the oldest first."""
        return self.page(payouts_in_flight(), InFlightOut, order_by=("created_at", "id"))

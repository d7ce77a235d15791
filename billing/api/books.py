"""The books: all the money of the installation, for those who answer for it."""

from rest_framework.request import Request
from rest_framework.response import Response

from billing import queries
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out
from kernel.api.views import ApiView


class CurrencyBooksOut(Out):
    """Where all the money of one currency is, in minor units. What was funded is the sum of all the others."""

    currency = fields.CurrencyField()
    funded_minor = fields.MoneyMinorField(help_text="What clients paid in.")
    client_funds_minor = fields.MoneyMinorField(help_text="What clients may spend.")
    job_escrow_minor = fields.MoneyMinorField(help_text="What jobs hold.")
    pay_reserve_minor = fields.MoneyMinorField(help_text="What jobs set aside to lift pay to the floor.")
    worker_earnings_minor = fields.MoneyMinorField(help_text="What workers have earned and not asked for.")
    payouts_in_flight_minor = fields.MoneyMinorField(help_text="What is on its way to workers.")
    refunds_in_flight_minor = fields.MoneyMinorField(help_text="What is on its way back to clients.")
    disputed_minor = fields.MoneyMinorField(help_text="What payers' banks took back until a dispute is decided.")
    platform_fees_minor = fields.MoneyMinorField(help_text="The platform's fees.")
    processor_fees_minor = fields.IntegerField(
        help_text="The same as `processing_minor`, below zero, until somebody bears it."
    )
    loss_minor = fields.IntegerField(help_text="What the platform bears.")
    refunded_minor = fields.MoneyMinorField(help_text="What went back to clients.")
    paid_out_minor = fields.MoneyMinorField(help_text="What was paid out to workers.")
    taken_back_minor = fields.MoneyMinorField(help_text="What payers' banks took back for good.")
    processing_minor = fields.MoneyMinorField(help_text="What the payment processor took for its service.")


class BooksOut(Out):
    """The books, currency by currency."""

    EXAMPLE = {
        "books": [
            {
                "currency": "USD",
                "funded_minor": 60000,
                "client_funds_minor": 0,
                "job_escrow_minor": 55,
                "pay_reserve_minor": 0,
                "worker_earnings_minor": 210,
                "payouts_in_flight_minor": 0,
                "refunds_in_flight_minor": 0,
                "disputed_minor": 0,
                "platform_fees_minor": 4400,
                "processor_fees_minor": 0,
                "loss_minor": 0,
                "refunded_minor": 37550,
                "paid_out_minor": 17785,
                "taken_back_minor": 0,
                "processing_minor": 0,
            }
        ]
    }
    books = CurrencyBooksOut(many=True)


class BooksView(ApiView):
    """All the money."""

    @operation("Show the books", answer=BooksOut)
    def get(self, request: Request) -> Response:
        """Where every cent is that ever came in. `manage.py ledger_check` checks that it is so, promise by promise."""
        return self.answer(BooksOut({"books": [queries.books(currency) for currency in queries.currencies()]}))

"""What a client's money did, over HTTP: what each job cost, months that add up, and invoices."""

from dataclasses import replace
from importlib import import_module
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import LedgerAccount
from billing.queries.charges import ChargedFor
from billing.queries.statements import month_of_account
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.views import ApiView
from kernel.csv_lines import csv_lines, plain_amount
from kernel.errors import Invalid, NotFound
from kernel.money import LARGEST_MINOR, Money
from kernel.money_in_words import locale_of
from kernel.months import read_month
from marketplace.access import find_client
from marketplace.api.client_money import JOB_ID, LineOut
from marketplace.api.clients import CLIENT_ID
from marketplace.api.earnings import csv_file
from marketplace.models import Client, Invoice, Job
from marketplace.queries.money import Line, explained
from marketplace.queries.spending import jobs_of, spent_on
from marketplace.services.invoicing import MonthNotClosed, NothingToInvoice, issue_invoice

INVOICE_ID = "7c6b5a49-3827-4160-95a4-b3c2d1e0f9a8"


class SignedMinorField(fields.MoneyMinorField):
    """An amount that may be below zero, where something was undone."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(min_value=-LARGEST_MINOR, **kwargs)


class RejectedOut(Out):
    """What became of rejected answers; amounts are reward and fee."""

    answers = fields.IntegerField()
    held_answers = fields.IntegerField(help_text="Whose pay is kept, because the rejection can still be reversed.")
    held_minor = fields.MoneyMinorField()
    reversed_answers = fields.IntegerField(help_text="Whose rejection was taken back, and which were paid.")
    reversed_minor = fields.MoneyMinorField()
    released_answers = fields.IntegerField(help_text="Whose pay is the client's again.")
    released_minor = fields.MoneyMinorField()


class SpentOut(Out):
    """What one job cost so far, in minor units."""

    EXAMPLE = {
        "job": JOB_ID,
        "title": "Handwritten digits",
        "state": "completed",
        "currency": "USD",
        "rewards_minor": 800,
        "fees_minor": 200,
        "bonuses_minor": 0,
        "lifts_minor": 0,
        "interruptions_minor": 0,
        "spent_minor": 1000,
        "accepted_answers": 200,
        "unused_answers": 2,
        "unused_minor": 10,
        "labels": 100,
        "cost_per_label_minor": 10,
        "rejected": {
            "answers": 3,
            "held_answers": 1,
            "held_minor": 5,
            "reversed_answers": 1,
            "reversed_minor": 5,
            "released_answers": 1,
            "released_minor": 5,
        },
    }
    job = fields.UUIDField(source="job_id")
    title = fields.LineField()
    state = fields.ChoiceField(choices=Job.State.choices)
    currency = fields.CurrencyField()
    rewards_minor = SignedMinorField()
    fees_minor = SignedMinorField(help_text="The platform's share of it all.")
    bonuses_minor = SignedMinorField()
    lifts_minor = SignedMinorField(help_text="What lifted pay for time to the floor.")
    interruptions_minor = SignedMinorField(help_text="Paid for the time of work that was taken away.")
    spent_minor = SignedMinorField(help_text="The sum of the five.")
    accepted_answers = fields.IntegerField()
    unused_answers = fields.IntegerField(help_text="Of those, how many were rejected softly: paid, and not used.")
    unused_minor = fields.MoneyMinorField(help_text="What these cost, reward and fee; part of the sum.")
    labels = fields.IntegerField(help_text="Tasks that are resolved.")
    cost_per_label_minor = fields.IntegerField(allow_null=True, help_text="Rounded half up; null before a label.")
    rejected = RejectedOut()


class MonthOfFundsOut(Out):
    """A month of a client's funds in one currency; opening and lines add up to closing."""

    currency = fields.CurrencyField()
    opening_minor = fields.MoneyMinorField(help_text="What could be spent when the month began.")
    added_minor = fields.MoneyMinorField()
    taken_minor = fields.MoneyMinorField()
    closing_minor = fields.MoneyMinorField(help_text="What could be spent when it ended; now, while it lasts.")
    lines = LineOut(many=True)


class ClientStatementOut(Out):
    """A month of a client's funds."""

    EXAMPLE = {
        "month": "2026-05",
        "is_closed": True,
        "currencies": [
            {
                "currency": "USD",
                "opening_minor": 10000,
                "added_minor": 0,
                "taken_minor": 2400,
                "closing_minor": 7600,
                "lines": [LineOut.EXAMPLE],
            }
        ],
    }
    month = fields.LineField()
    is_closed = fields.BooleanField(help_text="Whether it is over, so that nothing is added to it any more.")
    currencies = MonthOfFundsOut(many=True)


class InvoiceLineOut(Out):
    """What was charged for one thing in one job."""

    job = fields.UUIDField(allow_null=True)
    title = fields.LineField()
    charged_for = fields.ChoiceField(choices=[each.value for each in ChargedFor])
    times = fields.IntegerField()
    amount_minor = SignedMinorField()


class InvoiceOut(Out):
    """What a client was charged in one month in one currency. It never changes."""

    EXAMPLE = {
        "id": INVOICE_ID,
        "number": "INV-000007",
        "client": CLIENT_ID,
        "client_name": "Museum",
        "month": "2026-05",
        "currency": "USD",
        "lines": [
            {"job": JOB_ID, "title": "Handwritten digits", "charged_for": "reward", "times": 200, "amount_minor": 800},
            {"job": JOB_ID, "title": "Handwritten digits", "charged_for": "fee", "times": 200, "amount_minor": 200},
        ],
        "pay_minor": 800,
        "fees_minor": 200,
        "total_minor": 1000,
        "issued_at": "2026-06-01T01:00:00Z",
    }
    id = fields.UUIDField()
    number = fields.LineField(source="shown_number", help_text="Counts up over all clients, without gaps.")
    client = fields.UUIDField(source="client_id")
    client_name = fields.LineField(help_text="As it was when the invoice was issued.")
    month = fields.LineField()
    currency = fields.CurrencyField()
    lines = InvoiceLineOut(many=True)
    pay_minor = SignedMinorField(help_text="What went to workers.")
    fees_minor = SignedMinorField(help_text="What the platform took for it.")
    total_minor = SignedMinorField()
    issued_at = fields.DateTimeField()


class InvoiceIn(In):
    """The month to be invoiced."""

    EXAMPLE = {"month": "2026-05", "currency": "USD"}
    month = fields.LineField(max_length=7, help_text="A closed month, like 2026-05.")
    currency = fields.CurrencyField()


class SpendingView(ApiView):
    """What a client's jobs cost."""

    @operation("List what a client's jobs cost", answer=SpentOut, paged=True, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """Each job that was launched, the latest first: rewards, fees, what a label cost, what rejections did."""
        client = find_client(client_id, permit=self.permit)
        return self.page(jobs_of(client), SpentOut, order_by=("-created_at", "-id"), seen_as=spent_on)


class ClientMonthView(ApiView):
    """One month of a client's funds."""

    @operation("Show a client's statement of a month", answer=ClientStatementOut, errors=[NotFound, Invalid])
    def get(self, request: Request, client_id: UUID, month: str) -> Response:
        """What could be spent when the month began, every change in it with why, and what could be at its end.

        A month is written as 2026-11 and lasts as it does in UTC.
        """
        client = find_client(client_id, permit=self.permit)
        asked = read_month(month)
        months = month_of_account(client.billing_owner, LedgerAccount.Kind.CLIENT_FUNDS, asked)
        shown = [replace(one, lines=explained(one.lines)) for one in months]
        return self.answer(ClientStatementOut({"month": str(asked), "is_closed": asked.is_closed, "currencies": shown}))


class ClientMonthFileView(ApiView):
    """One month of a client's funds, as a file."""

    @operation(
        "Download a client's statement of a month",
        answer=OpenApiResponse(
            OpenApiTypes.BINARY,
            description="CSV with a header, one line for each change.",
            examples=[OpenApiExample("Header", value="at,kind,explanation,…\r\n")],
        ),
        media_type="text/csv",
        errors=[NotFound, Invalid],
    )
    def get(self, request: Request, client_id: UUID, month: str) -> StreamingHttpResponse:
        """The lines of the month's statement. Amounts stand as decimal numbers and as minor units."""
        client = find_client(client_id, permit=self.permit)
        asked = read_month(month)
        months = month_of_account(client.billing_owner, LedgerAccount.Kind.CLIENT_FUNDS, asked)
        rows = (_row(line) for one in months for line in explained(one.lines))
        return csv_file(csv_lines(_HEADER, rows), name=f"funds-{asked}.csv")


_HEADER = ("at", "kind", "explanation", "subject", "job", "change", "change_minor", "currency")


def _row(line: Line) -> tuple[object, ...]:
    change = plain_amount(Money(line.change_minor, line.currency))
    about = (line.explanation, line.subject, str(line.job_id or ""))
    return (line.at.isoformat(), line.kind, *about, change, line.change_minor, line.currency)


class InvoicesView(ApiView):
    """A client's invoices."""

    @operation("List invoices", answer=InvoiceOut, paged=True, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """Every invoice of the client, the newest first."""
        client = find_client(client_id, permit=self.permit)
        return self.page(Invoice.objects.filter(client=client), InvoiceOut, order_by=("-number",))

    @operation(
        "Issue an invoice",
        body=InvoiceIn,
        answer=InvoiceOut,
        status=201,
        already=200,
        creates=True,
        errors=[NotFound, Invalid, MonthNotClosed, NothingToInvoice],
    )
    def post(self, request: Request, client_id: UUID) -> Response:
        """Issues the invoice of a closed month now, not some hours after its end. One that is there is shown."""
        client = find_client(client_id, permit=self.permit)
        asked = self.read_body()
        month = read_month(asked["month"])
        invoice, is_new = issue_invoice(client=client, month=month, currency=asked["currency"], by=self.actor)
        return self.answer(InvoiceOut(invoice), status=201 if is_new else 200)


class InvoiceView(ApiView):
    """One invoice."""

    @operation("Show an invoice", answer=InvoiceOut, errors=[NotFound])
    def get(self, request: Request, client_id: UUID, invoice_id: UUID) -> Response:
        """As it was issued."""
        client = find_client(client_id, permit=self.permit)
        return self.answer(InvoiceOut(_find(client, invoice_id)))


class InvoiceFileView(ApiView):
    """One invoice, to be printed."""

    @operation(
        "Download an invoice",
        answer=OpenApiResponse(OpenApiTypes.BINARY, description="PDF."),
        media_type="application/pdf",
        errors=[NotFound],
    )
    def get(self, request: Request, client_id: UUID, invoice_id: UUID) -> HttpResponse:
        """The same as a PDF, with amounts as the locale in `Accept-Language` writes them."""
        client = find_client(client_id, permit=self.permit)
        return pdf_file(_find(client, invoice_id), accept_language=request.headers.get("Accept-Language", ""))


def pdf_file(invoice: Invoice, *, accept_language: str) -> HttpResponse:
    """An answer that is an invoice's PDF."""
    # What sets type is loaded by what prints, not by every process that serves.
    written: bytes = import_module("marketplace.invoice_pdf").pdf_of(invoice, locale=locale_of(accept_language))
    answer = HttpResponse(written, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{invoice.shown_number}.pdf"'
    return answer


def _find(client: Client, invoice_id: UUID) -> Invoice:
    return Invoice.objects.get(pk=invoice_id, client=client)

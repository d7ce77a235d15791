"""One's own earnings over HTTP, for workers: what waits, what is there, what has gone, and every change with why."""

from collections.abc import Iterator
from dataclasses import replace

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import LedgerAccount, Posting
from billing.queries.statements import lines_of, month_of_account
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out
from kernel.csv_lines import csv_lines, plain_amount
from kernel.errors import Invalid
from kernel.money import LARGEST_MINOR, Money
from kernel.months import Month, read_month
from marketplace.api.client_money import JOB_ID
from marketplace.queries.earnings import LINES_IN_ORDER, EarningsLine, earnings_of, earnings_statement, told_to_worker
from workforce.api.base import WorkersOwnView

TOLD_AT_ONCE = 500


class PurseOut(Out):
    """One's money in one currency, in minor units."""

    currency = fields.CurrencyField()
    pending_minor = fields.MoneyMinorField(help_text="Rewards of answers that wait to be accepted.")
    pending_answers = fields.IntegerField(help_text="How many: `GET /api/v1/assignments/?state=submitted`.")
    held_minor = fields.MoneyMinorField(help_text="Rewards of rejected answers that are kept, should it be reversed.")
    held_answers = fields.IntegerField(help_text="How many of `GET /api/v1/assignments/?state=rejected`.")
    available_minor = fields.MoneyMinorField(help_text="What can be paid out.")
    in_flight_minor = fields.MoneyMinorField(help_text="What is on its way.")
    paid_out_minor = fields.MoneyMinorField(help_text="What has been paid out so far.")


class EarningsOut(Out):
    """One's earnings, by currency."""

    EXAMPLE = {
        "balances": [
            {
                "currency": "USD",
                "pending_minor": 48,
                "pending_answers": 12,
                "held_minor": 4,
                "held_answers": 1,
                "available_minor": 1250,
                "in_flight_minor": 0,
                "paid_out_minor": 48300,
            }
        ],
    }
    balances = PurseOut(many=True)


class EarningsLineOut(Out):
    """One change of one's earnings."""

    EXAMPLE = {
        "id": "0c8f7f5e-6f0b-4d0c-8a53-1f4b7a4c2d90",
        "at": "2026-05-17T12:00:00Z",
        "kind": "work_paid",
        "explanation": "Your answer in “Handwritten digits” was accepted.",
        "subject": "assignment:5d0f7e0a-4f39-4a63-8f0f-0c1d2a3b4c5d",
        "job": JOB_ID,
        "job_title": "Handwritten digits",
        "change_minor": 4,
        "currency": "USD",
    }
    id = fields.UUIDField()
    at = fields.DateTimeField()
    kind = fields.ChoiceField(choices=Posting.Kind.choices)
    explanation = fields.LineField(help_text="For people.")
    subject = fields.LineField(help_text="What it is about: an assignment, a payout.")
    job = fields.UUIDField(source="job_id", allow_null=True)
    job_title = fields.LineField(allow_null=True)
    change_minor = fields.MoneyMinorField(min_value=-LARGEST_MINOR, help_text="Negative for what went out.")
    currency = fields.CurrencyField()


class EarnedInMonthOut(Out):
    """A month of one's earnings in one currency; opening and lines add up to closing."""

    currency = fields.CurrencyField()
    opening_minor = fields.MoneyMinorField(help_text="What could be paid out when the month began.")
    added_minor = fields.MoneyMinorField()
    taken_minor = fields.MoneyMinorField()
    closing_minor = fields.MoneyMinorField(help_text="What could be paid out when it ended; now, while it lasts.")
    lines = EarningsLineOut(many=True, help_text="In the order of their instants.")


class EarningsStatementOut(Out):
    """A month of one's earnings."""

    EXAMPLE = {
        "month": "2026-05",
        "is_closed": True,
        "currencies": [
            {
                "currency": "USD",
                "opening_minor": 0,
                "added_minor": 4,
                "taken_minor": 0,
                "closing_minor": 4,
                "lines": [EarningsLineOut.EXAMPLE],
            }
        ],
    }
    month = fields.LineField()
    is_closed = fields.BooleanField(help_text="Whether it is over, so that nothing is added to it any more.")
    currencies = EarnedInMonthOut(many=True)


class EarningsView(WorkersOwnView):
    """What one has earned."""

    @operation("Show one's own earnings", answer=EarningsOut)
    def get(self, request: Request) -> Response:
        """What waits to be accepted, what is held, what can be paid out, what is on its way and what has been paid."""
        return self.answer(EarningsOut({"balances": earnings_of(self.worker)}))


class EarningsLinesView(WorkersOwnView):
    """Why one's earnings changed."""

    @operation("List changes of one's own earnings", answer=EarningsLineOut, paged=True)
    def get(self, request: Request) -> Response:
        """Every change with what it was about, the newest first: pay for work, payouts, and payouts that came back."""
        # Numbers that count up would tell what was paid to others in between, and so which pay came with none.
        lines = earnings_statement(self.worker)
        return self.page(lines, EarningsLineOut, order_by=("-posting__at", "-posting_id"), seen_as=told_to_worker)


class EarningsStatementView(WorkersOwnView):
    """One month of one's earnings."""

    @operation("Show one's own statement of a month", answer=EarningsStatementOut, errors=[Invalid])
    def get(self, request: Request, month: str) -> Response:
        """What could be paid out when the month began, every change in it with why, and what could be at its end.

        A month is written as 2026-11 and lasts as it does in UTC.
        """
        asked = read_month(month)
        account = LedgerAccount.Kind.WORKER_EARNINGS
        months = month_of_account(self.worker.billing_owner, account, asked, order_by=LINES_IN_ORDER)
        shown = [replace(one, lines=told_to_worker(one.lines)) for one in months]
        return self.answer(
            EarningsStatementOut({"month": str(asked), "is_closed": asked.is_closed, "currencies": shown})
        )


class EarningsFileView(WorkersOwnView):
    """One month of one's earnings, as a file."""

    @operation(
        "Download one's own statement of a month",
        answer=OpenApiResponse(
            OpenApiTypes.BINARY,
            description="CSV with a header, one line for each change.",
            examples=[OpenApiExample("Header", value=",".join(["at", "kind", "explanation", "subject"]) + ",…\r\n")],
        ),
        media_type="text/csv",
        errors=[Invalid],
    )
    def get(self, request: Request, month: str) -> StreamingHttpResponse:
        """The lines of the month's statement. Amounts stand as decimal numbers and as minor units."""
        asked = read_month(month)
        return csv_file(self._lines(asked), name=f"earnings-{asked}.csv")

    def _lines(self, month: Month) -> Iterator[bytes]:
        entries = lines_of(earnings_statement(self.worker), month)
        ids = list(entries.order_by("posting__at", *LINES_IN_ORDER).values_list("pk", flat=True))
        rows = (
            _row(line)
            for start in range(0, len(ids), TOLD_AT_ONCE)
            for line in self._told(ids[start : start + TOLD_AT_ONCE])
        )
        yield from csv_lines(_HEADER, rows)

    def _told(self, ids: list[int]) -> list[EarningsLine]:
        entries = earnings_statement(self.worker).filter(pk__in=ids)
        return told_to_worker(list(entries.order_by("posting__at", *LINES_IN_ORDER)))


def csv_file(lines: Iterator[bytes], *, name: str) -> StreamingHttpResponse:
    """An answer that is a CSV file, made while it is read."""
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


_HEADER = ("at", "kind", "explanation", "subject", "job", "job_title", "change", "change_minor", "currency")


def _row(line: EarningsLine) -> tuple[object, ...]:
    change = plain_amount(Money(line.change_minor, line.currency))
    about = (line.explanation, line.subject, str(line.job_id or ""), line.job_title)
    return (line.at.isoformat(), line.kind, *about, change, line.change_minor, line.currency)

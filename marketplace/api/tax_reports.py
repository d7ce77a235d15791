"""Tax reports over HTTP, for finance alone: files that are made while they are read."""

from collections.abc import Callable, Iterator, Sequence

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Query
from kernel.api.views import ApiView
from kernel.csv_lines import csv_lines
from kernel.errors import Invalid, NotFound
from marketplace.api.earnings import csv_file
from marketplace.services.tax_reports import (
    EU_HEADER,
    US_HEADER,
    Row,
    ThresholdUnknown,
    YearNotOver,
    eu_dac7,
    us_1099_nec,
)

CSV = OpenApiResponse(OpenApiTypes.BINARY, description="CSV with a header, one line for each payee and currency.")


class ReportQuery(Query):
    """Of what kind."""

    draft = fields.QueryBooleanField(required=False, help_text="Sums alone, without identities; of this year, too.")


class ReportView(ApiView):
    """A report of a year."""

    def file(
        self, report: Callable[..., Iterator[Row]], header: Sequence[str], year: int, *, name: str
    ) -> StreamingHttpResponse:
        """The report as an answer."""
        rows = report(year=year, by=self.user, draft=self.read_query().get("draft", False))
        return csv_file(csv_lines(header, rows), name=f"{name}-{year}.csv")


class Form1099View(ReportView):
    """What the United States ask for."""

    @operation(
        "Download the 1099-NEC report",
        query=ReportQuery,
        answer=CSV,
        media_type="text/csv",
        errors=[NotFound, Invalid, YearNotOver, ThresholdUnknown],
    )
    def get(self, request: Request, year: int) -> StreamingHttpResponse:
        """Each payee in the United States at or above the year's threshold: name, address, tax id, compensation.

        Each identity is read for this purpose, with an audit event. What was paid in other currencies than USD stands
        in lines of its own, to be converted. `missing` says why there is no identity to read.
        """
        return self.file(us_1099_nec, US_HEADER, year, name="1099-nec")


class Dac7View(ReportView):
    """What the European Union asks for."""

    @operation(
        "Download the DAC7 report",
        query=ReportQuery,
        answer=CSV,
        media_type="text/csv",
        errors=[NotFound, Invalid, YearNotOver],
    )
    def get(self, request: Request, year: int) -> StreamingHttpResponse:
        """Each payee in the European Union: who they are, and by quarter consideration, activities and fees.

        Each identity is read for this purpose, with an audit event. `missing` says why there is none to read.
        """
        return self.file(eu_dac7, EU_HEADER, year, name="dac7")

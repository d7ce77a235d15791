"""Floors on hourly pay over HTTP: read by everybody, set by admins for finance."""

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.views import ApiView
from marketplace.models import PayFloor
from marketplace.services.pay_floors import LARGEST_HOURLY_MINOR, FloorTaken, set_pay_floor


class PayFloorIn(In):
    """What an hour is to be worth at least."""

    EXAMPLE = {"country": "DE", "currency": "EUR", "hourly_minor": 1282}
    country = fields.LineField(
        max_length=2,
        required=False,
        help_text="ISO 3166-1 alpha-2; every country without a floor of its own, unless given.",
    )
    currency = fields.CurrencyField()
    hourly_minor = fields.IntegerField(min_value=0, max_value=LARGEST_HOURLY_MINOR, help_text="0 ends a floor.")
    valid_from = fields.DateTimeField(required=False, help_text="Now, unless given; never earlier.")


class PayFloorOut(Out):
    """What an hour is worth at least, from a moment on until the next floor for the same country and currency."""

    EXAMPLE = {
        "id": "3b0e9d52-7a3e-4c08-9a5d-2f6b1c0d8e41",
        "country": "DE",
        "currency": "EUR",
        "hourly_minor": 1282,
        "valid_from": "2026-05-17T12:00:00Z",
    }
    id = fields.UUIDField()
    country = fields.LineField(help_text="Empty: every country without a floor of its own.")
    currency = fields.CurrencyField()
    hourly_minor = fields.MoneyMinorField()
    valid_from = fields.DateTimeField()


class PayFloorsView(ApiView):
    """Floors on hourly pay."""

    @operation("List pay floors", answer=PayFloorOut, paged=True)
    def get(self, request: Request) -> Response:
        """Every floor that was ever set, the latest first: those to come, those in force, and those that were."""
        return self.page(self.permit.among(PayFloor.objects.all()), PayFloorOut, order_by=("-valid_from", "-id"))

    @operation("Set a pay floor", body=PayFloorIn, answer=PayFloorOut, status=201, creates=True, errors=[FloorTaken])
    def post(self, request: Request) -> Response:
        """Says what an hour of work is worth at least. Jobs are launched above it, and running jobs are held to it."""
        asked = self.read_body()
        floor = set_pay_floor(**{"country": "", **asked}, by=self.user)
        return self.answer(PayFloorOut(floor), status=201)

"""The fees of a client: what it is told of them, and what an admin for finance agrees with it."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.views import ApiView
from kernel.errors import Invalid, NotFound
from marketplace.access import find_client
from marketplace.models import FeeSchedule
from marketplace.services.fee_schedules import MOST_TIERS, set_fee_schedule
from marketplace.services.fees import USUAL_BASIS_POINTS, spent_minor, terms_for


class FeeTierIn(In):
    """A share, and the spending from which it holds."""

    from_spent_minor = fields.MoneyMinorField(min_value=0, help_text="Accepted rewards so far; the first tier is 0.")
    basis_points = fields.IntegerField(min_value=0, max_value=10_000)


class FeesIn(In):
    """Other fees for a client, for what it launches from now on."""

    EXAMPLE = {
        "currency": "USD",
        "minimum_minor": 1,
        "tiers": [{"from_spent_minor": 0, "basis_points": 2000}, {"from_spent_minor": 1000000, "basis_points": 1500}],
        "why": "Agreed for the year.",
    }
    currency = fields.CurrencyField()
    minimum_minor = fields.MoneyMinorField(
        min_value=0,
        max_value=1_000_000,
        required=False,
        default=0,
        help_text="The least fee for one accepted answer.",
    )
    tiers = FeeTierIn(many=True, help_text=f"Up to {MOST_TIERS}.")
    why = fields.TextField(max_length=2_000)


class FeeTierOut(Out):
    """A share, and the spending from which it holds."""

    from_spent_minor = fields.MoneyMinorField()
    basis_points = fields.IntegerField()


class FeesOut(Out):
    """What is taken of each accepted answer, on top of its reward, in one currency."""

    EXAMPLE = {
        **{name: FeesIn.EXAMPLE[name] for name in ("currency", "minimum_minor", "tiers")},
        "spent_minor": 250000,
        "basis_points": 2000,
        "set_at": "2026-05-17T12:00:00Z",
    }
    currency = fields.CurrencyField()
    minimum_minor = fields.MoneyMinorField(help_text="The least for one accepted answer.")
    tiers = FeeTierOut(many=True)
    spent_minor = fields.MoneyMinorField(help_text="Rewards of the client's accepted answers so far.")
    basis_points = fields.IntegerField(help_text="The share that a launch would fix for its job now.")
    set_at = fields.DateTimeField()


class ClientFeesOut(Out):
    """The fees of a client."""

    EXAMPLE = {"usual_basis_points": USUAL_BASIS_POINTS, "schedules": [FeesOut.EXAMPLE]}
    usual_basis_points = fields.IntegerField(help_text="The share in every currency without a schedule.")
    schedules = FeesOut(many=True, help_text="What was agreed, by currency.")


class FeesView(ApiView):
    """The fees of a client."""

    @operation("Show a client's fees", answer=ClientFeesOut, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """What a launch would fix now. Each job shows the fees that it is on."""
        client = find_client(client_id, permit=self.permit)
        rows = FeeSchedule.objects.filter(client=client).prefetch_related("tiers").order_by("id")
        in_force = {row.currency: row for row in rows}
        schedules = [_shown(in_force[currency]) for currency in sorted(in_force)]
        return self.answer(ClientFeesOut({"usual_basis_points": USUAL_BASIS_POINTS, "schedules": schedules}))

    @operation("Set a client's fees", body=FeesIn, answer=FeesOut, status=201, creates=True, errors=[NotFound])
    def post(self, request: Request, client_id: UUID) -> Response:
        """For what the client launches from now on; jobs that were launched stay on their fees. For admins."""
        asked = self.read_body()
        client = find_client(client_id, permit=self.permit)
        schedule = set_fee_schedule(
            client_id=client.pk,
            currency=asked["currency"],
            tiers=_tiers(asked["tiers"]),
            minimum_minor=asked["minimum_minor"],
            why=asked["why"],
            by=self.user,
        )
        return self.answer(FeesOut(_shown(schedule)), status=201)


def _tiers(asked: list[dict[str, Any]]) -> dict[int, int]:
    tiers = {tier["from_spent_minor"]: tier["basis_points"] for tier in asked}
    if len(tiers) < len(asked):
        message = "Two tiers begin at the same spending."
        raise Invalid(message, [{"field": "tiers", "message": message}])
    return tiers


def _shown(schedule: FeeSchedule) -> dict[str, Any]:
    return {
        "currency": schedule.currency,
        "minimum_minor": schedule.minimum_minor,
        "tiers": sorted(schedule.tiers.all(), key=lambda tier: tier.from_spent_minor),
        "spent_minor": spent_minor(schedule.client_id, schedule.currency),
        "basis_points": terms_for(schedule.client_id, schedule.currency).basis_points,
        "set_at": schedule.set_at,
    }

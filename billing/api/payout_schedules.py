"""How often one is paid out without asking, over HTTP."""

from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.payees import PayeeView
from billing.models import PayoutSchedule
from billing.services.payout_schedules import set_schedule
from billing.services.payouts import MINIMUM_MINOR
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out

EXAMPLE = {"every": "week", "minimum_minor": 2000}


class PayoutScheduleIn(In):
    """How often one wants to be paid out."""

    EXAMPLE = EXAMPLE
    every = fields.ChoiceField(choices=PayoutSchedule.Every.choices)
    minimum_minor = fields.MoneyMinorField(
        min_value=MINIMUM_MINOR, default=MINIMUM_MINOR, help_text="Less than this waits for the next time."
    )


class PayoutScheduleOut(Out):
    """How often one is paid out."""

    EXAMPLE = EXAMPLE
    every = fields.ChoiceField(choices=PayoutSchedule.Every.choices)
    minimum_minor = fields.MoneyMinorField()


class PayoutScheduleView(PayeeView):
    """One's own payout schedule."""

    @operation("Show one's own payout schedule", answer=PayoutScheduleOut)
    def get(self, request: Request) -> Response:
        """How often one is paid out without asking: never, until one says otherwise."""
        none = PayoutSchedule(every=PayoutSchedule.Every.NEVER, minimum_minor=MINIMUM_MINOR)
        return self.answer(PayoutScheduleOut(PayoutSchedule.objects.filter(owner=self.payee.owner).first() or none))

    @operation("Set one's own payout schedule", body=PayoutScheduleIn, answer=PayoutScheduleOut)
    def put(self, request: Request) -> Response:
        """All that is there goes out once a day or week, if it is worth it; on demand one may ask at any time."""
        asked = self.read_body()
        every = PayoutSchedule.Every(asked["every"])
        schedule = set_schedule(
            owner=self.payee.owner, every=every, minimum_minor=asked["minimum_minor"], by=self.actor
        )
        return self.answer(PayoutScheduleOut(schedule))

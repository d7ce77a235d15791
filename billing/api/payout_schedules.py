"""How often one is paid out without asking, over HTTP."""

from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.payees import PayeeView
from billing.models import PayoutSchedule
from billing.services.payout_schedules import next_payout_on, set_schedule
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

    EXAMPLE = {**EXAMPLE, "next_on": "2026-05-18"}
    every = fields.ChoiceField(choices=PayoutSchedule.Every.choices)
    minimum_minor = fields.MoneyMinorField()
    next_on = fields.DateField(
        allow_null=True, help_text="On which day (UTC) it goes out next, if it is worth it and one's account is ready."
    )


class PayoutScheduleView(PayeeView):
    """One's own payout schedule."""

    @operation("Show one's own payout schedule", answer=PayoutScheduleOut)
    def get(self, request: Request) -> Response:
        """How often one is paid out without asking: never, until one says otherwise."""
        none = PayoutSchedule(every=PayoutSchedule.Every.NEVER, minimum_minor=MINIMUM_MINOR)
        return self._show(PayoutSchedule.objects.filter(owner=self.payee.owner).first() or none)

    @operation("Set one's own payout schedule", body=PayoutScheduleIn, answer=PayoutScheduleOut)
    def put(self, request: Request) -> Response:
        """All that is there goes out once a day, or each Monday, if it is worth it; one may still ask at any time.

        By the day it begins today; by the week on the Monday after, and anew whenever it is set.
        """
        asked = self.read_body()
        every = PayoutSchedule.Every(asked["every"])
        schedule = set_schedule(
            owner=self.payee.owner, every=every, minimum_minor=asked["minimum_minor"], by=self.actor
        )
        return self._show(schedule)

    def _show(self, schedule: PayoutSchedule) -> Response:
        shown = {"every": schedule.every, "minimum_minor": schedule.minimum_minor, "next_on": next_payout_on(schedule)}
        return self.answer(PayoutScheduleOut(shown))

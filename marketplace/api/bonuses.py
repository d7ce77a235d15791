"""Bonuses over HTTP."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from billing.services.ledger import InsufficientFunds
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.flow import WrongState
from marketplace.access import find_answer
from marketplace.models import Bonus
from marketplace.services.bonuses import LARGEST_MINOR, MOST_REWARDS, BonusToOneself, give_bonus


class BonusIn(In):
    """How much, and what for."""

    EXAMPLE = {"amount_minor": 50, "reason": "You found what everybody else had overlooked."}
    amount_minor = fields.MoneyMinorField(
        min_value=1, max_value=LARGEST_MINOR, help_text=f"At most {MOST_REWARDS} times the reward of the answer."
    )
    reason = fields.TextField(max_length=500, help_text="The worker is shown it.")


class BonusOut(Out):
    """A bonus that was given."""

    EXAMPLE = {
        "id": "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9",
        "assignment": "3f2e1d0c-9b8a-4776-8543-210fedcba987",
        "amount_minor": 50,
        "fee_minor": 10,
        "currency": "USD",
        "reason": BonusIn.EXAMPLE["reason"],
        "given_at": "2026-05-17T12:00:00Z",
    }
    id = fields.UUIDField()
    assignment = fields.UUIDField(source="assignment_id")
    amount_minor = fields.MoneyMinorField(help_text="What the worker got.")
    fee_minor = fields.MoneyMinorField(help_text="The platform's fee, on top.")
    currency = fields.CurrencyField()
    reason = fields.TextField()
    given_at = fields.DateTimeField()


class BonusesView(ApiView):
    """Bonuses for an answer."""

    @operation("List bonuses for an answer", answer=BonusOut, paged=True, errors=[NotFound])
    def get(self, request: Request, assignment_id: UUID) -> Response:
        """Those that were given for the answer, the latest first."""
        turn = find_answer(assignment_id, permit=self.permit)
        return self.page(Bonus.objects.filter(assignment=turn), BonusOut, order_by=("-given_at", "-id"))

    @operation(
        "Give a bonus",
        body=BonusIn,
        answer=BonusOut,
        status=201,
        creates=True,
        errors=[NotFound, WrongState, BonusToOneself, InsufficientFunds],
    )
    def post(self, request: Request, assignment_id: UUID) -> Response:
        """Pays the worker of an answer more, whether it was accepted or not, from what the client may spend.

        The fee comes on top, at the share that the job is on. The worker sees the reason with their earnings.
        """
        asked = self.read_body()
        find_answer(assignment_id, permit=self.permit)
        bonus = give_bonus(
            assignment_id=assignment_id, amount_minor=asked["amount_minor"], reason=asked["reason"], by=self.user
        )
        return self.answer(BonusOut(bonus), status=201)

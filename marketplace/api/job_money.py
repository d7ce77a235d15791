"""What changes a job's money while it runs: other prices, more answers, more set aside, a launch that waits."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from billing.services.ledger import InsufficientFunds
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In
from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from marketplace.api.job_shapes import JobDetailOut, PriceIn
from marketplace.api.job_steps import REFUSALS, NothingIn, StepView
from marketplace.api.jobs import asked_price
from marketplace.services.awaiting_funds import recall_job
from marketplace.services.overlaps import raise_overlap
from marketplace.services.pay_floors import PayBelowFloor, TimeUnknown
from marketplace.services.posting import MOST_ANSWERS
from marketplace.services.pricing import LARGEST_REWARD_MINOR
from marketplace.services.repricing import reprice_job, set_more_aside


class RepriceIn(In):
    """What is paid from now on; prices that are not given are gone."""

    EXAMPLE = {"reward_minor": 5, "prices": [{"band": "hard", "min_lower_bound": 0.9, "reward_minor": 8}]}
    reward_minor = fields.MoneyMinorField(min_value=1, max_value=LARGEST_REWARD_MINOR)
    prices = PriceIn(many=True, required=False)


class RepriceView(StepView):
    """Other prices for a job."""

    @operation(
        "Reprice a job",
        body=RepriceIn,
        answer=JobDetailOut,
        creates=True,
        errors=[NotFound, WrongState, InsufficientFunds, PayBelowFloor, TimeUnknown],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Changes what later claims are paid; what is claimed already keeps its price.

        While the job runs, what it may now cost beyond what it holds is set aside at once, or nothing changes. Cheaper
        prices give nothing back before the job ends, and are held to the floor on hourly pay. The terms of the fee stay
        those of the launch.
        """
        asked = self.read_body()
        prices = tuple(asked_price(price) for price in asked.get("prices", []))
        return self.take(reprice_job, job_id, reward_minor=asked["reward_minor"], prices=prices)


class OverlapIn(In):
    """How often each task may be answered from now on."""

    EXAMPLE = {"overlap_max": 5}
    overlap_max = fields.IntegerField(min_value=1, max_value=MOST_ANSWERS, help_text="As many as now, or more.")


class OverlapView(StepView):
    """How often the tasks of a job may be answered."""

    @operation(
        "Raise the overlap of a job",
        body=OverlapIn,
        answer=JobDetailOut,
        creates=True,
        errors=[NotFound, WrongState, Invalid, InsufficientFunds],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Lets tasks on which workers do not agree be answered more often; it cannot be lowered again.

        While the job runs, what it may now cost beyond what it holds is set aside at once, or nothing changes. Tasks
        that wait for an admin already stay there.
        """
        return self.take(raise_overlap, job_id, overlap_max=self.read_body()["overlap_max"])


class SetAsideIn(In):
    """How much more."""

    EXAMPLE = {"amount_minor": 5000}
    amount_minor = fields.MoneyMinorField(min_value=1, max_value=100_000_000_000, help_text="In the job's currency.")


class JobEscrowView(StepView):
    """What a job holds."""

    @operation(
        "Set more aside for a job",
        body=SetAsideIn,
        answer=JobDetailOut,
        creates=True,
        errors=[NotFound, WrongState, InsufficientFunds],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Moves so much of the client's funds to a running job, for dearer prices or more tasks to come.

        What it does not spend comes back when it ends.
        """
        return self.take(set_more_aside, job_id, amount_minor=self.read_body()["amount_minor"])


class RecallView(StepView):
    """A launch that is taken back."""

    @operation("Recall the launch of a job", body=NothingIn, answer=JobDetailOut, creates=True, errors=REFUSALS)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Makes a job that waits for funds a draft again."""
        self.read_body()
        return self.take(recall_job, job_id)

"""Following a dollar over HTTP: the whole way for finance, their own part of it for clients and workers."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.access import find_client
from marketplace.queries.tracing import followed_by_client, followed_by_finance, followed_by_worker
from workforce.api.base import WorkersOwnView

PAYOUT_ID = "3f2a1b0c-9d8e-4f7a-8b6c-5d4e3f2a1b0c"
OWN_HOP = {
    "at": "2026-05-17T12:00:00Z",
    "kind": "payout_requested",
    "sentence": "The amount of a payout was set aside from the worker's earnings.",
    "amount_minor": 1250,
    "of_minor": 1250,
    "currency": "USD",
    "told_by": "asked for",
    "subject": f"payout:{PAYOUT_ID}",
    "job": None,
    "job_title": "",
    "assignment": None,
    "stripe": {},
}
OWN_REST = {"sentence": "Still there: on its way to the worker.", "amount_minor": 1250, "is_there": True}


class OwnHopOut(Out):
    """One movement of the traced money over one's own accounts."""

    at = fields.DateTimeField()
    kind = fields.LineField(help_text="The posting's kind; `bank` for the last step, which is Stripe's.")
    sentence = fields.LineField(help_text="For people.")
    amount_minor = fields.MoneyMinorField(help_text="What of the traced money it moved.")
    of_minor = fields.MoneyMinorField(help_text="All that it moved.")
    currency = fields.CurrencyField()
    told_by = fields.LineField(
        help_text="How it is known that it was this money: `asked for`, `the same payment`, or `first in, first out`."
    )
    subject = fields.LineField(help_text="What it was about.")
    job = fields.UUIDField(source="job_id", allow_null=True)
    job_title = fields.LineField()
    assignment = fields.UUIDField(source="assignment_id", allow_null=True)
    stripe = fields.ObjectField(help_text="What it is called at Stripe, by kind of object.")


class HopOut(OwnHopOut):
    """One movement of the traced money, with what proves it."""

    from_account = fields.LineField(source="source")
    to_account = fields.LineField(source="target")
    posting = fields.LineField(help_text="The posting's key; none for Stripe's step.")
    audit_event = fields.UUIDField(allow_null=True)
    task = fields.UUIDField(source="task_id", allow_null=True)
    accepted_by = fields.LineField(help_text="Who accepted the answer that was paid: a person's id, or a rule's name.")
    accepted_because = fields.TextField()


class LeftOutOut(Out):
    """Hops of one kind that are not shown one by one."""

    kind = fields.LineField()
    hops = fields.IntegerField()
    amount_minor = fields.MoneyMinorField()


class OwnStillThereOut(Out):
    """Traced money that has not moved on."""

    sentence = fields.LineField(help_text="For people.")
    amount_minor = fields.MoneyMinorField()
    is_there = fields.BooleanField(help_text="False where it moved on in more steps than are followed.")


class StillThereOut(OwnStillThereOut):
    """Traced money that has not moved on, and in which account it is."""

    account = fields.LineField()


class OwnTraceOut(Out):
    """The way of one's own money, in order."""

    EXAMPLE = {
        "subject": f"payout:{PAYOUT_ID}",
        "currency": "USD",
        "amount_minor": 1250,
        "hops": [OWN_HOP],
        "left_out": [],
        "still_there": [OWN_REST],
    }
    subject = fields.LineField()
    currency = fields.CurrencyField()
    amount_minor = fields.MoneyMinorField(help_text="What is traced.")
    hops = OwnHopOut(many=True)
    left_out = LeftOutOut(many=True, help_text="Where there are more hops of a kind than are shown.")
    still_there = OwnStillThereOut(many=True)


class TraceOut(OwnTraceOut):
    """The way of money, from where it came in to where it is, in order."""

    EXAMPLE = {
        **OwnTraceOut.EXAMPLE,
        "hops": [
            {
                **OWN_HOP,
                "from_account": "worker_earnings of worker:9d2c…",
                "to_account": "payouts_in_flight of worker:9d2c…",
                "posting": f"payout:{PAYOUT_ID}:requested",
                "audit_event": "0192f7a4-0000-7000-8000-5d2f6e0c9b1a",
                "task": None,
                "accepted_by": "",
                "accepted_because": "",
            }
        ],
        "still_there": [{**OWN_REST, "account": "payouts_in_flight of worker:9d2c…"}],
    }
    hops = HopOut(many=True)
    still_there = StillThereOut(many=True)


class TraceView(ApiView):
    """The way of any money."""

    @operation("Follow money", answer=TraceOut, errors=[NotFound])
    def get(self, request: Request, subject: str) -> Response:
        """Each hop from a client's payment to a worker's bank, with posting, reason, audit event and ids at Stripe.

        What to follow is `funding:<id>`, `assignment:<id>`, `payout:<id>`, another subject, or the key of a posting;
        or what Stripe calls it: the id of a payment intent, Checkout session, transfer, refund or dispute.
        Money in an account is fungible: which of it moved on is told first in, first out, to the cent. What goes
        through a payout, a refund or a dispute is told by that.
        """
        return self.answer(TraceOut(followed_by_finance(subject)))


class ClientTraceView(ApiView):
    """The way of a client's money."""

    @operation("Follow a client's money", answer=OwnTraceOut, errors=[NotFound])
    def get(self, request: Request, client_id: UUID, subject: str) -> Response:
        """Each hop over the accounts of the client and its jobs, from a payment in to workers, fees or refunds."""
        client = find_client(client_id, permit=self.permit)
        return self.answer(OwnTraceOut(followed_by_client(client, subject)))


class EarningsTraceView(WorkersOwnView):
    """The way of a worker's money."""

    @operation("Follow one's own earnings", answer=OwnTraceOut, errors=[NotFound])
    def get(self, request: Request, subject: str) -> Response:
        """Each hop from accepted answers over one's earnings to one's bank: which answers a payout paid, and back."""
        return self.answer(OwnTraceOut(followed_by_worker(self.worker, subject)))

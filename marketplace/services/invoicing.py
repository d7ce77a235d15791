"""Invoices are issued once a month is closed: what the ledger says that a client was charged in it, to the cent."""

import contextlib
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from billing.queries.charges import Charge, ChargedFor, charges_of, owners_charged_in
from kernel import clock
from kernel.errors import Refused
from kernel.months import Month, month_of
from kernel.services.audit import Actor, record
from marketplace.models import Client, Invoice, Job

MONTHLY: Final = Actor.system("monthly_invoices")
LOOKS_BACK_MONTHS: Final = 3
NUMBERS: Final = 0x1A401CE
"""The advisory lock that stands for "there is one who gives out numbers": a row that is rolled back leaves no gap."""


class MonthNotClosed(Refused):
    """The month is not over yet, or so lately that something may still be written into it."""

    code = "month_not_closed"


class NothingToInvoice(Refused):
    """The client was charged nothing in that month and currency."""

    code = "nothing_to_invoice"


@dataclass(frozen=True, slots=True)
class Line:
    """What was charged for one thing in one job, how often, and how much in minor units."""

    job: str | None
    title: str
    charged_for: str
    times: int
    amount_minor: int


@transaction.atomic
def issue_invoice(*, client: Client, month: Month, currency: str, by: Actor) -> tuple[Invoice, bool]:
    """The invoice of a closed month, and whether it is issued now and was not there before.

    Raises MonthNotClosed or NothingToInvoice.
    """
    known = Invoice.objects.filter(client=client, month=str(month), currency=currency)
    if (invoice := known.first()) is not None:
        return invoice, False
    if not month.is_closed:
        raise MonthNotClosed(
            f"{month} is not closed yet. It is an hour after its end, at {month.ends_at:%Y-%m-%d} UTC."
        )
    charges = [charge for charge in charges_in(client, month) if charge.currency == currency]
    if not charges:
        raise NothingToInvoice(f"{client.name} was charged nothing in {currency} in {month}.")
    number = _next_number()
    if (invoice := known.first()) is not None:  # issued by somebody else while this waited for its number
        return invoice, False
    fees = sum(charge.amount_minor for charge in charges if charge.charged_for is ChargedFor.FEE)
    total = sum(charge.amount_minor for charge in charges)
    invoice = Invoice(
        number=number,
        client=client,
        client_name=client.name,
        client_country=client.country,
        month=str(month),
        currency=currency,
        lines=[asdict(line) for line in lines_of(client, charges)],
        pay_minor=total - fees,
        fees_minor=fees,
        total_minor=total,
    )
    told = {"number": number, "month": str(month), "currency": currency, "total_minor": total}
    record(action="invoice.issued", subject=invoice, by=by, details=told)
    invoice.save(force_insert=True)
    return invoice, True


def issue_invoices() -> int:
    """Issue what is missing of the closed months just past, for all clients. Returns how many."""
    month, issued = month_of(clock.now()).before, 0
    for _ in range(LOOKS_BACK_MONTHS):
        if month.is_closed:
            issued += _issue_all(month)
        month = month.before
    return issued


def charges_in(client: Client, month: Month) -> list[Charge]:
    """What a client and its jobs were charged in a month."""
    jobs = client.jobs.values_list("pk", flat=True)
    return charges_of([client.billing_owner, *(f"job:{job_id}" for job_id in jobs)], month=month)


def lines_of(client: Client, charges: list[Charge]) -> list[Line]:
    """The charges as lines, job by job in the order of their titles, rewards first."""
    titles = {job.billing_owner: job for job in Job.objects.filter(client=client)}
    order = list(ChargedFor)
    lines = [
        (job.title if job else "", order.index(charge.charged_for), charge, job)
        for charge in charges
        for job in [titles.get(charge.owner)]
    ]
    lines.sort(key=lambda line: (line[0], line[2].owner, line[1]))
    return [
        Line(str(job.pk) if job else None, title, charge.charged_for.value, charge.times, charge.amount_minor)
        for title, _, charge, job in lines
    ]


def _issue_all(month: Month) -> int:
    missing, issued = _charged_in(month) - _invoiced_in(month), 0
    clients = Client.objects.in_bulk({client_id for client_id, _ in missing})
    for client_id, currency in sorted(missing):
        with contextlib.suppress(NothingToInvoice):  # all of it was undone
            issued += issue_invoice(client=clients[client_id], month=month, currency=currency, by=MONTHLY)[1]
    return issued


def _charged_in(month: Month) -> set[tuple[UUID, str]]:
    charged = [(*owner.split(":", 1), currency) for owner, currency in owners_charged_in(month)]
    job_ids = {UUID(name) for noun, name, _ in charged if noun == "job"}
    clients = dict(Job.objects.filter(pk__in=job_ids).values_list("pk", "client"))
    return {(clients[UUID(name)] if noun == "job" else UUID(name), currency) for noun, name, currency in charged}


def _invoiced_in(month: Month) -> set[tuple[UUID, str]]:
    return set(Invoice.objects.filter(month=str(month)).values_list("client", "currency"))


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS])
    last = Invoice.objects.order_by("-number").values_list("number", flat=True).first()
    return (last or 0) + 1

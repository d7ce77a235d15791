"""Pages about money, for the signed in: a worker's earnings, a client's money, finance's overview, a trace."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from babel.core import Locale
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from billing import queries
from billing.models import LedgerAccount, PayoutSchedule, Posting
from billing.queries.statements import MonthOfAccount, month_of_account
from billing.services.payout_schedules import next_payout_on
from kernel import clock
from kernel.console.permits import console_permit, principal_of
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.models import Session
from kernel.money_in_words import locale_of
from kernel.months import Month, month_of, read_month
from kernel.pages.forms import action_of_page, for_the_signed_in
from kernel.permit import admit
from kernel.policy import Kind
from marketplace.access import find_client
from marketplace.api.client_reports import pdf_file
from marketplace.models import Client, Invoice, Job
from marketplace.queries.earnings import LINES_IN_ORDER, earnings_of, told_to_worker
from marketplace.queries.exceptions import money_exceptions, payouts_in_flight
from marketplace.queries.money import escrow_of, explained, purses_of
from marketplace.queries.spending import jobs_of, spent_on
from marketplace.queries.tracing import FollowedMoney, followed_by_client, followed_by_finance, followed_by_worker
from workforce.models import Worker

MOST_ROWS: Final = 200
"""The most rows of a list that a page shows; the API shows all."""


@for_the_signed_in
def earnings_page(request: HttpRequest, session: Session) -> HttpResponse:
    """A worker's money, and a month of it line by line."""
    worker = _worker(request)
    locale, month = _locale(request, worker), _month(request)
    account = LedgerAccount.Kind.WORKER_EARNINGS
    months = month_of_account(worker.billing_owner, account, month, order_by=LINES_IN_ORDER)
    schedule = PayoutSchedule.objects.filter(owner=worker.billing_owner).first()
    shown = {
        "balances": earnings_of(worker),
        "schedule": schedule,
        "goes_out_on": next_payout_on(schedule) if schedule else None,
        "months": [_latest(one, told_to_worker) for one in months],
        **_around(month),
    }
    return _show(request, "money_earnings.html", shown, locale)


@for_the_signed_in
def client_money_page(request: HttpRequest, session: Session) -> HttpResponse:
    """A client's money: what it has, what jobs cost, its invoices, and a month of its funds."""
    client, locale, month = _client(request), _locale(request), _month(request)
    if client is None:
        permit = admit(principal_of(request), action_of_page(request))
        name = request.GET.get("name", "").replace("\x00", "")
        clients = permit.among(Client.objects.filter(name__icontains=name)).order_by("name", "pk")[:MOST_ROWS]
        return _show(request, "money_clients.html", {"clients": clients, "name": name}, locale)
    months = month_of_account(client.billing_owner, LedgerAccount.Kind.CLIENT_FUNDS, month)
    shown = {
        "client": client,
        "balances": purses_of(client),
        "escrow": escrow_of(client)[:MOST_ROWS],
        "waiting": client.jobs.filter(state=Job.State.AWAITING_FUNDS).order_by("awaits_since", "pk")[:MOST_ROWS],
        "jobs": spent_on(list(jobs_of(client).order_by("-created_at", "-pk")[:MOST_ROWS])),
        "invoices": Invoice.objects.filter(client=client).order_by("-number")[:MOST_ROWS],
        "months": [_latest(one, explained) for one in months],
        **_around(month),
    }
    return _show(request, "money_client.html", shown, locale)


@for_the_signed_in
def invoice_page(request: HttpRequest, session: Session) -> HttpResponse:
    """An invoice as a PDF."""
    client, invoice_id = _client(request), _id(request, "invoice")
    invoice = Invoice.objects.filter(pk=invoice_id, client=client).first() if client and invoice_id else None
    if invoice is None:
        raise Http404
    return pdf_file(invoice, accept_language=request.headers.get("Accept-Language", ""))


@for_the_signed_in
def money_page(request: HttpRequest, session: Session) -> HttpResponse:
    """Finance's overview: the books, what did not go as it should, and what is on its way."""
    in_flight = payouts_in_flight().order_by("created_at", "pk")[:MOST_ROWS]
    shown = {
        "books": [queries.books(currency) for currency in queries.currencies()],
        "exceptions": money_exceptions(),
        "in_flight": [(payout, clock.now() - payout.created_at) for payout in in_flight],
        "now": clock.now(),
    }
    return _show(request, "money_overview.html", shown, _locale(request))


@for_the_signed_in
def trace_page(request: HttpRequest, session: Session) -> HttpResponse:
    """The way of money, hop by hop, as far as the reader may follow it."""
    subject, locale = request.GET.get("subject", "").strip(), _locale(request)
    followed, refused = None, ""
    if subject:
        try:
            followed = _followed(request, subject)
        except NotFound as nothing:
            refused = nothing.message
    kinds = {kind.value: kind.label for kind in Posting.Kind}
    hops = [(hop, kinds.get(hop.kind, hop.kind)) for hop in followed.hops] if followed else []
    shown = {
        "subject": subject,
        "followed": followed,
        "hops": hops,
        "refused": refused,
        "for_finance": _is_finance(request),
        "client_id": _id(request, "client"),
    }
    return _show(request, "money_trace.html", shown, locale)


def _followed(request: HttpRequest, subject: str) -> FollowedMoney:
    if _is_finance(request):
        return followed_by_finance(subject)
    client = _client(request)
    if client is not None:
        return followed_by_client(client, subject)
    worker = principal_of(request).held("worker")
    if not isinstance(worker, Worker):
        raise NotFound("movement of money")
    return followed_by_worker(worker, subject)


def _is_finance(request: HttpRequest) -> bool:
    permit = console_permit(request, "page.money_trace")
    return permit is not None and permit.holds(Kind.ADMIN)


def _worker(request: HttpRequest) -> Worker:
    worker = principal_of(request).held("worker")
    assert isinstance(worker, Worker), "The policy lets nobody in here who is no worker."
    return worker


def _client(request: HttpRequest) -> Client | None:
    """The client that the address names. Raises Http404 for what is another's."""
    if "client" not in request.GET:
        return None
    client_id = _id(request, "client")
    try:
        permit = admit(principal_of(request), action_of_page(request))
        return find_client(client_id or UUID(int=0), permit=permit)
    except (NotFound, NotAllowed):
        raise Http404 from None


def _id(request: HttpRequest, name: str) -> UUID | None:
    try:
        return UUID(request.GET.get(name, ""))
    except ValueError:
        return None


def _month(request: HttpRequest) -> Month:
    """The month that the address names, else the present one. Raises Http404 for what is none."""
    try:
        return read_month(request.GET["month"]) if "month" in request.GET else month_of(clock.now())
    except Invalid:
        raise Http404 from None


def _around(month: Month) -> Mapping[str, Any]:
    """A month, and those beside it where there are any."""
    after = month.next if month.next.has_begun else None
    return {"month": month, "month_before": month.before, "month_after": after}


def _latest(one: MonthOfAccount, told: Any) -> MonthOfAccount:
    """The month with its last lines, told."""
    return replace(one, lines=told(one.lines[-MOST_ROWS:][::-1]))


def _locale(request: HttpRequest, worker: Worker | None = None) -> Locale:
    return locale_of(request.headers.get("Accept-Language", ""), spoken=worker.languages if worker else ())


def _show(request: HttpRequest, template: str, shown: Mapping[str, Any], locale: Locale) -> HttpResponse:
    return render(request, f"marketplace/{template}", {**shown, "locale": locale, "most": MOST_ROWS})

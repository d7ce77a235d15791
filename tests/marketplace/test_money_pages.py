"""The pages about money: whose they are, in whose locale, and that what is another's is not there."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings

from billing.models import Funding, LedgerAccount, PayoutSchedule
from billing.services.payout_schedules import next_payout_on, set_schedule
from billing.services.payouts import request_payout
from kernel import clock
from kernel.models import User
from kernel.services.audit import Actor
from marketplace.models import Client, Invoice
from marketplace.services.invoicing import issue_invoice
from tests.billing.builders import a_ready_account, usd
from tests.chromium import CHROMIUM, Chromium, a_browser
from tests.kernel.people import PASSWORD, console_of, made_admin, token_of
from tests.marketplace.builders import a_client, owner_of
from tests.marketplace.test_api_client_reports import accepted_last_month
from tests.marketplace.test_api_tracing import a_paid_answer
from tests.qualification.builders import a_user
from workforce.models import Worker

pytestmark = pytest.mark.django_db


def a_world_of_money() -> tuple[Client, Worker, str]:
    """A client with an invoice, a worker whom it paid, and what the payout that is on its way is called."""
    client = a_client(funds_minor=1_234_567)
    client.name = "Museum <b>& Söhne"
    client.save(update_fields=["name"])
    month = accepted_last_month(client)
    issue_invoice(client=client, month=month, currency="USD", by=Actor.system("test"))
    _, worker, _ = a_paid_answer(client)
    a_ready_account(worker.billing_owner)
    payout = request_payout(owner=worker.billing_owner, amount=usd(200), by=Actor.user(worker.user))
    return client, worker, payout.reference


def page_of(user: User, address: str, **query: str) -> tuple[int, str]:
    answer = console_of(user).get(address, query, headers={"Accept-Language": "de-DE,de;q=0.9"})
    return answer.status_code, answer.content.decode(errors="replace").replace("\xa0", " ")


def test_a_worker_reads_their_earnings_in_their_own_locale() -> None:
    _, worker, payout = a_world_of_money()
    assert "goes out by itself" not in page_of(worker.user, "/money/earnings/")[1]
    week = PayoutSchedule.Every.WEEK
    schedule = set_schedule(owner=worker.billing_owner, every=week, minimum_minor=100, by=Actor.user(worker.user))

    status, text = page_of(worker.user, "/money/earnings/")

    assert status == 200
    assert f'goes out by itself every week, on Monday: next on <time datetime="{next_payout_on(schedule)}">' in text
    for said in ("1,00 $", "-2,00 $", "Your answer in “Animals” was accepted.", f"?subject={quote(payout)}"):
        assert said in text, said
    assert page_of(worker.user, "/money/trace/", subject=payout)[0] == 200
    assert page_of(worker.user, "/money/earnings/", month="2026-13")[0] == 404
    assert page_of(worker.user, "/money/")[0] == 403
    assert page_of(a_user(), "/money/earnings/")[0] == 403


def test_who_is_not_signed_in_is_led_to_where_one_signs_in() -> None:
    browser = console_of(a_user())
    browser.cookies.clear()

    answer: Any = browser.get("/money/earnings/")

    assert (answer.status_code, answer["Location"]) == (302, "/account/sign-in/?next=%2Fmoney%2Fearnings%2F")


def test_a_client_reads_what_jobs_cost_and_takes_its_invoices() -> None:
    client, worker, _ = a_world_of_money()
    owner, invoice = owner_of(client), Invoice.objects.get()

    status, text = page_of(owner, "/money/client/", client=str(client.pk))

    assert status == 200
    for said in ("Museum &lt;b&gt;&amp; Söhne", "12.334,87 $", "3,60 $", "INV-000001", "7,20 $"):
        assert said in text, said
    assert str(worker.pk) not in text
    assert str(client.pk) in page_of(owner, "/money/client/")[1]
    file = page_of(owner, "/money/invoice/", client=str(client.pk), invoice=str(invoice.pk))
    assert (file[0], file[1][:5]) == (200, "%PDF-")
    followed = page_of(owner, "/money/trace/", client=str(client.pk), subject=Funding.objects.get().reference)
    assert (followed[0], "12.345,67 $" in followed[1], str(worker.pk) in followed[1]) == (200, True, False)


def test_finance_sees_books_what_is_on_its_way_and_follows_it() -> None:
    client, worker, payout = a_world_of_money()
    finance = made_admin(a_user(), "finance")

    status, text = page_of(finance, "/money/")
    followed = page_of(finance, "/money/trace/", subject=payout)

    assert status == 200
    assert ("every cent of it is here" in text, payout in text) == (True, True)
    assert followed[0] == 200
    for said in ("paid on Stripe", f"worker_earnings of {worker.billing_owner}", "first in, first out", "audit event"):
        assert said in followed[1], said
    assert "There is no such movement of money." in page_of(finance, "/money/trace/", subject="payout:\x00")[1]
    assert page_of(finance, "/money/client/", client=str(client.pk))[0] == 200
    assert page_of(made_admin(a_user(), "certification"), "/money/")[0] == 403


def test_finance_finds_a_client_among_more_than_a_page_shows() -> None:
    Client.objects.bulk_create(Client(name=f"Archive {number}", country="DE") for number in range(200))
    wanted, finance = Client.objects.create(name="Zoo 100%", country="DE"), made_admin(a_user(), "finance")

    first = page_of(finance, "/money/client/")[1]
    found = page_of(finance, "/money/client/", name="zoo 100%\x00")[1]

    assert (str(wanted.pk) in first, "The first 200 by name are shown." in first) == (False, True)
    assert (str(wanted.pk) in found, "Archive" in found) == (True, False)
    assert "No client of yours has that in its name." in page_of(finance, "/money/client/", name="zoo 1_0")[1]


def test_what_is_anothers_is_not_there() -> None:
    client, _, payout = a_world_of_money()
    invoice, stranger = Invoice.objects.get(), owner_of(a_client())

    for address, query in (
        ("/money/client/", {"client": str(client.pk)}),
        ("/money/client/", {"client": "nobody"}),
        ("/money/invoice/", {"client": str(client.pk), "invoice": str(invoice.pk)}),
        ("/money/invoice/", {"invoice": str(invoice.pk)}),
        ("/money/trace/", {"client": str(client.pk), "subject": payout}),
    ):
        assert page_of(stranger, address, **query)[0] == 404, address
    assert "There is no such movement of money." in page_of(stranger, "/money/trace/", subject=payout)[1]
    assert LedgerAccount.objects.exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on the path")
def test_in_a_browser_money_is_shown_without_a_fault(live_server: Any, settings: Any, tmp_path: Path) -> None:
    settings.BASE_URL = live_server.url
    client, worker, payout = a_world_of_money()
    for user in (owner_of(client), worker.user):
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    with a_browser() as browser:
        _signs_in(browser, live_server.url, worker.user)
        _looks_at(browser, f"{live_server.url}/money/earnings/", "Can be paid out", tmp_path / "earnings.png")
        _looks_at(browser, f"{live_server.url}/money/trace/?subject={payout}", "asked for", tmp_path / "trace.png")
        browser.forget_cookies()
        _signs_in(browser, live_server.url, owner_of(client))
        at = f"{live_server.url}/money/client/?client={client.pk}"
        _looks_at(browser, at, "INV-000001", tmp_path / "client.png")
        browser.press("follow")
        browser.wait_until_it_says("The way of money")
        _comes_as(browser, live_server.url, made_admin(a_user(), "finance"))
        _looks_at(browser, f"{live_server.url}/money/", "every cent of it is here", tmp_path / "money.png")
        browser.press(payout.partition(":")[2])
        browser.wait_until_it_says("paid on Stripe's page")
        browser.photograph(tmp_path / "way.png")
        assert browser.faults == []
    with clock.ahead_by(timedelta(days=2)):
        finance = page_of(made_admin(a_user(), "finance"), "/money/")[1]
    assert "A payout is on its way for more than a day; it is requested." in finance


def _signs_in(browser: Chromium, here: str, user: User) -> None:
    browser.go(f"{here}/account/sign-in/?next=/money/trace/")
    browser.fill(email=user.email, password=PASSWORD)
    browser.press("Sign in")
    browser.wait_until_it_says("The way of money")


def _comes_as(browser: Chromium, here: str, user: User) -> None:
    """An admin, who has shown a second factor."""
    token = token_of(user, through="console")
    browser.ask("Network.setCookie", name=django_settings.SESSION_COOKIE_NAME, value=token, url=here)


def _looks_at(browser: Chromium, address: str, words: str, picture: Path) -> None:
    browser.go(address)
    browser.wait_until_it_says(words)
    browser.photograph(picture)
    assert picture.stat().st_size > 0

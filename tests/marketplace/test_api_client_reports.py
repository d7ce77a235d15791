"""What clients see of their money: what jobs cost, months that add up, invoices that never change; to the cent."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from billing.models import LedgerEntry
from kernel import clock
from kernel.models import AuditEvent
from kernel.money_in_words import locale_of
from kernel.months import Month, month_of
from kernel.services.audit import Actor
from marketplace.invoice_pdf import covered, pdf_of
from marketplace.models import Assignment, Client, Invoice, Job
from marketplace.services.bonuses import give_bonus
from marketplace.services.invoicing import issue_invoice, issue_invoices
from marketplace.services.review import accept_assignment, reject_assignment, reverse_rejection
from tests.marketplace.api_people import Person, an_admin, code_of
from tests.marketplace.builders import (
    a_client,
    a_member,
    a_submitted_answer,
    a_worker,
    an_open_job,
    available,
    owner_of,
)
from tests.qualification.builders import a_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]

LONG_ENOUGH = "This is a dog and not a cat."
NOW = Actor.system("test")


def answers_in(job: Job, *, times: int) -> list[Assignment]:
    worker = a_worker(job)
    return [a_submitted_answer(job, worker=worker) for _ in range(times)]


def a_job(client: Client, *, tasks: int, **asked: Any) -> Job:
    """A job at 300 cents an answer, and a fee of 60."""
    terms = {"overlap_min": 1, "overlap_max": 1, "reward_minor": 300, "accept_on_resolution": False}
    return an_open_job(client=client, tasks=tasks, **(terms | asked))


def accepted_last_month(client: Client, *, tasks: int = 2) -> Month:
    """Answers that the client accepted in the month before this one."""
    month = month_of(clock.now()).before
    with clock.ahead_by(month.begins_at + timedelta(days=3) - clock.now()):
        job = a_job(client, tasks=tasks)
        for answer in answers_in(job, times=tasks):
            accept_assignment(assignment_id=answer.pk, by=owner_of(client))
    return month


def test_each_job_is_told_by_what_it_cost_and_what_rejections_did() -> None:
    client = a_client()
    by = owner_of(client)
    job = a_job(client, tasks=5)
    accepted, held, back, gone, _ = answers_in(job, times=5)
    with clock.ahead_by(timedelta(days=-9)):
        Assignment.objects.filter(pk=gone.pk).update(review_due_at=clock.now() + timedelta(days=1))
        reject_assignment(assignment_id=gone.pk, reason="wrong", message=LONG_ENOUGH, by=by)
    accept_assignment(assignment_id=accepted.pk, by=by)
    for answer in (held, back):
        reject_assignment(assignment_id=answer.pk, reason="wrong", message=LONG_ENOUGH, by=by)
    reverse_rejection(assignment_id=back.pk, why="It was a cat after all.", by=by)
    give_bonus(assignment_id=back.pk, amount_minor=100, reason="You were right all along.", by=by)
    a_job(client, tasks=1)

    status, page = Person(by).get(f"clients/{client.pk}/spending/")

    assert (status, [row["spent_minor"] for row in page["results"]]) == (200, [0, 840])
    assert page["results"][1] == {
        "job": str(job.pk),
        "title": "Animals",
        "state": "open",
        "currency": "USD",
        "rewards_minor": 600,
        "fees_minor": 140,
        "bonuses_minor": 100,
        "lifts_minor": 0,
        "interruptions_minor": 0,
        "spent_minor": 840,
        "accepted_answers": 2,
        "unused_answers": 0,
        "unused_minor": 0,
        "labels": 5,
        "cost_per_label_minor": 168,
        "rejected": {
            "answers": 3,
            "held_answers": 1,
            "held_minor": 360,
            "reversed_answers": 1,
            "reversed_minor": 360,
            "released_answers": 1,
            "released_minor": 360,
        },
    }


def test_months_of_funds_follow_each_other_and_end_at_what_is_there() -> None:
    client = a_client(funds_minor=10_000)
    this = month_of(clock.now())
    accepted_last_month(client)
    person = Person(owner_of(client))

    before, now = (person.get(f"clients/{client.pk}/statements/{month}/")[1] for month in (this.before, this))

    sums = [
        [month["currencies"][0][f"{name}_minor"] for name in ("opening", "added", "taken", "closing")]
        for month in (before, now)
    ]
    assert [each[-1] for each in sums] == [sums[1][0], available(client)]
    assert [line["kind"] for line in before["currencies"][0]["lines"]] == ["escrow_held"]
    assert [line["kind"] for line in now["currencies"][0]["lines"]] == ["funding_settled"]
    lines = person.download(f"clients/{client.pk}/statements/{this.before}/csv/")
    assert [line.split(b",")[1] for line in lines] == [b"kind", b"escrow_held"]


def test_an_invoice_says_what_the_ledger_says_and_is_issued_once() -> None:
    client = a_client()
    month = accepted_last_month(client)
    person, asked = Person(owner_of(client)), {"month": str(month), "currency": "USD"}

    status, invoice = person.post(f"clients/{client.pk}/invoices/", asked)
    again = person.post(f"clients/{client.pk}/invoices/", asked)

    assert (status, again) == (201, (200, invoice))
    (job,) = client.jobs.all()
    line = {"job": str(job.pk), "title": "Animals", "times": 2}
    assert {name: invoice[name] for name in ("lines", "pay_minor", "fees_minor", "total_minor", "month")} == {
        "lines": [
            {**line, "charged_for": "reward", "amount_minor": 600},
            {**line, "charged_for": "fee", "amount_minor": 120},
        ],
        "pay_minor": 600,
        "fees_minor": 120,
        "total_minor": 720,
        "month": str(month),
    }
    charged = LedgerEntry.objects.filter(posting__at__lt=month.ends_at, source__owner=job.billing_owner)
    assert sum(charged.values_list("amount_minor", flat=True)) == 720
    assert person.get(f"clients/{client.pk}/invoices/{invoice['id']}/") == (200, invoice)
    assert person.get(f"clients/{client.pk}/invoices/")[1]["results"] == [invoice]
    (event,) = AuditEvent.objects.filter(action="invoice.issued")
    assert (event.subject_id, event.details["total_minor"]) == (invoice["id"], 720)


def test_numbers_count_up_over_all_clients_without_gaps() -> None:
    clients = [a_client() for _ in range(3)]
    month, *_ = [accepted_last_month(client, tasks=1) for client in clients]
    with transaction.atomic():
        issue_invoice(client=clients[0], month=month, currency="USD", by=NOW)
        transaction.set_rollback(True)

    assert (issue_invoices(), issue_invoices()) == (3, 0)

    assert sorted(Invoice.objects.values_list("number", flat=True)) == [1, 2, 3]
    assert {invoice.client for invoice in Invoice.objects.all()} == set(clients)


def test_the_database_keeps_invoices_as_they_are_and_their_numbers_whole() -> None:
    client = a_client()
    invoice, _ = issue_invoice(client=client, month=accepted_last_month(client), currency="USD", by=NOW)
    gap = Invoice(
        client=client, number=9, month="2001-01", currency="USD", lines=[], pay_minor=0, fees_minor=0, total_minor=0
    )

    for change in (
        lambda: Invoice.objects.filter(pk=invoice.pk).update(total_minor=1, pay_minor=1, fees_minor=0),
        lambda: Invoice.objects.filter(pk=invoice.pk).delete(),
        gap.save,
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(total_minor) FROM marketplace_invoice")
        assert cursor.fetchone() == (1, 720)


def test_what_cannot_be_invoiced_is_refused_with_why() -> None:
    client = a_client()
    accepted_last_month(client)
    person, at = Person(owner_of(client)), f"clients/{client.pk}/invoices/"
    this = month_of(clock.now())

    refused = [
        code_of(person.post(at, {"month": month, "currency": currency}))
        for month, currency in (
            (str(this), "USD"),
            (str(this.before), "EUR"),
            (str(this.before.before), "USD"),
            (str(this.next), "USD"),
            ("2026-13", "USD"),
            (str(this.before), "BTC"),
        )
    ]

    assert refused == [
        (409, "month_not_closed"),
        (409, "nothing_to_invoice"),
        (409, "nothing_to_invoice"),
        (400, "invalid"),
        (400, "invalid"),
        (400, "invalid"),
    ]
    assert code_of(Person(a_member(client).user).post(at, {"month": str(this.before), "currency": "USD"})) == (
        403,
        "not_allowed",
    )


def test_an_invoice_is_printed_the_same_each_time_and_never_fails_on_a_name() -> None:
    client = a_client()
    client.name = "日本語 Müller שלום 🎉 Łódź"
    client.save(update_fields=["name"])
    month = accepted_last_month(client)
    invoice, _ = issue_invoice(client=client, month=month, currency="USD", by=NOW)

    answer = Person(owner_of(client)).http.get(
        f"/api/v1/clients/{client.pk}/invoices/{invoice.pk}/pdf/", headers={"Accept-Language": "de"}
    )

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    assert answer.content == pdf_of(invoice, locale=locale_of("de")) != pdf_of(invoice, locale=locale_of("en"))
    assert covered("日本 Müller 🎉 Łódź") == "□□ Müller □ Łódź"


def test_names_from_right_to_left_are_drawn_in_their_order_and_arabic_letters_joined() -> None:
    assert covered('תרגום בע"מ (12)') == '(12) מ"עב םוגרת'
    assert covered("Müller שלום") == "Müller םולש"
    assert covered("شركة") == "\ufe94\ufedb\ufeae\ufeb7"


def test_what_is_anothers_is_not_there() -> None:
    client, other = a_client(), a_client()
    invoice, _ = issue_invoice(client=client, month=accepted_last_month(client), currency="USD", by=NOW)
    stranger, this = Person(owner_of(other)), month_of(clock.now())

    for path in (
        "spending/",
        "invoices/",
        f"invoices/{invoice.pk}/",
        f"invoices/{invoice.pk}/pdf/",
        f"statements/{this}/",
    ):
        assert code_of(stranger.get(f"clients/{client.pk}/{path}")) == (404, "not_found")
    assert code_of(stranger.get(f"clients/{other.pk}/invoices/{invoice.pk}/")) == (404, "not_found")
    assert code_of(Person(a_user()).get(f"clients/{client.pk}/spending/")) == (404, "not_found")
    assert an_admin().get(f"clients/{client.pk}/invoices/{invoice.pk}/")[0] == 200

"""A client whose bank did not bring the money is told, and nobody else is."""

import pytest
from django.core import mail

from billing.demo.stripe_double import DoubleControl
from billing.services.funding import settle_funding
from tests.billing.flows import an_open_page, run_relay
from tests.marketplace.builders import a_client, a_member, available, owner_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


def test_the_owners_of_a_client_are_told_that_a_debit_bounced_and_why(stripe: DoubleControl) -> None:
    client = a_client(funds_minor=0)
    a_member(client)
    funding = an_open_page(10_000, client_owner=client.billing_owner)
    stripe.press(funding.checkout_url, card="pm_usBankAccount_accountClosed")
    settle_funding(funding_id=funding.pk)
    stripe.end_debits()
    settle_funding(funding_id=funding.pk)
    mail.outbox.clear()

    run_relay()

    (letter,) = mail.outbox
    assert (letter.to, available(client)) == ([owner_of(client).email], 0)
    assert "100.00 USD: The bank account could not be debited (account_closed)." in letter.body

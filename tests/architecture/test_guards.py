"""The guards of the test run itself."""

import socket

import pytest
from django.db import connection, transaction

from tests import conftest


@pytest.mark.django_db
def test_a_network_call_inside_a_transaction_is_refused_and_noted() -> None:
    with transaction.atomic(), socket.socket(socket.AF_UNIX) as client, pytest.raises(RuntimeError):
        client.connect("/nowhere")

    assert conftest.calls_inside_transactions == ["/nowhere"]
    conftest.calls_inside_transactions.clear()


@pytest.mark.django_db
def test_a_network_call_outside_a_transaction_is_free() -> None:
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(FileNotFoundError):
        client.connect("/nowhere")


@pytest.mark.django_db
def test_tests_run_on_postgresql() -> None:
    assert connection.vendor == "postgresql"

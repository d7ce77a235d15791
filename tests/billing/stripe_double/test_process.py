"""The double starts, stops, comes back with all it knew, and stays on this machine."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import stripe

from billing.demo.stripe_double import DoubleControl, StripeDouble
from tests.billing.stripe_double.world import (
    SECRET,
    Receiver,
    a_transfer,
    an_account,
    available,
    client_of,
    funds,
    refusal_of,
)


def test_what_was_answered_outlives_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "not" / "yet" / "stripe.sqlite"
    with StripeDouble(state_file=state) as double:
        control = DoubleControl(double.base_url)
        api = client_of(control)
        account = an_account(api, control)
        funds(api)
        transfer = a_transfer(api, account, key="payout-7")

    with StripeDouble(state_file=state) as double:
        api = client_of(DoubleControl(double.base_url))
        assert a_transfer(api, account, key="payout-7").id == transfer.id
        assert (available(api), available(api, account)) == (9_000, 1_000)


def test_webhooks_not_yet_taken_outlive_a_restart(tmp_path: Path) -> None:
    receiver = Receiver()
    state = tmp_path / "stripe.sqlite"
    settings: Any = {"state_file": state, "webhook_url": receiver.url, "webhook_secret": SECRET}
    receiver.refusals = 3
    with StripeDouble(**settings) as double:
        funds(client_of(DoubleControl(double.base_url)))
        while len(receiver.refused) < 3:
            time.sleep(0.01)

    with StripeDouble(**settings):
        assert len({event.id for event in receiver.wait_for(3)}) == 3
    receiver.stop()


def test_after_a_reset_nothing_is_known(api: stripe.StripeClient, control: DoubleControl) -> None:
    intent = funds(api)
    control.reset()

    assert refusal_of(lambda: api.v1.payment_intents.retrieve(intent.id))[0] == "resource_missing"
    assert (control.totals(), api.v1.events.list().data) == ({}, [])


def test_many_at_once_lose_and_double_nothing(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api, amount=100_000)

    # Two threads for every key: half of the requests are replays, or conflicts that are tried again.
    def send(start: int) -> None:
        for number in range(start, start + 50):
            while not sent(number):
                time.sleep(0.001)

    def sent(number: int) -> bool:
        try:
            a_transfer(api, account, amount=number + 1, key=f"payout-{number}", group="all")
        except stripe.APIError as problem:
            if problem.http_status != 409:
                raise
            return False
        return True

    threads = [threading.Thread(target=send, args=(start,)) for start in (0, 0, 50, 50, 100, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    transfers = api.v1.transfers.list({"transfer_group": "all", "limit": 100}).auto_paging_iter()
    assert sorted(transfer.amount for transfer in transfers) == list(range(1, 151))
    assert available(api, account) == 11_325


@pytest.mark.parametrize("address", ["::", "192.0.2.1", "example.com"])
def test_it_listens_on_loopback_only(address: str) -> None:
    with pytest.raises(ValueError, match="listens on loopback only"):
        StripeDouble(host=address)


@contextmanager
def command(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "stripe_double", *arguments],
        env={**os.environ, "ASSAY_NO_BOOTSTRAP": "1", "DJANGO_SETTINGS_MODULE": "marketplace.settings", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


@pytest.mark.parametrize(("how", "status"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_the_command_runs_until_it_is_stopped_or_killed_and_forgets_nothing(
    tmp_path: Path, how: signal.Signals, status: int
) -> None:
    state = tmp_path / "stripe.sqlite"
    with command("--state-file", str(state)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        base_url = line.removeprefix("The Stripe double listens on ").split(". ")[0]
        funds(client_of(DoubleControl(base_url)), amount=777)
        process.send_signal(how)
        assert process.wait(timeout=30) == status

    with StripeDouble(state_file=state) as double:
        assert DoubleControl(double.base_url).totals()["usd"]["paid_in"] == 777


def test_the_command_refuses_a_live_key() -> None:
    with command(STRIPE_API_KEY="sk_live_51H") as process:
        _, problem = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "does not run in production, nor beside a live STRIPE_API_KEY" in problem

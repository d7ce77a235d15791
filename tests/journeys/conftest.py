"""A real installation for the journeys: PostgreSQL, broker, web server, worker, beat, relay and the Stripe double."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace.stack import Stack
from tests.journeys.people import ADMIN, PASSWORD, Installation


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """One stack for all journeys of this process, with an admin and nobody else."""
    var = Path(tempfile.mkdtemp(prefix="assay-journeys-"))
    unset = ("DATABASE_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE", "ASSAY_VAR", "ASSAY_EMAIL_URL")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"ASSAY_ENV": "test", "ASSAY_JOURNEY_PASSWORD": PASSWORD}
    stack = Stack(var=var, environment=environment, port=0, web_workers=1, celery_workers=1, tell=lambda sentence: None)
    try:
        with stack:
            stack.manage("create_admin", ADMIN, "--first", "--password-from", "ASSAY_JOURNEY_PASSWORD")
            yield Installation(stack)
    finally:
        shutil.rmtree(var, ignore_errors=True)


@pytest.fixture(autouse=True)
def every_promise_is_kept(installation: Installation) -> Iterator[None]:
    """After each journey: the books balance, turns, payments, escrows and states are as promised."""
    installation.let_the_admin_in()
    yield
    installation.hang_up()
    checks = json.loads(installation.stack.manage("ledger_check", "--json"))
    assert {promise: faults for promise, faults in checks.items() if faults} == {}

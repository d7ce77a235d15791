"""Everything is killed while money moves, and not a cent is lost, paid twice or stuck."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from marketplace.chaos.plan import LONG, Outcome, Plan
from marketplace.management.commands.chaos import arguments_of, lines_of, plan_of


@pytest.mark.slow
@pytest.mark.journey
def test_kills_and_faults_cost_no_cent(tmp_path: Path) -> None:
    asked = ("--payouts", "60", "--kills", "16", "--database-kills", "2", "--faults", "40", "--seconds", "60")
    environment = {**os.environ, "ASSAY_VAR": str(tmp_path), "ASSAY_NO_BOOTSTRAP": "1"}

    ended = subprocess.run(
        [sys.executable, "manage.py", "chaos", *asked, "--json"],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in environment.items() if name != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr + ended.stdout
    said = json.loads(ended.stdout)
    outcome = Outcome(**said["outcome"])
    assert (outcome.payouts, outcome.lost_minor, outcome.paid_twice_minor) == ({"settled": 60}, 0, 0)
    assert (outcome.stuck_minor, outcome.broken, outcome.stalled, outcome.webhooks_parked) == (0, [], False, [])
    assert (outcome.parts_taken_back, outcome.parts_of_disputes, outcome.movements_unmatched) == (
        4 * 3,
        3 + 2 + 3 + 3,
        0,
    )
    assert outcome.disputes == {"won": 1, "lost": 3}
    assert sum(said["killed"].values()) == 18
    assert said["killed"]["PostgreSQL"] == 2


def test_what_the_command_line_asks_for_is_handed_on() -> None:
    unset = dict.fromkeys(("seconds", "drain_seconds", "payouts", "kills", "database_kills", "faults", "seed"))

    assert plan_of({"long": False, **unset}) == Plan()
    assert plan_of({"long": True, **unset, "seed": 7}) == replace(LONG, seed=7)
    assert arguments_of(Plan())[:4] == ["--seconds", "60", "--drain-seconds", "150"]


def test_the_printout_ends_with_what_was_lost() -> None:
    lines = lines_of(Plan(), Outcome(lost_minor=7, broken=["a promise: x: y"], stalled=True), {"relay": 2})

    assert lines[-6].split() == ["cents", "lost", "7"]
    assert lines[-2:] == ["  a promise: x: y", "It stalled: nothing came to its end any more."]
    assert Outcome(lost_minor=7).is_clean is False


def test_a_webhook_that_is_parked_is_counted_and_named_and_is_not_clean() -> None:
    outcome = Outcome(webhooks=9, webhooks_parked=["transfer.created evt_1: Unexplained: It belongs to no payout."])

    lines = lines_of(Plan(), outcome, {})

    assert (outcome.is_clean, Outcome(movements_unmatched=1).is_clean) == (False, False)
    assert Outcome(webhooks=9).is_clean is True
    assert ["webhooks", "parked", "1"] in [line.split() for line in lines]
    assert lines[-1] == "  transfer.created evt_1: Unexplained: It belongs to no payout."

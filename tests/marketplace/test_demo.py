"""`manage.py demo` as a person meets it: a short story told to its end, interrupted, killed, and gone wrong."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from marketplace.demo.outcome import Labels, Money, Outcome
from marketplace.services.checks import CHECKS
from tests.marketplace.commands import Command, environment, processes_over, servers, stop_servers

TASKS, GOLD, WORKERS = 120, 6, 14
REWARD, FEE, FUNDED = 4, 1, 60_000
PROCESSES = ("database", "broker", "stripe", "web", "content", "worker", "beat", "relay")


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """The folder of the installation."""
    return tmp_path / "var"


@pytest.fixture
def demo(var: Path) -> Iterator[Callable[[], Command]]:
    """Starts a demo that nobody lets come to its end; whatever happened, nothing of it runs afterwards."""
    started: list[Command] = []

    def start() -> Command:
        started.append(Command(var, "demo", "--workers", "10"))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
    stop_servers(var / "demo")


def errors_logged(logs: Path) -> list[str]:
    """What the installation's processes logged as an error, or worse."""
    lines = [line for log in sorted(logs.glob("*.log")) for line in log.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if '"level": "error"' in line or '"level": "critical"' in line]


@pytest.mark.slow
@pytest.mark.journey
def test_a_short_story_ends_with_every_task_decided_every_cent_in_its_place_and_nobody_waiting(
    var: Path, tmp_path: Path
) -> None:
    figures = tmp_path / "figures.json"
    short = ("--tasks", f"{TASKS}", "--workers", f"{WORKERS}", "--json", str(figures))

    ended = subprocess.run(
        [sys.executable, "manage.py", "demo", *short],
        cwd=settings.BASE_DIR,
        env=environment(var),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert ended.stderr == ""
    told = json.loads(figures.read_text(encoding="utf-8"))
    labels, money = Labels(**told["labels"]), Money(**told["money"])
    answers = labels.answers + labels.gold_answers
    paid = answers - told["rejected"] + told["reversed"]
    assert (labels.tasks, labels.labelled, labels.judged) == (TASKS - GOLD, TASKS - GOLD, labels.by_consensus)
    assert (told["decided"].get("no_consensus", 0), told["waiting"]) == (labels.adjudicated, {})
    assert told["checks"] == dict.fromkeys(CHECKS, 0)
    assert told["restarts"] == dict.fromkeys(PROCESSES, 0)
    assert (told["reward_minor"], told["fee_minor"]) == (REWARD, FEE)
    assert money == Money(
        currency="USD",
        funded=FUNDED,
        available=0,
        held=(REWARD + FEE) * (answers - paid),
        earnings=REWARD * paid - money.paid_out,
        paid_out=money.paid_out,
        in_flight=0,
        fees=FEE * paid,
        processor_fees=0,
        losses=0,
        refunded=FUNDED - (REWARD + FEE) * answers,
    )
    assert money.accounted == FUNDED
    assert sum(group["paid_minor"] for group in told["groups"]) == REWARD * paid
    assert sum(group["workers"] for group in told["groups"]) == WORKERS
    assert told["payouts_settled"] == told["payouts_asked"] > 0
    assert errors_logged(var / "demo" / "log") == []
    assert processes_over(var) == []


@pytest.mark.slow
@pytest.mark.journey
@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_a_story_that_is_interrupted_stops_all_and_one_that_is_killed_is_cleared_away_by_the_next(
    demo: Callable[[], Command], var: Path
) -> None:
    killed = demo()
    killed.wait_until_it_says("The client signs up")
    killed.process.kill()
    killed.process.wait()
    database, broker = servers(var / "demo")
    left = [database.process_id(), broker.process_id()]

    interrupted = demo()
    interrupted.wait_until_it_says("Workers apply")
    assert not {database.process_id(), broker.process_id()} & set(left)
    interrupted.process.send_signal(signal.SIGINT)
    assert interrupted.process.wait(60) == 1
    stopped = "CommandError: Stopped in the middle. Run it again: it begins afresh.\n"
    assert interrupted.said().endswith(stopped)
    assert processes_over(var) == []

    starting = demo()
    starting.wait_until(lambda: database.process_id() is not None)
    starting.process.send_signal(signal.SIGTERM)
    assert starting.process.wait(60) == 1
    assert starting.said().endswith(stopped)
    assert processes_over(var) == []


def test_a_port_that_is_taken_ends_it_with_the_reason_and_leaves_nothing(var: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "manage.py", "demo", "--port", f"{port}"],
            cwd=settings.BASE_DIR,
            env=environment(var),
            capture_output=True,
            text=True,
            check=False,
        )

    assert ended.returncode == 1
    assert ended.stderr == (
        f"CommandError: Port {port} of 127.0.0.1 cannot be used: Address already in use. Choose another with --port, "
        f"or let --port 0 find a free one.\nThe logs are in {var / 'demo' / 'log'}.\n"
    )
    assert processes_over(var) == []


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (("--tasks", "19"), "There are 1,797 pictures, and 19 were asked for; take 20 or more."),
        (("--tasks", "1798"), "There are 1,797 pictures, and 1,798 were asked for; take 20 or more."),
        (("--workers", "9"), "A crowd of 9 is too small for every kind of worker; take at least 10."),
    ],
)
def test_a_story_that_cannot_be_told_is_not_begun(asked: tuple[str, str], refusal: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("demo", *asked)

    assert str(refused.value) == refusal


def an_outcome() -> Outcome:
    """What a story comes to in which nothing went wrong."""
    labels = Labels(
        tasks=3,
        by_consensus=2,
        adjudicated=1,
        answers=7,
        gold_answers=1,
        full_overlap=5,
        judged=2,
        consensus_right=1.0,
        majority_right=1.0,
        all_right=1.0,
        mean_confidence=0.99,
    )
    money = Money("USD", funded=100, available=0, held=0, earnings=12, paid_out=20, in_flight=0, fees=8, refunded=60,
                  processor_fees=0, losses=0)  # fmt: skip
    return Outcome(
        title="",
        about_the_crowd="",
        labels=labels,
        groups=[],
        money=money,
        reward_minor=4,
        fee_minor=1,
        payouts_settled=1,
        payouts_asked=1,
        rejected=0,
        reversed=0,
        checks={"books balance": 0},
        seconds={},
        decided={"no_consensus": 1},
        restarts={"web": 0},
    )


def test_all_that_went_wrong_is_named_and_nothing_else() -> None:
    outcome = an_outcome()
    wrong = replace(
        outcome,
        labels=replace(outcome.labels, by_consensus=0, left_over={"ran out of answers": 1}),
        money=replace(outcome.money, refunded=59),
        payouts_settled=0,
        checks={"books balance": 2, "states are known": 0},
        waiting={"gold_review": 3},
        restarts={"web": 0, "worker": 1},
    )

    assert (outcome.faults, outcome.is_clean) == ([], True)
    assert wrong.faults == [
        "1.00 USD came in, and 0.99 USD are accounted for.",
        "Tasks without a label: 1.",
        "Payouts that were settled: 0 of 1.",
        "Faults found by the check that books balance: 2.",
        "Waiting for a person, of the kind gold_review: 3.",
        "Times that worker had to be started again: 1.",
    ]
    assert wrong.is_clean is False

"""Replaying recorded answers: what is bought, decided, paid and given back, and what cannot be replayed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from pytest_django import Settings

from billing.demo.stripe_double import DoubleControl, StripeDouble
from marketplace.demo.outcome import Group, Labels, Money
from marketplace.demo.recording import Recording
from marketplace.demo.replay_outcome import outcome_of
from marketplace.demo.replaying import Replay, Terms
from marketplace.models import Assignment, Task
from qualification.models import Score
from qualification.statistics.fusion.priors import WEIGHTED
from tests.marketplace.recordings import GOOD, Row, a_crowd, a_file, a_recording, row, true

TWO_AGREE = Terms(gold_share=0.0, overlap_min=2, overlap_max=3, confidence=0.85, reward_minor=50)
"""With two labels and no gold, two answers that agree settle a task (they are 0.88 sure); two to one do not (0.72)."""


@pytest.fixture
def stripe(settings: Settings) -> Iterator[DoubleControl]:
    with StripeDouble() as double:
        settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = "sk_test_for_the_replay", double.base_url
        yield DoubleControl(double.base_url)


def calibrated(odds: float, *, share: float) -> float:
    """What two answers are believed that have these odds between two classes, and this odds of vote shares."""
    prior = WEIGHTED.calibration
    likelihood = odds ** (2**-prior.discount) * share**prior.vote_weight
    return float((1 - prior.floor) * likelihood / (1 + likelihood) + prior.floor / 2)


def in_this_order(*answers: tuple[str, str, str]) -> list[Row]:
    """Answers (task, worker, label) that were recorded one minute after another."""
    return [
        row(task, worker, label, at=f"2026-01-01T12:{minute:02}:00Z")
        for minute, (task, worker, label) in enumerate(answers)
    ]


def played(recording: Recording, terms: Terms, stripe: DoubleControl) -> Replay:
    replay = Replay(recording, terms, stripe=stripe, tell=lambda *_: None)
    replay.play()
    return replay


def a_mixed_recording(folder: Path) -> Recording:
    """Four tasks: one settled by two answers, one that three cannot settle, one answered too seldom, one wrong."""
    return a_recording(
        folder,
        in_this_order(
            ("agreed", "ann", "cat"),
            ("agreed", "ben", "cat"),
            ("agreed", "sam", "dog"),
            ("split", "ann", "cat"),
            ("split", "sam", "dog"),
            ("split", "ben", "cat"),
            ("seldom", "ann", "cat"),
            ("wrong", "sam", "cat"),
            ("wrong", "tom", "cat"),
            ("wrong", "ann", "dog"),
            ("wrong", "ben", "dog"),
            ("wrong", "eve", "dog"),
        ),
        [true("agreed", "cat"), true("split", "cat"), true("seldom", "cat"), true("wrong", "dog")],
    )


@pytest.mark.django_db
def test_a_replay_comes_to_what_its_recording_says(tmp_path: Path, stripe: DoubleControl) -> None:
    outcome = outcome_of(played(a_mixed_recording(tmp_path), TWO_AGREE, stripe))

    assert outcome.labels == Labels(
        tasks=4,
        by_consensus=2,
        adjudicated=1,
        answers=8,
        gold_answers=0,
        full_overlap=3.0,
        judged=2,
        consensus_right=1 / 2,
        majority_right=1 / 2,
        all_right=2 / 3,
        mean_confidence=outcome.labels.mean_confidence,
        recorded_majority_right=1.0,
        rule_before=outcome.labels.rule_before,
        left_over={"ran out of recorded answers": 1, "escalated, no truth to decide by": 0},
    )
    assert outcome.labels.mean_confidence == pytest.approx(calibrated(3**2, share=2.5 / 0.5))
    before = outcome.labels.rule_before
    assert before is not None
    assert (before.answers, before.settled, before.right) == (8, 2, 1 / 2)
    assert before.mean_confidence == pytest.approx(0.9)
    assert outcome.groups == [
        Group("90% right or more", workers=3, certified=3, flagged=0, answers=5, accuracy=1.0, paid_minor=250),
        Group("less than 60% right", workers=2, certified=2, flagged=0, answers=3, accuracy=0.0, paid_minor=150),
    ]


@pytest.mark.django_db
def test_every_cent_of_a_replay_is_accounted_for(tmp_path: Path, stripe: DoubleControl) -> None:
    outcome = outcome_of(played(a_mixed_recording(tmp_path), TWO_AGREE, stripe))

    assert outcome.money == Money(
        currency="USD",
        funded=720,
        available=0,
        held=0,
        earnings=50,
        paid_out=350,
        in_flight=0,
        fees=80,
        processor_fees=0,
        losses=0,
        refunded=240,
    )
    assert (outcome.payouts_asked, outcome.payouts_settled) == (3, 3)
    assert stripe.totals()["usd"]["paid_in"] == 720
    assert outcome.is_clean


@pytest.mark.django_db
def test_nobody_is_offered_what_they_did_not_answer_and_all_say_what_they_said(
    tmp_path: Path, stripe: DoubleControl
) -> None:
    answers = [answer for number, answer in enumerate(a_crowd()) if number % 3]
    recording = a_recording(tmp_path, answers, [true(f"t{task}", "cat") for task in range(20)])

    replay = played(recording, Terms(gold_share=0.2, seed=3), stripe)

    names = {worker.pk: name for name, worker in replay.workers.items()}
    recorded = {(answer["task"], answer["worker"], f'{{"label":["{answer["label"]}"]}}') for answer in answers}
    given = Assignment.objects.values_list("task__external_id", "worker_id", "annotation__answer_key")
    assert {(task, names[worker], key) for task, worker, key in given} <= recorded


@pytest.mark.django_db
def test_gold_is_drawn_from_the_truth_and_moves_the_scores_of_those_who_meet_it(
    tmp_path: Path, stripe: DoubleControl
) -> None:
    recording = a_recording(tmp_path, a_crowd(), [true(f"t{task}", "cat") for task in range(10)])

    replay = played(recording, Terms(gold_share=0.2, seed=3), stripe)
    labels = outcome_of(replay).labels

    gold = set(Task.objects.filter(gold_question__isnull=False).values_list("external_id", flat=True))
    assert gold == replay.gold
    assert gold <= {f"t{task}" for task in range(10)}
    assert (len(gold), labels.tasks) == (2, 18)
    moved = Score.objects.values_list("correct", "wrong")
    assert sum(correct + wrong for correct, wrong in moved) == labels.gold_answers


@pytest.mark.django_db
def test_without_truth_to_decide_by_an_escalated_task_stays_without_a_label(
    tmp_path: Path, stripe: DoubleControl
) -> None:
    recording = a_recording(
        tmp_path,
        in_this_order(
            ("known", "ann", "cat"),
            ("known", "ben", "cat"),
            ("unknown", "ann", "cat"),
            ("unknown", "ben", "dog"),
            ("unknown", "sam", "cat"),
        ),
        [true("known", "cat")],
    )

    outcome = outcome_of(played(recording, TWO_AGREE, stripe))

    assert outcome.labels.left_over == {"ran out of recorded answers": 0, "escalated, no truth to decide by": 1}
    assert (outcome.labels.labelled, outcome.labels.answers, outcome.labels.consensus_right) == (1, 5, 1.0)
    assert outcome.is_clean


@pytest.mark.django_db
def test_a_database_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    a_mixed_recording(tmp_path)
    files = {"answers": tmp_path / "answers", "truth": tmp_path / "truth"}

    with pytest.raises(CommandError, match=r"^The database \S+ is not empty, and a replay goes into one of its own\."):
        call_command("replay", **files)


@pytest.mark.parametrize(
    ("option", "value", "refusal"),
    [
        ("--overlap", "3-2", "'3-2' is no overlap; write 2-10, or 5 for always 5, at most 100."),
        ("--overlap", "0", "'0' is no overlap; write 2-10, or 5 for always 5, at most 100."),
        ("--overlap", "2-101", "'2-101' is no overlap; write 2-10, or 5 for always 5, at most 100."),
        ("--gold-share", "0.6", "'0.6' is no number from 0.0 to 0.5."),
        ("--gold-share", "nan", "'nan' is no number from 0.0 to 0.5."),
        ("--confidence", "1", "'1' is no number from 0.0001 to 0.9999."),
        ("--limit", "1", "'1' is no number of tasks; replay at least 2."),
        ("--reward", "0", "'0' is no reward in cents; pay 1 to 1000000."),
    ],
)
def test_options_that_cannot_be_meant_are_refused(option: str, value: str, refusal: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("replay", "--answers=a", "--truth=t", f"{option}={value}")

    assert str(refused.value) == f"Error: argument {option}: {refusal}"


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command as a person gives it, with an installation's folder of its own."""
    environment = {**os.environ, "ASSAY_VAR": str(folder / "var"), "ASSAY_NO_BOOTSTRAP": "1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "manage.py", "replay", *arguments],
        cwd=project.BASE_DIR,
        env={
            name: value for name, value in environment.items() if name not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
        },
        capture_output=True,
        text=True,
        check=False,
    )


def lines_of(report: str) -> list[str]:
    """The report without its layout and without how long things took."""
    return [" ".join(line.split()) for line in report.partition(" seconds: ")[0].splitlines()[:-1]]


@pytest.mark.slow
def test_the_command_begins_afresh_and_the_same_seed_comes_to_the_same(tmp_path: Path) -> None:
    a_recording(tmp_path, a_crowd(), [true(f"t{task}", "cat") for task in range(20)])
    files = ("--answers", str(tmp_path / "answers"), "--truth", str(tmp_path / "truth"))

    first, second = (run(tmp_path, *files, "--gold-share", "0.2", "--reward", "50") for _ in range(2))

    assert (first.returncode, first.stderr) == (0, "")
    report = lines_of(first.stdout)
    assert "came in 120.00 USD paid by the client" in report
    assert "together 120.00 USD equals what came in, to the cent" in report
    assert lines_of(second.stdout) == report
    assert sorted(path.name for path in (tmp_path / "var").iterdir()) == ["replay", "secret_key"]


@pytest.mark.slow
def test_the_command_says_what_is_wrong_and_makes_nothing(tmp_path: Path) -> None:
    answers, truth = a_file(tmp_path / "answers", [GOOD, {"task": "t"}]), a_file(tmp_path / "truth", [true("t", "cat")])

    result = run(tmp_path, "--answers", str(answers), "--truth", str(truth))

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f'CommandError: {answers}, line 2: There is no "worker" in it. It has: task.\n'
    assert not (tmp_path / "var" / "replay" / "postgres").exists()

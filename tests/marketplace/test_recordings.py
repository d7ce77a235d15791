"""Reading recorded answers: in which order they stand, and what cannot be read, in a sentence that says where."""

import gzip
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from marketplace.demo.recording import UnusableRecording, read_recording
from tests.marketplace.recordings import GOOD, a_crowd, a_file, a_recording, row, true


def refusal_of(folder: Path, answers: Sequence[object], truth: Sequence[object]) -> str:
    with pytest.raises(UnusableRecording) as refusal:
        a_recording(folder, answers, truth)
    return str(refusal.value).replace(f"{folder}/", "")


def test_files_may_be_gzipped_whatever_they_are_called(tmp_path: Path) -> None:
    answers = [row("t", "ann", "cat"), row("t", "ben", "dog")]
    plain = a_recording(tmp_path, answers, [true("t", "cat")])
    for name in ("answers", "truth"):
        (tmp_path / name).write_bytes(gzip.compress((tmp_path / name).read_bytes()))

    assert read_recording(answers=tmp_path / "answers", truth=tmp_path / "truth") == plain


def test_the_first_of_a_workers_answers_to_a_task_counts(tmp_path: Path) -> None:
    recording = a_recording(
        tmp_path,
        [row("t", "ann", "cat"), row("t", "ann", "dog"), row("t", "ben", "dog"), row("t", "ann", "cat")],
        [true("t", "cat")],
    )

    assert [(answer.worker, answer.label) for answer in recording.answers] == [("ann", "cat"), ("ben", "dog")]
    assert [answer.label for answer in recording.repeated] == ["dog", "cat"]


def test_times_give_the_order_of_the_answers(tmp_path: Path) -> None:
    recording = a_recording(
        tmp_path,
        [
            row("t", "late", "cat", at="2026-01-01T12:00:00+00:00"),
            row("t", "early", "dog", at="2026-01-01T12:30:00+02:00"),
            row("t", "middle", "dog", at="2026-01-01T11:00:00"),
        ],
        [true("t", "cat")],
    )

    assert recording.workers == ["early", "middle", "late"]
    assert recording.is_timed


def test_a_limit_keeps_whole_tasks_and_those_with_a_truth_first(tmp_path: Path) -> None:
    recording = a_recording(tmp_path, a_crowd(), [true("t4", "cat"), true("t7", "cat")])

    limited = recording.limited(3, chance=random.Random(1))

    assert len(limited.tasks) == 3
    assert {"t4", "t7"} < set(limited.tasks)
    assert len(limited.answers) == 30
    assert recording.limited(50, chance=random.Random(1)) == recording


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ([1, 2], "This is no JSON object with a task and a label."),
        ({"task": "t", "label": "cat"}, 'There is no "worker" in it. It has: task, label.'),
        ({"worker": "ann", "label": "cat", "item": "t"}, 'There is no "task" in it. It has: worker, label, item.'),
        ({}, 'There is no "worker" in it. It has: nothing.'),
        (row("t", "ann", "cat") | {"label": 1}, "The label is no text in quotes."),
        (row("t", "ann", "cat") | {"label": None}, "The label is no text in quotes."),
        (row("t", "ann", "cat") | {"label": [[0, 1, "x"]]}, "The label is no text in quotes."),
        (row("t", "ann", "cat") | {"task": 7}, "The task is no text in quotes."),
        (row("", "ann", "cat"), 'The task "" is empty.'),
        (row("t", " ", "cat"), "The worker is empty."),
        (row("t", "ann", " cat"), 'The label " cat" begins or ends with a space.'),
        (row("t", "ann", "c\u202eat"), 'The label "c\\u202eat" contains U+202E, an invisible, control or'),
        (row("t", "ann", "x" * 201), "is 201 characters long; at most 200 are possible."),
        (row("t", "ann", "cat", at="yesterday"), "The at is no time such as 2026-01-31T12:00:00Z."),
        (row("t", "ann", "cat", at=7), "The at is no text in quotes."),
        (row("t", "ann", "x" * 70_000), "The line is longer than 65,536 bytes."),
    ],
)
def test_a_line_that_is_no_answer_is_refused_with_its_number_and_why(bad: object, reason: str, tmp_path: Path) -> None:
    refusal = refusal_of(tmp_path, [GOOD, bad], [true("t", "cat")])

    assert refusal.startswith("answers, line 2: ")
    assert reason in refusal


@pytest.mark.parametrize(
    ("written", "refusal"),
    [
        (b"", "truth is empty."),
        (b"task,label\n", "truth, line 1: This is not JSON: Expecting value at character 1."),
        (b'{"task":"t","label":"cat"}\n\n{"task":"t"\n', "truth, line 3: This is not JSON: Expecting ',' delimiter"),
        (b'{"task":"t","label":"c\xe4t"}\n', "truth, line 1: This is not UTF-8: byte 23 cannot be read."),
        (b'{"task":"t","task":"u","label":"cat"}\n', 'truth, line 1: The key "task" is given twice in one object;'),
        (b'{"task":"t","label":"a\\u0000"}\n', "truth, line 1: A text contains the NUL character,"),
        (gzip.compress(b'{"task":"t","label":"cat"}\n' * 99, mtime=0)[:-9], "truth is no whole gzip file: "),
    ],
)
def test_a_file_that_is_not_lines_of_json_is_refused(written: bytes, refusal: str, tmp_path: Path) -> None:
    answers = a_file(tmp_path / "answers", [GOOD])
    (tmp_path / "truth").write_bytes(written)

    with pytest.raises(UnusableRecording) as refused:
        read_recording(answers=answers, truth=tmp_path / "truth")

    assert str(refused.value).replace(f"{tmp_path}/", "").startswith(refusal)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableRecording, match=r"^There is no file .*/answers\.$"):
        read_recording(answers=tmp_path / "answers", truth=tmp_path / "truth")


def test_a_task_cannot_have_two_truths(tmp_path: Path) -> None:
    truth = [true("t", "cat"), true("u", "cat"), true("t", "cat"), true("t", "dog")]

    assert refusal_of(tmp_path, [GOOD], truth) == 'truth, line 4: The task "t" is "dog" here and "cat" before.'


def test_answers_and_truth_must_be_about_the_same_tasks(tmp_path: Path) -> None:
    assert refusal_of(tmp_path, [GOOD], [true("T", "cat"), true("T2", "dog")]) == (
        "No task of answers is among those of truth: 1 tasks were answered and the truth of 2 others is given. "
        "Task ids must be written alike in both."
    )


def test_times_are_given_in_all_answers_or_in_none(tmp_path: Path) -> None:
    answers = [GOOD, row("t", "ben", "dog", at="2026-01-01T12:00:00Z")]

    assert refusal_of(tmp_path, answers, [true("t", "cat")]) == (
        "answers: 1 of 2 answers have an at. Give it in all, for their order, or in none."
    )


def test_labels_are_few_different_and_no_look_alikes(tmp_path: Path) -> None:
    many = [row("t", f"w{number}", f"label {number}") for number in range(100)]

    assert refusal_of(tmp_path, many, [true("t", "cat")]).startswith(
        "There are 101 different labels, and at most 100 can be replayed: labels are classes"
    )
    assert refusal_of(tmp_path, [GOOD], [true("t", "cat")]) == (
        'All answers are "cat", so there is nothing to find out.'
    )
    assert refusal_of(tmp_path, [GOOD, row("t", "ben", "Cat")], [true("t", "cat")]).startswith(
        "The labels cannot be choices of one question. "
    )

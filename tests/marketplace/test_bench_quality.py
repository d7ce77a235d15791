"""`manage.py bench quality` measures on the recordings of a folder, and says which goals were met."""

import gzip
import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

TASKS, WORKERS, OVERLAP = 60, 12, 10
DIVERSE = ("margin+clusters", "margin+core_set")


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(f"{json.dumps(row)}\n" for row in rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sets of a crowd that is right four times out of five, one of boxes, and one that is told of and not there."""
    sets = [{"name": name, "kind": "categorical", "truth_tasks": TASKS} for name in ("first", "second")]
    others = [{"name": kind, "kind": kind, "truth_tasks": TASKS} for kind in ("boxes", "spans")]
    (tmp_path / "manifest.json").write_text(json.dumps([*sets, *others]), encoding="utf-8")
    chance = random.Random(7)
    for one in sets:
        (tmp_path / str(one["name"])).mkdir()
        truth = {f"t{task}": chance.choice(["cat", "dog"]) for task in range(TASKS)}
        answers = [
            {"task": task, "worker": f"w{worker}", "label": label if chance.random() < 0.8 else other(label)}
            for task, label in truth.items()
            for worker in chance.sample(range(WORKERS), OVERLAP)
        ]
        write_lines(tmp_path / str(one["name"]) / "answers.jsonl.gz", answers)
        rows = [{"task": task, "label": label} for task, label in truth.items()]
        write_lines(tmp_path / str(one["name"]) / "truth.jsonl.gz", rows)
    write_boxes(tmp_path / "boxes", chance)
    return tmp_path


def write_boxes(folder: Path, chance: random.Random) -> None:
    """Boxes by two who draw well and two who draw wildly."""
    folder.mkdir()
    truth = {f"t{task}": [[chance.uniform(0, 50), chance.uniform(0, 50), 40.0, 40.0]] for task in range(TASKS)}
    answers = [
        {"task": task, "worker": f"w{spread}{twin}", "label": [[side + chance.gauss(0, spread) for side in label[0]]]}
        for task, label in truth.items()
        for spread in (1, 8)
        for twin in "ab"
    ]
    write_lines(folder / "answers.jsonl.gz", answers)
    write_lines(folder / "truth.jsonl.gz", [{"task": task, "label": label} for task, label in truth.items()])


def other(label: str) -> str:
    return "dog" if label == "cat" else "cat"


def claims_of(honesty: dict[str, Any]) -> Iterable[tuple[float, float]]:
    """How sure the labels of each job are said to be, and how many are right."""
    return zip(honesty["claimed"], honesty["right"], strict=True)


def measured(folder: Path, *words: str) -> dict[str, Any]:
    """The figures of a run, as it writes them."""
    file = folder / "figures.json"
    call_command("bench", "quality", "--quick", "--jobs", "2", "--data", str(folder), "--json", str(file), *words)
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
def test_each_set_of_choices_is_measured_and_each_goal_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = measured(folder)

    assert [one["name"] for one in figures["sets"]] == ["first", "second"]
    assert {one["judged"] for one in figures["sets"]} == {TASKS - 3}  # gold is a twentieth
    assert all(draw["right"]["Assay"] > 0.9 for one in figures["sets"] for draw in one["draws"])
    assert [one["name"] for one in figures["replays"]] == ["first", "second"]
    terms = [(one["terms"]["is_before"], one["terms"]["confidence"]) for one in figures["running"]]
    assert terms == [(True, 0.9), (True, 0.95), (True, 0.98), (False, 0.85), (False, 0.9), (False, 0.95)] * 2
    assert {run["opened"] for one in figures["running"] for run in one["runs"] if one["terms"]["is_before"]} == {0}
    assert all(run["answers"] < run["recorded"] for one in figures["running"] for run in one["runs"])
    assert [len(one["answers"]) for one in figures["honesty"]] == [2, 2]
    assert all(abs(claimed - right) < 0.05 for one in figures["honesty"] for claimed, right in claims_of(one))
    assert [len(one["jobs"]) for one in figures["certificates"]] == [2, 1]
    assert [job["is_violated"] for one in figures["certificates"] for job in one["jobs"]] == [False, False, False]
    assert [found["people"]["honest"][1] for found in figures["signals"].values()] == [0, 0]
    [boxes] = figures["kinds"]
    assert (boxes["name"], boxes["tasks"], list(boxes["found"])) == (
        "boxes",
        TASKS,
        ["one worker", "mean", "median", "Assay"],
    )
    [merged] = figures["likenesses"]
    assert (merged["name"], merged["tasks"]) == ("boxes", TASKS - 1)  # most of one begin outside of the picture
    assert list(merged["errors"]) == ["0", "10"]
    assert merged["right"] > merged["likeness"] > 0.5
    assert boxes["found"]["Assay"] > boxes["found"]["median"] > boxes["found"]["one worker"]
    assert max(figures["learning"], key=figures["learning"].get) == "random"
    assert set(figures["learning"]) == {"random", "least_confidence", "margin", "entropy", *DIVERSE}
    assert 0 < figures["decisions"]["many_ms"] < figures["decisions"]["multiple_ms"]
    told = capsys.readouterr().out
    assert "accuracy over majority vote, worst set" in told
    assert "calibration error, mean" in told


@pytest.mark.slow
def test_the_same_recordings_are_labelled_the_same_each_time(folder: Path) -> None:
    first, second = (measured(folder, "--sets", "second") for _ in range(2))
    assert first["sets"] == second["sets"]
    assert first["replays"] == second["replays"]
    assert first["running"] == second["running"]
    assert first["honesty"] == second["honesty"]
    assert first["certificates"] == second["certificates"]


def test_where_there_is_nothing_to_measure_with_it_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There are no recordings at .*it has no manifest\.json\. Name a folder"):
        call_command("bench", "quality", "--data", str(tmp_path))


def test_a_set_that_is_not_there_is_told_with_those_that_are(folder: Path) -> None:
    with pytest.raises(CommandError, match=r"third: no such set at .*There are first, second\."):
        call_command("bench", "quality", "--data", str(folder), "--sets", "third")


@pytest.mark.parametrize("words", [("--gold-share", "1"), ("--gold-share", "0"), ("--draws", "-1"), ("--jobs", "-1")])
def test_shares_and_draws_that_cannot_be_are_refused(folder: Path, words: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=r"is a number between 0 and 1|is at least 1"):
        call_command("bench", "quality", "--data", str(folder), *words)


def test_a_rival_that_is_not_installed_is_asked_for_before_anything_is_measured(folder: Path) -> None:
    with pytest.raises(CommandError, match="cannot be run: No such file or directory"):
        call_command("bench", "quality", "--data", str(folder), "--rivals", str(folder / "python"))

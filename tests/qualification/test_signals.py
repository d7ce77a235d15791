"""What stands out in how people work: each signal sees what it is for, and honest workers are left alone."""

import numpy as np
import pytest

from qualification.statistics.fusion.answers import UNKNOWN, Floats
from qualification.statistics.signals.budget import FALSE_FLAGS, NAMES, is_flag
from qualification.statistics.signals.found import SIGNALS, signals_of
from qualification.statistics.signals.turns import Turns
from qualification.statistics.signals.words import MEANINGS, in_words

WORKERS, TASKS, CLASSES = 20, 400, 3
ODD = 3
"""The worker with whom something is the matter."""


class Crowd:
    """Twenty honest workers, right in 85%, whose turns a test changes before they are looked at."""

    def __init__(self, *, seed: int = 1, gold: float = 0.05, overlap: int = 5) -> None:
        self.chance = np.random.default_rng(seed)
        self.truth = self.chance.integers(CLASSES, size=TASKS).astype(np.int32)
        who = np.argsort(self.chance.random((TASKS, WORKERS)), axis=1)[:, :overlap]
        order = self.chance.permutation(TASKS * overlap)
        self.task = np.repeat(np.arange(TASKS, dtype=np.int32), overlap)[order]
        self.worker = who.ravel()[order].astype(np.int32)
        wrong = (self.truth[self.task] + self.chance.integers(1, CLASSES, size=len(self.task))) % CLASSES
        is_right = self.chance.random(len(self.task)) < 0.85
        self.said = np.where(is_right, self.truth[self.task], wrong).astype(np.int32)
        self.seconds: Floats = 10 * np.exp(0.4 * self.chance.standard_normal(len(self.task)))
        self.gold = np.where(self.chance.random(TASKS) < gold, self.truth, UNKNOWN).astype(np.int32)

    def rows_of(self, *workers: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        return np.flatnonzero(np.isin(self.worker, workers))

    def turns(self) -> Turns:
        return Turns(
            task=self.task,
            worker=self.worker,
            said=self.said,
            seconds=self.seconds,
            gold=self.gold,
            workers=WORKERS,
            classes=CLASSES,
        )


def flags_of(crowd: Crowd) -> dict[int, set[str]]:
    found = {
        worker: {signal.name for signal in signals if signal.is_flagged}
        for worker, signals in enumerate(signals_of(crowd.turns()))
    }
    return {worker: names for worker, names in found.items() if names}


def test_honest_workers_are_left_alone() -> None:
    flagged = [flags_of(Crowd(seed=seed)) for seed in range(30)]
    assert sum(len(one) for one in flagged) <= 3  # of 600; the budget is five in a thousand


def test_all_signals_share_one_budget() -> None:
    crowd = Crowd()
    found = signals_of(crowd.turns())[0]
    assert [signal.name for signal in found] == list(SIGNALS) == list(NAMES) == list(MEANINGS)
    assert all(signal.is_flagged == (signal.chance < FALSE_FLAGS / 6) for signal in found)


def test_who_works_in_more_jobs_is_not_flagged_more_often() -> None:
    assert [is_flag(0.0008, jobs=jobs) for jobs in (1, 2)] == [True, False]
    assert is_flag(0.0004, jobs=2)


def test_every_signal_is_said_in_words_and_workers_are_told_nothing_of_gold_or_of_others() -> None:
    numbers = {"gold": 8.0, "right": 1.0, "times_as_fast": 5.04, "turns": 80.0, "times": 70.0, "expected": 31.4}
    numbers |= {"agreed_before": 0.9, "agreed_since": 0.4, "tasks_of_both": 60.0, "same_errors": 17.0}
    told = {name: in_words(name, numbers, choice="dog", for_worker=True) for name in NAMES}
    assert in_words("gold_below_chance", numbers) == "1 of 8 answers to gold are right."
    assert in_words("too_fast", numbers) == told["too_fast"]
    assert "8" not in told["gold_below_chance"]
    assert "17" not in told["shared_errors"]


def test_who_misses_gold_again_and_again_is_seen_by_gold() -> None:
    crowd = Crowd(gold=0.3)
    rows = crowd.rows_of(ODD)
    crowd.said[rows] = (crowd.truth[crowd.task[rows]] + 1) % CLASSES
    assert "gold_below_chance" in flags_of(crowd)[ODD]


def test_without_gold_nobody_is_called_unable() -> None:
    crowd = Crowd(gold=0.0)
    rows = crowd.rows_of(ODD)
    crowd.said[rows] = (crowd.truth[crowd.task[rows]] + 1) % CLASSES
    unable = signals_of(crowd.turns())[ODD][0]
    assert (unable.name, unable.chance, unable.evidence) == ("gold_below_chance", 1.0, {"gold": 0.0, "right": 0.0})


def test_who_is_far_faster_than_others_at_the_same_items_is_seen() -> None:
    crowd = Crowd()
    crowd.seconds[crowd.rows_of(ODD)] /= 8
    found = flags_of(crowd)
    assert found == {ODD: {"too_fast"}}


def test_slow_items_make_nobody_slow_or_fast() -> None:
    crowd = Crowd()
    crowd.seconds *= np.where(crowd.task % 2 == 0, 20.0, 1.0)
    assert flags_of(crowd) == {}


def test_who_always_picks_the_same_place_is_seen() -> None:
    crowd = Crowd()
    crowd.said[crowd.rows_of(ODD)] = 2
    assert flags_of(crowd)[ODD] == {"straight_lines", "one_place"}


def test_who_repeats_themselves_in_runs_is_seen() -> None:
    crowd = Crowd()
    rows = crowd.rows_of(ODD)
    crowd.said[rows] = (np.arange(len(rows)) // 10) % CLASSES
    assert "straight_lines" in flags_of(crowd)[ODD]


def test_who_gets_worse_after_a_good_beginning_is_seen() -> None:
    crowd = Crowd(seed=4)
    late = crowd.rows_of(ODD)[50:]
    crowd.said[late] = crowd.chance.integers(CLASSES, size=len(late))
    assert "drift" in flags_of(crowd)[ODD]


def test_two_who_are_wrong_together_are_seen_with_their_partner() -> None:
    crowd = Crowd(overlap=12)
    shared = (crowd.truth + 1) % CLASSES
    rows = crowd.rows_of(ODD, 7)
    rows = rows[crowd.task[rows] % 3 == 0]
    crowd.said[rows] = shared[crowd.task[rows]]
    found = [signals[-1] for signals in signals_of(crowd.turns())]
    assert {worker for worker, signal in enumerate(found) if signal.is_flagged} == {ODD, 7}
    assert (found[ODD].evidence["partner"], found[7].evidence["partner"]) == (7.0, 3.0)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_crowd_too_small_to_compare_is_left_alone(workers: int) -> None:
    turns = Turns(
        task=np.arange(30, dtype=np.int32) // workers,
        worker=np.arange(30, dtype=np.int32) % workers,
        said=np.zeros(30, dtype=np.int32),
        seconds=np.ones(30),
        gold=np.full(30, UNKNOWN, dtype=np.int32),
        workers=workers,
        classes=2,
    )
    assert [signal.is_flagged for signals in signals_of(turns) for signal in signals] == [False] * 6 * workers

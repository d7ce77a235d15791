"""Whoever has changed is weighed by what they said lately, and everybody else by all that they said."""

import numpy as np
import pytest

from qualification.statistics.fusion.answers import UNKNOWN, Answers
from qualification.statistics.fusion.fitting import learn_part

TASKS, WORKERS = 240, 8


def rates(*, before: float = 0.9, now: float = 0.9, seed: int = 3, knows_time: bool = True) -> list[float]:
    """What is learnt of a crowd that is right in nine of ten, of whom the first changes halfway.

    Tasks are answered in their order, and each tenth is gold.
    """
    chance = np.random.default_rng(seed)
    truth = chance.integers(2, size=TASKS)
    task, worker = np.repeat(np.arange(TASKS), WORKERS), np.tile(np.arange(WORKERS), TASKS)
    right = np.where(worker == 0, np.where(task < TASKS // 2, before, now), 0.9)
    said = np.where(chance.random(len(task)) < right, truth[task], 1 - truth[task])
    answers = Answers.of(task=task, worker=worker, said=said, tasks=TASKS, workers=WORKERS, classes=2)
    gold = np.where(np.arange(TASKS) % 10 == 0, truth, UNKNOWN)
    recency = np.arange(len(task), dtype=np.int32)[::-1].copy()
    learnt = learn_part(answers, gold=gold, recency=recency if knows_time else None)
    return [rate for rate in learnt.rates if isinstance(rate, float)]


@pytest.mark.parametrize(("before", "now"), [(0.95, 0.5), (0.55, 0.97)])
def test_who_has_changed_is_weighed_by_what_they_said_lately(before: float, now: float) -> None:
    changed, *others = rates(before=before, now=now)
    alike, *plain = rates(before=before, now=now, knows_time=False)

    assert changed == pytest.approx(now, abs=0.15)
    assert alike == pytest.approx((before + now) / 2, abs=0.06)
    assert others == plain


def test_where_nobody_has_changed_time_makes_no_difference() -> None:
    assert all(rates(seed=seed) == rates(seed=seed, knows_time=False) for seed in range(20))

"""What weighs the answers of a job once all are in: a model that held-out answers prove, else what weighed them."""

from dataclasses import replace

import numpy as np
import pytest

from qualification.statistics.fusion.answers import UNKNOWN, Answers
from qualification.statistics.fusion.fitting import learn_part
from qualification.statistics.fusion.heldout import GoldView
from qualification.statistics.fusion.selector import Candidate, overruled_by_gold, tried
from qualification.statistics.fusion.votes import Majority, OneCoin
from qualification.statistics.parts import Rates
from tests.qualification.crowds import Crowd, a_biased_crowd, a_crowd, matrices_of

USUAL = "one coin"


def method_of(crowd: Crowd, *, gold: float = 0.05, is_last: bool = True) -> tuple[str, str]:
    fitted = learn_part(crowd.answers, gold=crowd.gold(gold), is_last=is_last).fitted
    return fitted.method, fitted.because


def right_by(crowd: Crowd, rates: tuple[Rates | None, ...]) -> float:
    """The share of tasks whose label is the truth where each answer weighs what is known of its worker."""
    classes, answers = crowd.answers.classes, crowd.answers
    totals = np.zeros((answers.tasks, classes))
    for task, worker, said in zip(answers.task, answers.worker, answers.said, strict=True):
        known = rates[worker]
        chances = (
            np.array(known)[:, said]
            if isinstance(known, tuple)
            else np.where(np.arange(classes) == said, known, (1 - (known or 0.5)) / (classes - 1))
        )
        totals[task] += np.log(chances.astype(float))
    return crowd.right(totals.argmax(axis=1).astype(np.int32))


def test_a_model_that_tells_held_out_answers_surely_better_leads_once_all_are_in() -> None:
    crowd = a_biased_crowd()
    gold = crowd.gold(0.02)

    running, last = (learn_part(crowd.answers, gold=gold, is_last=is_last) for is_last in (False, True))

    assert (running.fitted.method, running.fitted.because) == (USUAL, "gold speaks for nothing else")
    assert last.fitted.method in {"Dawid-Skene with priors", "Dawid-Skene", "IBCC"}
    assert last.fitted.because == "it tells held-out answers best"
    assert right_by(crowd, last.rates) > right_by(crowd, running.rates) + 0.02


def test_where_workers_differ_in_accuracy_alone_what_weighed_their_answers_goes_on() -> None:
    crowd = a_crowd(matrices=matrices_of(np.linspace(0.55, 0.95, 20), 2), tasks=300, overlap=5)

    assert method_of(crowd) == (USUAL, "nothing else tells held-out answers surely better")


def test_answers_at_random_let_no_model_lead() -> None:
    answers = Answers.of(
        task=np.repeat(np.arange(60), 2),
        worker=np.tile([0, 1], 60),
        said=np.tile([0, 1, 1, 0], 30),
        tasks=60,
        workers=2,
        classes=2,
    )

    learnt = learn_part(answers, gold=[UNKNOWN] * 60, is_last=True)

    assert learnt.fitted.method == USUAL
    assert {trial.against for trial in learnt.tried[3:]} == {"answers agree no better than chance"}


def test_where_nobody_errs_votes_alone_do_not_take_the_lead() -> None:
    """They tell such answers better only because nobody is taken for right in more than 99 of 100."""
    answers = Answers.of(
        task=np.repeat(np.arange(60), 2), worker=np.tile([0, 1], 60), said=[0] * 120, tasks=60, workers=2, classes=2
    )

    learnt = learn_part(answers, gold=[UNKNOWN] * 60, is_last=True)

    assert (learnt.fitted.method, learnt.fitted.because) == (
        USUAL,
        "nothing else tells held-out answers surely better",
    )
    assert (learnt.tried[1].told_better or 0) > 5 * (learnt.tried[1].told_error or 0)


def test_what_was_tried_is_told_with_majority_vote_always_among_it() -> None:
    crowd = a_biased_crowd()

    without_gold = learn_part(crowd.answers, gold=crowd.gold(0)).tried
    with_gold = learn_part(crowd.answers, gold=crowd.gold(0.1)).tried
    last = learn_part(crowd.answers, gold=crowd.gold(0.1), is_last=True).tried

    assert [(trial.method, trial.right_on_gold) for trial in without_gold] == [(USUAL, None), ("majority vote", None)]
    assert [trial.method for trial in with_gold] == [USUAL, "majority vote", "Dawid-Skene with priors", "IBCC"]
    assert all(0 < (trial.right_on_gold or 0) <= 1 for trial in with_gold)
    assert [trial.method for trial in last[2:]] == [
        "votes weighted by gold",
        "Dawid-Skene with priors",
        "IBCC",
        "Dawid-Skene",
    ]
    assert [trial.told_better is not None for trial in last] == [False, True, False, True, True, True]


def gold_on_which(candidate: Candidate, right: list[bool]) -> Candidate:
    """The candidate, as if it had been right on these gold tasks of class 0 and wrong on the others."""
    posterior = np.array([[0.9, 0.1] if is_right else [0.1, 0.9] for is_right in right])
    places = np.arange(len(right), dtype=np.int32)
    view = GoldView(posterior, posterior, np.zeros(len(right), dtype=np.int32), places, np.ones(len(right)))
    return replace(candidate, gold=view, right_on_gold=float(np.mean(right)))


@pytest.mark.parametrize(("apart", "leads"), [(3, USUAL), (4, "majority vote")])
def test_majority_vote_takes_the_lead_back_where_gold_speaks_for_it(apart: int, leads: str) -> None:
    """Four gold tasks on which it alone is right happen by chance in 6%: too often to win by, but it is the floor."""
    crowd = a_crowd(matrices=matrices_of(np.full(9, 0.7), 2), tasks=30, overlap=3)
    no_gold = crowd.gold(0)
    floor = gold_on_which(tried(Majority(), crowd.answers, no_gold), [True] * 10)
    usual = gold_on_which(tried(OneCoin(), crowd.answers, no_gold), [False] * apart + [True] * (10 - apart))

    chosen, because = overruled_by_gold(usual, "so far", everybody=[usual, floor], floors=[floor])

    assert chosen.fit.method.name == leads
    assert because == ("so far" if leads == USUAL else "gold speaks against what would lead")

"""The selector: each rule on a crowd that calls for it, and majority vote as the floor."""

import numpy as np
import pytest

from qualification.statistics.fusion.answers import UNKNOWN, Answers
from qualification.statistics.fusion.fuse import fuse
from qualification.statistics.fusion.selector import Candidate, Selection, select
from qualification.statistics.fusion.votes import majority
from tests.qualification.crowds import Crowd, a_biased_crowd, a_crowd, a_mixed_crowd, matrices_of


def method_of(selection: Selection) -> str:
    return selection.chosen.fit.method.name


def named(selection: Selection, name: str) -> Candidate:
    return next(candidate for candidate in selection.candidates if candidate.fit.method.name == name)


def a_crowd_of_rules(*, tasks: int = 900, seed: int = 3) -> Crowd:
    """Thirty workers who each know one class only and say it where it is so, or by mistake: seldom, or often."""
    chance = np.random.default_rng(seed)
    truth = chance.integers(3, size=tasks).astype(np.int32)
    task, worker, said = [], [], []
    for rule in range(30):
        own, precise = rule % 3, rule < 12
        fires = np.flatnonzero(chance.random(tasks) < np.where(truth == own, 0.2, 0.01 if precise else 0.1))
        task += list(fires)
        worker += [rule] * len(fires)
        said += [own] * len(fires)
    answers = Answers.of(task=task, worker=worker, said=said, tasks=tasks, workers=30, classes=3)
    return Crowd(answers=answers, truth=truth, matrices=np.empty((0, 3, 3)))


def test_workers_with_habits_of_their_own_call_for_a_matrix_each() -> None:
    crowd = a_biased_crowd()
    selection = select(crowd.answers)

    assert method_of(selection) in {"Dawid-Skene with priors", "Dawid-Skene", "IBCC"}
    assert selection.because == "it tells held-out answers best"
    assert crowd.right(selection.chosen.fit.labels) > crowd.right(majority(crowd.answers).labels) + 0.03


def test_where_all_workers_are_alike_there_is_nothing_to_learn_and_votes_are_counted() -> None:
    crowd = a_crowd(matrices=matrices_of(np.full(300, 0.75), 2), tasks=200, overlap=5)
    selection = select(crowd.answers)

    assert method_of(selection) == "majority vote"
    assert selection.because == "no model tells held-out answers better"
    assert {candidate.against for candidate in selection.candidates[2:]} == {
        "it tells held-out answers no better than majority vote"
    }


def test_answers_at_random_teach_nothing() -> None:
    """No more agreement than by chance, and a little less, so that the draw cannot say otherwise."""
    answers = Answers.of(
        task=np.repeat(np.arange(60), 2),
        worker=np.tile([0, 1], 60),
        said=np.tile([0, 1, 1, 0], 30),
        tasks=60,
        workers=2,
        classes=2,
    )
    selection = select(answers)

    assert selection.alpha is not None
    assert selection.alpha < 0
    assert method_of(selection) == "majority vote"
    assert {candidate.against for candidate in selection.candidates[2:]} == {"answers agree no better than chance"}


def test_rules_that_only_ever_say_one_class_are_counted_until_gold_weighs_them() -> None:
    crowd = a_crowd_of_rules()
    alone, with_gold = select(crowd.answers), select(crowd.answers, gold=crowd.gold(0.2))

    assert method_of(alone) == "majority vote"
    assert {candidate.against for candidate in alone.candidates[2:]} == {
        "most answers come from workers who only ever say one class"
    }
    assert method_of(with_gold) == "votes weighted by gold"
    assert with_gold.because == "it is right on gold more often"
    left = slice(180, None)
    floor = np.mean(majority(crowd.answers).labels[left] == crowd.truth[left])
    assert np.mean(with_gold.chosen.fit.labels[left] == crowd.truth[left]) > floor + 0.02


def test_gold_overrules_what_agreement_says() -> None:
    """Twelve workers share one wrong idea of the second class, eight are right; only gold can know."""
    together, right = [[0.95, 0.05], [0.75, 0.25]], [[0.9, 0.1], [0.1, 0.9]]
    crowd = a_crowd(matrices=np.array([together] * 12 + [right] * 8), tasks=500, overlap=7, seed=8)
    gold = crowd.gold(0.2)
    left = gold == UNKNOWN
    selection = select(crowd.answers, gold=gold)

    floor = np.mean(majority(crowd.answers).labels[left] == crowd.truth[left])
    assert np.mean(selection.chosen.fit.labels[left] == crowd.truth[left]) > floor + 0.1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "matrices",
    [
        matrices_of(np.linspace(0.3, 0.7, 12), 4),
        matrices_of(np.full(80, 0.55), 3),
        np.array([[[0.5, 0.5], [0.5, 0.5]]] * 6 + [[[0.9, 0.1], [0.1, 0.9]]] * 2),
    ],
    ids=["poor workers", "many strangers", "mostly spam"],
)
def test_majority_vote_is_the_floor(matrices: np.ndarray, seed: int) -> None:
    crowd = a_crowd(matrices=matrices, tasks=200, overlap=4, seed=seed)
    gold = crowd.gold(0.1)
    left = gold == UNKNOWN
    chosen = fuse(crowd.answers, gold=gold)

    floor = np.mean(majority(crowd.answers).labels[left] == crowd.truth[left])
    assert np.mean(chosen.labels[left] == crowd.truth[left]) > floor - 0.03


def test_the_selection_says_what_it_looked_at() -> None:
    crowd = a_mixed_crowd(tasks=300)
    selection = select(crowd.answers, gold=crowd.gold(0.1))

    assert [candidate.fit.method.name for candidate in selection.candidates] == [
        "majority vote",
        "votes weighted by gold",
        "one coin",
        "Dawid-Skene with priors",
        "IBCC",
        "Dawid-Skene",
    ]
    coin = named(selection, "one coin")
    assert coin.told_better is not None and coin.told_error is not None and coin.right_on_gold is not None
    assert coin.told_better > coin.told_error > 0
    assert coin.unnamed == 0.0
    assert 0.7 < coin.right_on_gold <= 1.0
    assert len(coin.gold.truth) == 30


def a_job_with_much_answered_gold() -> tuple[Answers, np.ndarray]:
    """Forty tasks with 3 answers each, two of gold with 12; and the truth of all."""
    chance = np.random.default_rng(5)
    task = np.concatenate([np.repeat(np.arange(40), 3), np.repeat([40, 41], 12)])
    worker = np.concatenate([np.tile(np.arange(12), 10), np.tile(np.arange(12), 2)])
    truth = np.arange(42) % 2
    said = np.where(chance.random(len(task)) < 0.8, truth[task], 1 - truth[task])
    return Answers.of(task=task, worker=worker, said=said, tasks=42, workers=12, classes=2), truth


def test_gold_that_everybody_answers_is_looked_at_in_pieces_of_the_size_of_work() -> None:
    """Each is seen four times, and counts once."""
    answers, truth = a_job_with_much_answered_gold()
    gold = np.full(42, UNKNOWN)
    gold[40:] = truth[40:]
    view = select(answers, gold=gold).candidates[0].gold

    assert view.task.tolist() == [40] * 4 + [41] * 4
    assert view.votes.sum(axis=1).tolist() == [3.0] * 8
    assert view.weight.tolist() == [0.25] * 8


def test_work_that_was_inspected_stays_in_one_piece() -> None:
    answers, truth = a_job_with_much_answered_gold()
    gold = np.full(42, UNKNOWN)
    gold[[0, 40, 41]] = truth[[0, 40, 41]]
    view = select(answers, gold=gold).candidates[0].gold

    assert view.task.tolist() == [0] + [40] * 3 + [41] * 3
    assert view.weight.tolist() == pytest.approx([1] + [1 / 3] * 6)


@pytest.mark.parametrize("classes", [1, 2])
def test_jobs_without_anything_to_go_by_are_counted(classes: int) -> None:
    nothing = Answers.of(task=[], worker=[], said=[], tasks=3, workers=0, classes=classes)
    alone = Answers.of(task=[0, 1], worker=[0, 1], said=[0, 0], tasks=2, workers=2, classes=classes)

    for answers in (nothing, alone):
        assert method_of(select(answers)) == "majority vote"
        assert fuse(answers).posterior.sum(axis=1) == pytest.approx(np.ones(answers.tasks))


def test_the_same_job_is_always_labelled_the_same() -> None:
    crowd = a_mixed_crowd(tasks=150)
    first, again = (fuse(crowd.answers, gold=crowd.gold(0.1)) for _ in range(2))

    assert first.posterior.tobytes() == again.posterior.tobytes()
    assert method_of(first.selection) == method_of(again.selection)

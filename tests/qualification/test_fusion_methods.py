"""Fusion: methods find what simulated crowds hide, gold holds them, and no name or order makes a difference."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualification.statistics.fusion.answers import UNKNOWN, Answers
from qualification.statistics.fusion.em import Fit, Method, fit
from qualification.statistics.fusion.matrices import DawidSkene, Ibcc, InformedDawidSkene
from qualification.statistics.fusion.votes import GoldWeighted, Majority, OneCoin, majority, weighted_majority
from tests.qualification.crowds import a_biased_crowd, a_crowd, a_mixed_crowd, matrices_of

MODELS: list[Method] = [OneCoin(), DawidSkene(), InformedDawidSkene(), Ibcc()]
ALL: list[Method] = [Majority(), GoldWeighted(), *MODELS]

by_name = pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)
models = pytest.mark.parametrize("method", MODELS, ids=lambda method: method.name)


def answers(*said: tuple[int, int, int], classes: int = 2) -> Answers:
    """From (task, worker, class) each."""
    task, worker, what = zip(*said, strict=True) if said else ((), (), ())
    return Answers.of(
        task=task,
        worker=worker,
        said=what,
        tasks=max(task, default=-1) + 1,
        workers=max(worker, default=-1) + 1,
        classes=classes,
    )


def test_majority_vote_gives_a_tie_to_the_class_that_stands_first() -> None:
    job = answers((0, 0, 2), (0, 1, 1), (1, 0, 2), (1, 1, 2), (1, 2, 0), classes=3)
    vote = majority(job)

    assert vote.labels.tolist() == [1, 2]
    assert vote.posterior == pytest.approx(np.array([[0, 1 / 2, 1 / 2], [1 / 3, 0, 2 / 3]]))
    assert (vote.steps, vote.converged) == (1, True)


def test_votes_weighted_by_gold_follow_the_worker_whom_gold_shows_right() -> None:
    """Worker 0 is right on ten gold tasks, workers 1 and 2 are wrong on all; on the last task 1 and 2 outvote 0."""
    said = [(task, worker, int(worker > 0)) for task in range(11) for worker in range(3)]
    gold = np.array([0] * 10 + [UNKNOWN])

    assert majority(answers(*said), gold=gold).labels[-1] == 1
    assert weighted_majority(answers(*said), gold=gold).labels[-1] == 0


def test_without_gold_weighted_votes_are_votes() -> None:
    crowd = a_mixed_crowd()

    assert (weighted_majority(crowd.answers).labels == majority(crowd.answers).labels).all()


@models
def test_a_model_is_right_more_often_than_majority_vote_where_workers_differ(method: Method) -> None:
    crowd = a_mixed_crowd(tasks=600)
    found = fit(method, crowd.answers)

    assert found.converged
    assert crowd.right(found.labels) > crowd.right(majority(crowd.answers).labels) + 0.02


def test_one_coin_finds_the_workers_accuracies() -> None:
    accuracies = np.linspace(0.35, 0.95, 25)
    crowd = a_crowd(matrices=matrices_of(accuracies, 3), tasks=1500, overlap=7)
    workers = np.arange(25, dtype=np.int32)
    found = fit(OneCoin(), crowd.answers).parameters.confusion(workers)[:, 0, 0]

    assert np.abs(found - accuracies).max() < 0.08


@pytest.mark.parametrize("method", MODELS[1:], ids=lambda method: method.name)
def test_matrices_find_what_one_accuracy_cannot(method: Method) -> None:
    crowd = a_biased_crowd()
    found = fit(method, crowd.answers)

    assert crowd.right(found.labels) > crowd.right(fit(OneCoin(), crowd.answers).labels) + 0.03
    confusion = found.parameters.confusion(np.arange(30, dtype=np.int32))
    assert np.abs(confusion - crowd.matrices).mean() < 0.06
    assert confusion.sum(axis=2) == pytest.approx(1.0)


def test_priors_hold_where_maximum_likelihood_fits_noise() -> None:
    """Sixty workers with about seven answers each over five classes: a matrix each has more cells than answers."""
    crowd = a_crowd(matrices=matrices_of(np.full(60, 0.7), 5), tasks=140, overlap=3, seed=4)
    right = {method.name: crowd.right(fit(method, crowd.answers).labels) for method in MODELS}

    assert right["Dawid-Skene with priors"] > right["Dawid-Skene"] + 0.05
    assert right["IBCC"] > right["Dawid-Skene"] + 0.05


def test_each_step_of_maximum_likelihood_is_likelier_than_the_one_before() -> None:
    crowd = a_biased_crowd(tasks=150, overlap=4)
    likelihoods = [
        fit(DawidSkene(), crowd.answers, most_steps=steps, tolerance=0.0).log_likelihood for steps in range(1, 30)
    ]

    assert all(later > earlier - 1e-2 for earlier, later in pairwise(likelihoods))
    assert likelihoods[-1] > likelihoods[0] + 10


@by_name
def test_gold_stays_what_it_is(method: Method) -> None:
    crowd = a_mixed_crowd(tasks=60, overlap=2)
    gold = (crowd.gold(0.5) + 1) % 3  # wrong on purpose, and known for every task
    gold[30:] = UNKNOWN
    found = fit(method, crowd.answers, gold=gold)

    assert (found.labels[:30] == gold[:30]).all()
    assert (found.posterior[:30].max(axis=1) == 1.0).all()


@models
def test_gold_turns_a_crowd_that_is_wrong_together(method: Method) -> None:
    """Most workers say the other of two classes; agreement alone would believe them."""
    crowd = a_crowd(matrices=np.array([[[0.2, 0.8], [0.8, 0.2]]] * 12 + [[[0.95, 0.05], [0.05, 0.95]]] * 8), tasks=300)
    gold = crowd.gold(0.3)
    left = gold == UNKNOWN
    alone, anchored = fit(method, crowd.answers), fit(method, crowd.answers, gold=gold)

    assert np.mean(alone.labels[left] == crowd.truth[left]) < 0.5
    assert np.mean(anchored.labels[left] == crowd.truth[left]) > 0.85


@models
def test_five_steps_from_the_last_fit_are_enough_after_some_new_answers(method: Method) -> None:
    crowd = a_mixed_crowd(tasks=500, overlap=6)
    before = crowd.answers.only(np.arange(crowd.answers.size) % 20 != 0)
    cold = fit(method, crowd.answers)
    warm = fit(method, crowd.answers, start=fit(method, before).posterior, most_steps=5)

    assert np.mean(warm.labels == cold.labels) > 0.97
    assert crowd.right(warm.labels) > crowd.right(cold.labels) - 0.01


@by_name
@pytest.mark.parametrize(
    "job",
    [
        answers((0, 0, 1)),
        answers((0, 0, 1), (1, 0, 0), (2, 0, 1)),
        answers((0, 0, 0), (0, 1, 0), (1, 0, 0), classes=1),
        Answers.of(task=[2], worker=[1], said=[0], tasks=4, workers=3, classes=3),
        Answers.of(task=[], worker=[], said=[], tasks=2, workers=1, classes=2),
        Answers.of(task=[], worker=[], said=[], tasks=0, workers=0, classes=2),
        answers((0, 0, 1), (0, 0, 1), (0, 0, 0)),
    ],
    ids=["one answer", "one worker", "one class", "tasks without answers", "no answer", "nothing", "a repeated turn"],
)
def test_small_jobs_have_honest_posteriors(method: Method, job: Answers) -> None:
    found = fit(method, job)

    assert found.posterior.shape == (job.tasks, job.classes)
    assert np.isfinite(found.posterior).all()
    assert found.posterior.sum(axis=1) == pytest.approx(np.ones(job.tasks))
    for task in np.flatnonzero(job.votes.sum(axis=1) == 1):
        assert found.labels[task] == job.votes[task].argmax()


@models
def test_a_worker_of_one_answer_is_like_everybody(method: Method) -> None:
    if isinstance(method, DawidSkene):
        pytest.skip("Maximum likelihood believes one answer: that is what the priors are for.")
    crowd = a_crowd(matrices=matrices_of(np.full(10, 0.8), 2), tasks=300, overlap=5)
    job = crowd.answers
    stranger = Answers.of(
        task=[*job.task, 0],
        worker=[*job.worker, 10],
        said=[*job.said, 0],
        tasks=300,
        workers=11,
        classes=2,
    )
    matrices = fit(method, stranger).parameters.confusion(np.arange(11, dtype=np.int32))

    assert np.diag(matrices[10]) == pytest.approx(np.diag(matrices[:10].mean(axis=0)), abs=0.1)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"task": [0, 1]}, "Tasks, workers and what was said are three lists of one length."),
        ({"task": [5]}, "Each task is an index from 0 to 1; 5 to 5 is not."),
        ({"worker": [-1]}, "Each worker is an index from 0 to 0; -1 to -1 is not."),
        ({"said": [2]}, "Each class is an index from 0 to 1; 2 to 2 is not."),
        ({"classes": 0}, "2 tasks, 1 workers and 0 classes are no job."),
        ({"workers": 2**30, "classes": 4}, "2 tasks, 1073741824 workers and 4 classes are no job."),
    ],
)
def test_what_is_no_job_is_refused(change: dict[str, Any], fault: str) -> None:
    job: dict[str, Any] = {"task": [0], "worker": [0], "said": [0], "tasks": 2, "workers": 1, "classes": 2}

    with pytest.raises(ValueError) as refusal:
        Answers.of(**{**job, **change})

    assert str(refusal.value) == fault


@pytest.mark.parametrize("gold", [[0], [0, 2], [-2, 0], [0.0, 1.0]])
def test_what_is_no_gold_is_refused(gold: list[float]) -> None:
    with pytest.raises(ValueError, match="Gold is"):
        fit(Majority(), answers((0, 0, 1), (1, 0, 0)), gold=gold)


def test_a_start_of_another_job_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 2 tasks by 2 classes"):
        fit(OneCoin(), answers((0, 0, 1), (1, 0, 0)), start=np.full((3, 2), 0.5))


jobs = st.integers(2, 4).flatmap(
    lambda classes: st.lists(
        st.tuples(st.integers(0, 7), st.integers(0, 4), st.integers(0, classes - 1)), min_size=1, max_size=40
    ).map(lambda said: (classes, said))
)


def fitted(method: Method, job: Answers) -> Fit:
    return fit(method, job, most_steps=15)


@by_name
@settings(max_examples=25, deadline=None)
@given(job=jobs, chance=st.randoms(use_true_random=False))
def test_the_order_of_answers_and_the_names_of_all_make_no_difference(
    method: Method, job: tuple[int, list[tuple[int, int, int]]], chance: Any
) -> None:
    classes, said = job
    tasks, workers, names = (chance.sample(range(size), size) for size in (8, 5, classes))
    plain = Answers.of(
        task=[t for t, _, _ in said],
        worker=[w for _, w, _ in said],
        said=[c for _, _, c in said],
        tasks=8,
        workers=5,
        classes=classes,
    )
    shuffled = chance.sample(said, len(said))
    renamed = Answers.of(
        task=[tasks[t] for t, _, _ in shuffled],
        worker=[workers[w] for _, w, _ in shuffled],
        said=[names[c] for _, _, c in shuffled],
        tasks=8,
        workers=5,
        classes=classes,
    )

    before, after = fitted(method, plain), fitted(method, renamed)

    assert after.posterior[np.ix_(tasks, names)] == pytest.approx(before.posterior, abs=1e-6)
    assert after.posterior.sum(axis=1) == pytest.approx(np.ones(8))


@by_name
@settings(max_examples=25, deadline=None)
@given(job=jobs)
def test_the_same_answers_give_the_same_bits(method: Method, job: tuple[int, list[tuple[int, int, int]]]) -> None:
    classes, said = job
    again = [fitted(method, answers(*order, classes=classes)).posterior.tobytes() for order in (said, said[::-1])]

    assert again[0] == again[1]


@settings(max_examples=25, deadline=None)
@given(job=jobs, times=st.integers(2, 4))
def test_shares_do_not_change_when_all_answers_come_several_times(
    job: tuple[int, list[tuple[int, int, int]]], times: int
) -> None:
    classes, said = job

    once, often = majority(answers(*said, classes=classes)), majority(answers(*said * times, classes=classes))

    assert often.posterior == pytest.approx(once.posterior)
    assert (often.labels == once.labels).all()

"""One task after each answer: exact beliefs, when another answer is worth it, and new answers between two fits."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualification.statistics.fusion.answers import UNKNOWN, Answers
from qualification.statistics.fusion.between import absorb
from qualification.statistics.fusion.em import Method, fit
from qualification.statistics.fusion.matrices import DawidSkene, Ibcc, InformedDawidSkene
from qualification.statistics.fusion.online import (
    Belief,
    Calibration,
    ErrorRates,
    Policy,
    gain_of_asking,
    judge,
)
from qualification.statistics.fusion.votes import GoldWeighted, OneCoin, majority
from qualification.statistics.stopping import Decision
from tests.qualification.crowds import a_mixed_crowd

AS_IT_IS = Calibration()
GOOD = ErrorRates.of_coin(0.9, classes=2)
LEARNING: list[Method] = [GoldWeighted(), OneCoin(), DawidSkene(), InformedDawidSkene(), Ibcc()]


def a_belief(*said: int, classes: int = 2, accuracy: float = 0.9) -> Belief:
    belief = Belief.before([1 / classes] * classes)
    for one in said:
        belief = belief.after(one, ErrorRates.of_coin(accuracy, classes=classes))
    return belief


def a_policy(*, confidence: float = 0.95, least: int = 1, most: int = 5, gain: float = 0.005) -> Policy:
    return Policy(confidence=confidence, overlap_min=least, overlap_max=most, least_gain=gain)


def test_a_belief_is_bayes_rule() -> None:
    rates = ErrorRates(((0.9, 0.1), (0.3, 0.7)))
    belief = Belief.before([0.25, 0.75]).after(0, rates).after(1, rates)

    first, second = 0.25 * 0.9 * 0.1, 0.75 * 0.3 * 0.7
    assert AS_IT_IS.believed(belief) == pytest.approx((first / (first + second), second / (first + second)))
    assert belief.votes == (1, 1)
    assert belief.answers == 2


def test_many_answers_are_worth_less_than_independent_ones() -> None:
    belief = a_belief(0, 0, 0, 0)
    discounted = Calibration(discount=1.0).believed(belief)[0]

    assert AS_IT_IS.believed(belief)[0] == pytest.approx(0.9**4 / (0.9**4 + 0.1**4))
    assert discounted == pytest.approx(0.9)


def test_a_floor_leaves_something_to_every_class() -> None:
    assert Calibration(floor=0.06).believed(a_belief(*[0] * 40, classes=3)) == pytest.approx((0.96, 0.02, 0.02))


@pytest.mark.parametrize(
    ("said", "policy", "decision"),
    [
        ([0], a_policy(least=2), Decision.ONE_MORE),
        ([0, 0], a_policy(least=2), Decision.RESOLVED),
        ([0, 1], a_policy(), Decision.ONE_MORE),
        ([0, 1, 0, 1], a_policy(most=4), Decision.ESCALATE),
        ([0], a_policy(most=1), Decision.RESOLVED),
        ([0], a_policy(confidence=0.9), Decision.RESOLVED),
        ([0], a_policy(confidence=0.9001), Decision.ONE_MORE),
        ([0, 1], a_policy(gain=0.45), Decision.ESCALATE),
    ],
    ids=[
        "too few",
        "sure",
        "undecided",
        "undecided with all",
        "asked only once",
        "just sure enough",
        "just not",
        "not worth its price",
    ],
)
def test_what_becomes_of_a_task(said: list[int], policy: Policy, decision: Decision) -> None:
    verdict = judge(a_belief(*said), policy=policy, calibration=AS_IT_IS, next_accuracy=0.9)

    assert verdict.decision is decision
    assert verdict.leader == 0


def test_who_wants_no_person_for_it_gets_the_honest_confidence() -> None:
    verdict = judge(
        a_belief(0, 1),
        policy=a_policy(most=2),
        calibration=AS_IT_IS,
        next_accuracy=0.9,
        unsure_is_escalated=False,
    )

    assert verdict.decision is Decision.RESOLVED
    assert verdict.confidence == pytest.approx(0.5)


def test_what_an_answer_is_worth() -> None:
    """At even odds one answer of a worker right in 0.8 gains 0.3; behind two such answers it takes three to turn."""
    assert gain_of_asking([0.5, 0.5], left=1, next_accuracy=0.8) == pytest.approx(0.3)
    sure = [0.8**2 / (0.8**2 + 0.2**2), 0.2**2 / (0.8**2 + 0.2**2)]
    assert gain_of_asking(sure, left=2, next_accuracy=0.8) == pytest.approx(0.0, abs=1e-12)
    right, wrong = sure
    three_against = right * 0.2**3, wrong * 0.8**3
    assert gain_of_asking(sure, left=3, next_accuracy=0.8) == pytest.approx((three_against[1] - three_against[0]) / 3)


@pytest.mark.parametrize(("left", "accuracy"), [(0, 0.9), (5, 0.5), (5, 0.1)])
def test_nothing_is_gained_by_nobody_and_by_those_who_guess(left: int, accuracy: float) -> None:
    assert gain_of_asking([0.5, 0.5], left=left, next_accuracy=accuracy) == pytest.approx(0.0, abs=1e-12)


def test_answers_that_repeat_others_are_worth_less() -> None:
    worth = [gain_of_asking([0.6, 0.4], left=9, next_accuracy=0.8, weight=6**-d) for d in (0.0, 0.4, 0.8)]

    assert worth == sorted(worth, reverse=True)
    assert worth[0] > 5 * worth[-1] > 0


@given(
    st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6),
    st.integers(0, 20),
    st.integers(0, 12),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.2),
)
def test_an_answer_never_promises_harm_nor_more_than_there_is_to_gain(
    weights: list[float], answers: int, left: int, accuracy: float, discount: float
) -> None:
    believed = [weight / math.fsum(weights) for weight in weights]
    gain = gain_of_asking(believed, left=left, next_accuracy=accuracy, weight=(answers + 1) ** -discount)

    assert -1e-9 <= gain <= 1 - max(believed) + 1e-9


@given(
    st.lists(st.integers(0, 2), max_size=30),
    st.floats(0.34, 0.99),
    st.floats(0, 1.2),
    st.floats(0, 3),
    st.floats(0, 0.5),
)
def test_what_is_shown_is_a_probability(
    said: list[int], accuracy: float, discount: float, vote_weight: float, floor: float
) -> None:
    calibration = Calibration(discount=discount, vote_weight=vote_weight, floor=floor)
    believed = calibration.believed(a_belief(*said, classes=3, accuracy=accuracy))

    assert math.fsum(believed) == pytest.approx(1.0)
    assert all(floor / 3 - 1e-12 <= chance <= 1 for chance in believed)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"gain": 1.0}, "least_gain is a number from 0 to below 1, not 1.0."),
        ({"gain": -0.1}, "least_gain is a number from 0 to below 1, not -0.1."),
        ({"least": 6}, "overlap_min is 6, which is more than overlap_max, 5."),
    ],
)
def test_what_is_no_policy_is_refused(change: dict[str, float], fault: str) -> None:
    with pytest.raises(ValueError) as refusal:
        a_policy(**change)  # type: ignore[arg-type]  # numbers of either kind

    assert str(refusal.value) == fault


def test_a_decision_looks_at_the_task_alone() -> None:
    """Function calls are counted, not time: as many in a task of six answers, whatever the job around it."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    belief = a_belief(0, 1, 0, 2, 0, 0, classes=10)
    sys.setprofile(count)
    judge(belief, policy=a_policy(most=12), calibration=AS_IT_IS, next_accuracy=0.8)
    sys.setprofile(None)

    assert calls < 500


@pytest.mark.parametrize("method", LEARNING, ids=lambda method: method.name)
def test_new_answers_are_taken_in_by_one_pass(method: Method) -> None:
    crowd = a_mixed_crowd(tasks=500, overlap=6)
    gold = crowd.gold(0.1)
    late = np.arange(crowd.answers.size) % 12 == 0
    before = fit(method, crowd.answers.only(~late), gold=gold)
    absorbed = absorb(before, crowd.answers.only(late), gold=gold)
    anew = fit(method, crowd.answers, gold=gold)

    assert np.mean(absorbed.labels == anew.labels) > 0.94
    assert crowd.right(absorbed.labels) > crowd.right(before.labels)
    assert absorbed.statistics.cells.sum() == pytest.approx(anew.statistics.cells.sum())
    again = fit(method, crowd.answers, gold=gold, start=absorbed.posterior, most_steps=5)
    assert np.mean(again.labels == anew.labels) > 0.97


def test_new_tasks_and_new_workers_join_a_fit() -> None:
    job = Answers.of(
        task=np.repeat(np.arange(20), 3),
        worker=np.tile([0, 1, 2], 20),
        said=np.repeat(np.arange(20) % 2, 3),
        tasks=20,
        workers=3,
        classes=2,
    )
    joined = Answers.of(task=[20, 20, 21], worker=[0, 3, 1], said=[1, 1, 0], tasks=23, workers=4, classes=2)
    grown = absorb(fit(OneCoin(), job), joined)

    assert grown.posterior.shape == (23, 2)
    assert grown.labels[20:22].tolist() == [1, 0]
    assert grown.posterior[22] == pytest.approx([0.5, 0.5])
    accuracies = grown.parameters.confusion(np.arange(4, dtype=np.int32))[:, 0, 0]
    assert accuracies[0] > accuracies[3] > 0.5


def test_new_gold_comes_in_with_the_pass() -> None:
    crowd = a_mixed_crowd(tasks=50)
    before = fit(OneCoin(), crowd.answers)
    gold = np.full(50, UNKNOWN)
    gold[7] = (before.labels[7] + 1) % 3
    nothing = crowd.answers.only(np.zeros(crowd.answers.size, dtype=bool))

    assert absorb(before, nothing, gold=gold).labels[7] == gold[7]


def test_a_pass_over_another_job_is_refused() -> None:
    crowd = a_mixed_crowd(tasks=20)
    found = fit(OneCoin(), crowd.answers)

    for change, fault in [
        ({"tasks": 10}, "The fit knows 20 tasks, which is more than 10."),
        ({"workers": 5}, "The fit knows 30 workers and 3 classes."),
        ({"classes": 4}, "The fit knows 30 workers and 3 classes."),
    ]:
        sizes = {"tasks": 20, "workers": 30, "classes": 3, **change}
        with pytest.raises(ValueError) as refusal:
            absorb(found, Answers.of(task=[0], worker=[0], said=[0], **sizes))
        assert str(refusal.value) == fault
    with pytest.raises(ValueError, match="Majority vote is counted anew"):
        absorb(majority(crowd.answers), crowd.answers)

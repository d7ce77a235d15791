"""Estimates: the worst case to the cent, and forecasts that agree with the rule they foresee."""

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualification.labels.results import Answer
from qualification.labels.schema import parse_schema
from qualification.statistics.calibrated import calibrated_posterior
from qualification.statistics.consensus import Vote
from qualification.statistics.estimates import (
    Estimate,
    Forecast,
    estimate_job,
    task_outlook,
    turns_per_gold_task,
)
from qualification.statistics.stopping import Decision, decide

A_JOB: dict[str, Any] = {
    "tasks": 1_000,
    "gold_tasks": 50,
    "overlap_min": 2,
    "overlap_max": 5,
    "confidence": 0.95,
    "classes": 10,
    "gold_share_basis_points": 500,
    "reward_minor": 10,
    "fee_minor": 2,
}


def test_a_job_has_three_forecasts_and_an_exact_worst_case() -> None:
    assert estimate_job(**A_JOB) == Estimate(
        low=Forecast(answers=2_223, gold_answers=112, escalations=1, cost_minor=26_676),
        expected=Forecast(answers=2_780, gold_answers=139, escalations=30, cost_minor=33_360),
        high=Forecast(answers=4_215, gold_answers=211, escalations=182, cost_minor=50_580),
        worst_answers=1_000 * 5 + 300,
        worst_cost_minor=(1_000 * 5 + 300) * 12,
    )


def test_a_job_that_asks_once_costs_what_it_costs() -> None:
    once = estimate_job(**{**A_JOB, "overlap_min": 1, "overlap_max": 1, "gold_tasks": 0, "gold_share_basis_points": 0})

    exactly = Forecast(answers=1_000, gold_answers=0, escalations=0, cost_minor=12_000)
    assert once == Estimate(low=exactly, expected=exactly, high=exactly, worst_answers=1_000, worst_cost_minor=12_000)


def test_money_beyond_the_range_of_floats_stays_exact() -> None:
    dear = estimate_job(**{**A_JOB, "reward_minor": 10**15 + 1, "fee_minor": 1})

    assert dear.worst_cost_minor == 5_300 * (10**15 + 2)


@pytest.mark.parametrize(
    ("tasks", "gold_tasks", "overlap_max", "share", "turns"),
    [
        (1_000, 50, 5, 500, 6),  # 264 beside 5,000 are 5 %
        (1_000, 53, 5, 500, 5),
        (1_000, 52, 5, 500, 6),
        (1, 10, 1, 1, 1),
        (1_000, 50, 5, 0, 0),
        (1_000, 0, 5, 500, 0),
        (0, 5, 5, 500, 0),
    ],
)
def test_gold_has_turns_enough_for_the_worst_case(
    tasks: int, gold_tasks: int, overlap_max: int, share: int, turns: int
) -> None:
    assert (
        turns_per_gold_task(tasks=tasks, gold_tasks=gold_tasks, overlap_max=overlap_max, gold_share_basis_points=share)
        == turns
    )


def test_an_outlook_worked_out_by_hand() -> None:
    # Two classes at 0.85: two that agree are sure to 0.944; after a split the third one cannot make it sure.
    outlook = task_outlook(overlap_min=2, overlap_max=3, confidence=0.94, classes=2, accuracy=0.85)

    agree = 0.85**2 + 0.15**2
    assert outlook.answers == pytest.approx(2 * agree + 3 * (1 - agree))
    assert outlook.escalated == pytest.approx(1 - agree)


@pytest.mark.parametrize(("classes", "accuracy", "overlap_max"), [(2, 0.85, 7), (4, 0.7, 6), (10, 0.85, 5)])
def test_the_outlook_is_what_the_rule_does(classes: int, accuracy: float, overlap_max: int) -> None:
    labels = "ABCDEFGHIJ"[:classes]
    inside = "".join(f'<Choice value="{label}"/>' for label in labels)
    schema = parse_schema(
        f'<View><Text name="t" value="$t"/><Choices name="q" toName="t" required="true">{inside}</Choices></View>'
    )
    chance = random.Random(11)
    answers, escalated, tasks = 0, 0, 3_000
    for _ in range(tasks):
        votes: list[Vote] = []
        decision = Decision.ONE_MORE
        while decision is Decision.ONE_MORE:
            label = labels[0] if chance.random() < accuracy else chance.choice(labels[1:])
            votes.append(Vote(answer=Answer.of({"q": [label]}), reliability=accuracy))
            decision = decide(
                calibrated_posterior(schema, votes).confidence,
                answers=len(votes),
                overlap_min=2,
                overlap_max=overlap_max,
                confidence=0.95,
            )
        answers += len(votes)
        escalated += decision is Decision.ESCALATE
    outlook = task_outlook(overlap_min=2, overlap_max=overlap_max, confidence=0.95, classes=classes, accuracy=accuracy)

    assert answers / tasks == pytest.approx(outlook.answers, abs=0.08)
    assert escalated / tasks == pytest.approx(outlook.escalated, abs=0.03)


@given(
    overlap_min=st.integers(1, 5),
    more=st.integers(0, 6),
    confidence=st.floats(0.51, 0.999),
    classes=st.integers(2, 30),
    share=st.integers(0, 3_000),
)
def test_the_forecasts_are_in_order_and_never_above_the_worst_case(
    overlap_min: int, more: int, confidence: float, classes: int, share: int
) -> None:
    estimate = estimate_job(
        **{
            **A_JOB,
            "overlap_min": overlap_min,
            "overlap_max": overlap_min + more,
            "confidence": confidence,
            "classes": classes,
            "gold_share_basis_points": share,
        }
    )

    costs = [estimate.low.cost_minor, estimate.expected.cost_minor, estimate.high.cost_minor]
    assert costs == sorted(costs)
    assert 1_000 * overlap_min * 12 <= costs[0]
    assert costs[-1] <= estimate.worst_cost_minor
    assert estimate.high.answers <= estimate.worst_answers


def test_more_possible_answers_than_anyone_could_give_are_no_burden() -> None:
    assert (
        estimate_job(**{**A_JOB, "classes": 2**5_000}).low.answers
        == estimate_job(**{**A_JOB, "classes": 10_000}).low.answers
    )


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param({"tasks": -1}, "tasks is a whole number from 0, not -1.", id="B019-tasks"),
        pytest.param({"reward_minor": 1.1}, "reward_minor is a whole number from 0, not 1.1.", id="B021-reward"),
        pytest.param({"fee_minor": True}, "fee_minor is a whole number from 0, not True.", id="B022-fee"),
        pytest.param(
            {"gold_share_basis_points": 10_000},
            "A gold share is 0 to 9999 basis points, not 10000.",
            id="B034-all-gold",
        ),
        pytest.param(
            {"gold_share_basis_points": -1}, "A gold share is 0 to 9999 basis points, not -1.", id="B034-negative"
        ),
        pytest.param(
            {"confidence": "high"}, "confidence is a number between 0 and 1, both excluded, not 'high'.", id="B034-word"
        ),
        pytest.param({"overlap_max": 1}, "overlap_min is 2, which is more than overlap_max, 1.", id="min-over-max"),
        pytest.param(
            {"classes": 1}, "An accuracy of 0.95 is not between guessing among 1 answers and 1.", id="one-class"
        ),
    ],
)
def test_an_estimate_of_nonsense_is_refused(change: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(refusal)}$"):
        estimate_job(**{**A_JOB, **change})

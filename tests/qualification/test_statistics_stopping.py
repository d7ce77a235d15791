"""When to stop asking: every corner of the rule."""

import re

import pytest

from qualification.statistics.stopping import Decision, check_policy, decide


@pytest.mark.parametrize(
    ("answers", "overlap_min", "overlap_max", "confidence", "decision"),
    [
        (1, 2, 5, 0.99, Decision.ONE_MORE),
        (2, 2, 5, 0.99, Decision.RESOLVED),
        (2, 2, 5, 0.95, Decision.RESOLVED),
        (2, 2, 5, 0.95 - 1e-12, Decision.RESOLVED),
        (2, 2, 5, 0.94, Decision.ONE_MORE),
        (4, 2, 5, 0.94, Decision.ONE_MORE),
        (5, 2, 5, 0.95, Decision.RESOLVED),
        (5, 2, 5, 0.94, Decision.ESCALATE),
        (6, 2, 5, 0.94, Decision.ESCALATE),
        (3, 3, 3, 0.94, Decision.ESCALATE),
        (1, 1, 1, 0.6, Decision.RESOLVED),
        (0, 1, 1, 0.6, Decision.ONE_MORE),
        (1, 1, 2, 0.6, Decision.ONE_MORE),
    ],
)
def test_a_task_is_asked_until_it_is_sure_or_every_answer_is_in(
    answers: int, overlap_min: int, overlap_max: int, confidence: float, decision: Decision
) -> None:
    decided = decide(confidence, answers=answers, overlap_min=overlap_min, overlap_max=overlap_max, confidence=0.95)

    assert decided is decision


@pytest.mark.parametrize(
    ("answers", "believed", "is_worth_asking", "unsure_is_escalated", "decision"),
    [
        (1, 0.99, False, False, Decision.ONE_MORE),
        (2, 0.95, False, True, Decision.RESOLVED),
        (2, 0.94, True, False, Decision.ONE_MORE),
        (2, 0.94, False, True, Decision.ESCALATE),
        (2, 0.94, False, False, Decision.RESOLVED),
        (5, 0.94, True, False, Decision.RESOLVED),
    ],
)
def test_who_wants_no_person_gets_the_unsure_label_and_no_answer_is_asked_for_that_is_not_worth_it(
    *, answers: int, believed: float, is_worth_asking: bool, unsure_is_escalated: bool, decision: Decision
) -> None:
    decided = decide(
        believed,
        answers=answers,
        overlap_min=2,
        overlap_max=5,
        confidence=0.95,
        is_worth_asking=is_worth_asking,
        unsure_is_escalated=unsure_is_escalated,
    )

    assert decided is decision


@pytest.mark.parametrize(
    ("overlap_min", "overlap_max", "confidence", "refusal"),
    [
        pytest.param(0, 3, 0.9, "overlap_min is a whole number from 1, not 0.", id="B019-zero"),
        pytest.param(1, -3, 0.9, "overlap_max is a whole number from 1, not -3.", id="B019-negative"),
        pytest.param(True, 3, 0.9, "overlap_min is a whole number from 1, not True.", id="B022-true"),
        pytest.param(1.5, 3, 0.9, "overlap_min is a whole number from 1, not 1.5.", id="B021-float"),
        pytest.param(4, 3, 0.9, "overlap_min is 4, which is more than overlap_max, 3.", id="min-over-max"),
        pytest.param(
            1, 3, 1.0000001, "confidence is a number between 0 and 1, both excluded, not 1.0000001.", id="B034-over"
        ),
        pytest.param(1, 3, -0.1, "confidence is a number between 0 and 1, both excluded, not -0.1.", id="B034-under"),
        pytest.param(
            1, 3, "high", "confidence is a number between 0 and 1, both excluded, not 'high'.", id="B034-word"
        ),
        pytest.param(1, 3, 1.0, "confidence is a number between 0 and 1, both excluded, not 1.0.", id="B034-certain"),
        pytest.param(1, 3, float("nan"), "confidence is a number between 0 and 1, both excluded, not nan.", id="B025"),
        pytest.param(1, 3, True, "confidence is a number between 0 and 1, both excluded, not True.", id="B022"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(
    overlap_min: int, overlap_max: int, confidence: float, refusal: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(refusal)}$"):
        check_policy(overlap_min=overlap_min, overlap_max=overlap_max, confidence=confidence)
    with pytest.raises(ValueError, match=f"^{re.escape(refusal)}$"):
        decide(0.9, answers=1, overlap_min=overlap_min, overlap_max=overlap_max, confidence=confidence)

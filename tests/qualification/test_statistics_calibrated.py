"""Beliefs with a fit: honest, in any order, with any fit that there can be, and never without an answer."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema, parse_schema
from qualification.statistics.calibrated import calibrated_posterior, gain_of_one_more
from qualification.statistics.consensus import Vote
from qualification.statistics.fitted import UNFITTED, JobFit, PartFit, read_fit, read_rates, unfitted, written_part
from qualification.statistics.fusion.answers import UNKNOWN, Answers
from qualification.statistics.fusion.fitting import learn_part
from qualification.statistics.fusion.online import Calibration
from qualification.statistics.fusion.priors import WEIGHTED
from qualification.statistics.parts import Part, Rates, parts_of


def a_schema(*controls: str) -> LabelSchema:
    return parse_schema(f'<View><Text name="t" value="$t"/>{"".join(controls)}</View>')


def choices(name: str, labels: str, attributes: str = 'required="true"') -> str:
    inside = "".join(f'<Choice value="{label}"/>' for label in labels)
    return f'<Choices name="{name}" toName="t" {attributes}>{inside}</Choices>'


THREE = a_schema(choices("q", "ABC"))
MIXED = a_schema(choices("p", "YNU", ""), choices("q", "ABC", 'choice="multiple" required="true"'))
THE_PART = parts_of(THREE)[0]
AS_THEY_ARE = Calibration()


def vote(label: str, reliability: float = 0.8, rates: Rates | None = None) -> Vote:
    known: dict[Part, Rates] = {} if rates is None else {THE_PART: rates}
    return Vote(Answer.of({"q": [label]}), reliability, rates=known)


def a_fit(**known: object) -> JobFit:
    plain = PartFit(shares=(1 / 3,) * 3, calibration=AS_THEY_ARE, spread=(AS_THEY_ARE,) * 40)
    return JobFit({THE_PART: replace(plain, **known)})  # type: ignore[arg-type]  # names are those of the fields


def test_before_a_fit_two_who_agree_are_believed_as_far_as_crowds_are_on_average() -> None:
    belief = calibrated_posterior(THREE, [vote("A"), vote("A")], interval=True)

    prior = WEIGHTED.calibration
    odds = (0.8 * 2 / 0.2) ** (2 * 2**-prior.discount) * ((2 + 1 / 3) / (1 / 3)) ** prior.vote_weight
    assert belief.leader == Answer.of({"q": ["A"]})
    assert belief.confidence == pytest.approx((1 - prior.floor) * odds / (odds + 2) + prior.floor / 3)
    assert belief.low is not None and belief.high is not None
    assert 0.7 < belief.low < belief.confidence < belief.high < 1


def test_what_a_fit_knows_of_a_worker_counts_in_place_of_the_score() -> None:
    answers = [vote("A", 0.6, rates=0.9), vote("B", 0.99, rates=0.5)]

    belief = calibrated_posterior(THREE, answers, a_fit())

    odds_of_first, odds_of_second = 0.9 * 2 / 0.1, 0.5 * 2 / 0.5
    assert belief.leader == Answer.of({"q": ["A"]})
    assert belief.confidence == pytest.approx(odds_of_first / (odds_of_first + odds_of_second + 1))


def test_a_matrix_says_what_an_answer_means() -> None:
    """Who says B of everything but A tells that it is not A, and no more."""
    says_b = ((0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.05, 0.9, 0.05))

    belief = calibrated_posterior(THREE, [vote("B", rates=says_b)], a_fit())

    assert dict(belief.controls[0].probabilities) == pytest.approx({"A": 1 / 37, "B": 18 / 37, "C": 18 / 37})


def test_whom_a_fit_does_not_know_is_believed_by_their_score() -> None:
    assert calibrated_posterior(THREE, [vote("A", 0.9)], a_fit()).confidence == pytest.approx(0.9)


def test_where_votes_alone_count_nobody_counts_more() -> None:
    fit = a_fit(weighs_workers=False, calibration=Calibration(vote_weight=1.0))

    belief = calibrated_posterior(THREE, [vote("A", 0.99, rates=0.99), vote("B", 0.4), vote("B", 0.4)], fit)

    assert belief.leader == Answer.of({"q": ["B"]})
    assert belief.confidence == pytest.approx((2 + 1 / 3) / 4)


def test_a_fit_of_other_classes_is_as_none() -> None:
    other = JobFit({replace(THE_PART, classes=("A", "B")): unfitted(2, 1)})
    answers = [vote("A"), vote("C")]

    assert calibrated_posterior(THREE, answers, other) == calibrated_posterior(THREE, answers, UNFITTED)


def test_predictions_move_what_is_believed_and_are_no_votes() -> None:
    model = replace(vote("B", 0.95), is_model=True)

    belief = calibrated_posterior(THREE, [vote("A", 0.5), model])

    assert (belief.leader.chosen("q"), belief.majority.answer.chosen("q")) == (("B",), ("A",))
    assert belief.majority.votes == 1


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.floats(0, 1), st.floats(0.02, 0.99)), min_size=1, max_size=9),
    st.integers(),
)
def test_the_order_of_answers_does_not_matter(given_: list[tuple[str, float, float]], seed: int) -> None:
    answers = [vote(label, score, rates) for label, score, rates in given_]
    shuffled = random.Random(seed).sample(answers, len(answers))

    fit = a_fit(calibration=WEIGHTED.calibration)
    assert calibrated_posterior(THREE, answers, fit, interval=True) == calibrated_posterior(
        THREE, shuffled, fit, interval=True
    )


numbers = st.floats(0, 1, allow_nan=False)
calibrations = st.builds(Calibration, numbers, numbers, st.floats(0, 0.5), st.floats(1, 100))
fits = st.builds(
    PartFit,
    st.tuples(numbers, numbers, numbers),
    calibrations,
    st.lists(calibrations, min_size=40, max_size=40).map(tuple),
    numbers,
    st.booleans(),
)
rows = st.tuples(numbers, numbers, numbers)
known = st.none() | numbers | st.tuples(rows, rows, rows)


@given(fits, st.lists(st.tuples(st.sampled_from("ABC"), numbers, known), min_size=1, max_size=20))
def test_no_fit_makes_a_decision_fail_and_confidence_lies_in_its_interval(
    fitted: PartFit, said: list[tuple[str, float, Rates | None]]
) -> None:
    fit = JobFit({THE_PART: fitted})
    belief = calibrated_posterior(THREE, [vote(*each) for each in said], fit, interval=True)

    assert belief.low is not None and belief.high is not None
    assert 0 <= belief.low <= belief.confidence <= belief.high <= 1 + 1e-12
    gain = gain_of_one_more(THREE, belief, fit, answers=len(said), left=3)
    assert -1e-9 <= gain <= 1 - belief.confidence + 1e-9


@given(st.lists(st.tuples(st.sampled_from(["", "Y", "N"]), st.sets(st.sampled_from("ABC"), min_size=1)), min_size=1))
def test_the_confidence_of_several_questions_is_the_product(said: list[tuple[str, set[str]]]) -> None:
    votes = [Vote(Answer.of({"p": [p] if p else [], "q": sorted(q)}), 0.8) for p, q in said]

    belief = calibrated_posterior(MIXED, votes, interval=True)

    assert belief.confidence == pytest.approx(math.prod(control.confidence for control in belief.controls))
    assert belief.leader.chosen("q")
    assert belief.low is not None and belief.high is not None
    assert 0 < belief.low <= belief.confidence <= belief.high <= 1


def a_crowd(*, tasks: int = 120, gold: int = 30, shuffled: int = 3) -> tuple[Answers, list[int]]:
    """Three answers a task by nine workers, right in 55 to 95%, and the truth of the first tasks."""
    chance = random.Random(3)
    truth = [chance.randrange(3) for _ in range(tasks)]
    rows = []
    for task in range(tasks):
        for worker in chance.sample(range(9), 3):
            right = chance.random() < 0.55 + 0.05 * worker
            said = truth[task] if right else chance.choice([each for each in range(3) if each != truth[task]])
            rows.append((task, worker, said))
    random.Random(shuffled).shuffle(rows)
    task_of, worker_of, said_of = zip(*rows, strict=True)
    answers = Answers.of(task=task_of, worker=worker_of, said=said_of, tasks=tasks, workers=9, classes=3)
    return answers, [truth[task] if task < gold else UNKNOWN for task in range(tasks)]


def test_a_fit_knows_who_is_right_more_often_and_says_why_it_leads() -> None:
    answers, gold = a_crowd(tasks=300, gold=100)

    learnt = learn_part(answers, gold=gold)

    assert (learnt.fitted.method, learnt.fitted.because) == ("one coin", "gold speaks for nothing else")
    accuracies = [rate for rate in learnt.rates if isinstance(rate, float)]
    assert len(accuracies) == 9
    assert np.corrcoef(accuracies, range(9))[0, 1] > 0.9
    assert learnt.fitted.calibration.typical == 3.0
    assert learnt.fitted.accuracy == pytest.approx(0.75, abs=0.05)


def test_the_order_in_which_answers_came_does_not_matter_to_a_fit() -> None:
    one, another = (learn_part(answers, gold=gold) for answers, gold in (a_crowd(), a_crowd(shuffled=8)))

    assert (one.fitted, one.rates) == (another.fitted, another.rates)


def test_workers_who_take_one_class_for_another_are_known_by_a_matrix() -> None:
    """All say B where C is true; gold speaks against what they say."""
    rows = [(task, (task + turn) % 9, min(task % 3, 1)) for task in range(150) for turn in range(3)]
    task_of, worker_of, said_of = zip(*rows, strict=True)
    answers = Answers.of(task=task_of, worker=worker_of, said=said_of, tasks=150, workers=9, classes=3)
    gold = [task % 3 if task < 60 and task % 3 != 1 else UNKNOWN for task in range(150)]

    learnt = learn_part(answers, gold=gold)

    assert learnt.fitted.because == "it is right on gold more often"
    assert all(isinstance(rate, tuple) for rate in learnt.rates)


def test_without_gold_the_calibration_is_that_of_crowds_on_average() -> None:
    answers, _ = a_crowd()

    learnt = learn_part(answers, gold=[UNKNOWN] * 120)

    prior = WEIGHTED.calibration
    assert learnt.fitted.calibration.floor == pytest.approx(prior.floor, rel=0.05)
    assert learnt.fitted.calibration.discount == pytest.approx(prior.discount, rel=0.05)


def test_a_fit_is_read_back_as_it_was_written() -> None:
    answers, gold = a_crowd()
    learnt = learn_part(answers, gold=gold)
    matrix = ((0.5, 0.25, 0.25), (0.1, 0.8, 0.1), (0.0, 0.5, 0.5))

    read = read_fit([written_part(THE_PART, learnt.fitted, learnt.tried)], number=3)

    assert read.parts[THE_PART].calibration.floor == pytest.approx(learnt.fitted.calibration.floor, abs=1e-6)
    assert ([len(each.spread) for each in read.parts.values()], read.number) == ([40], 3)
    assert (read_rates([list(row) for row in matrix]), read_rates(0.75)) == (matrix, 0.75)

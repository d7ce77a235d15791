"""Consensus: exact beliefs in small cases, and laws that hold for every vote."""

import itertools
import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema, parse_schema
from qualification.statistics.consensus import Vote, majority_vote, part_accuracy, posterior
from qualification.statistics.parts import LEFT_OUT


def a_schema(*controls: str) -> LabelSchema:
    return parse_schema(f'<View><Text name="t" value="$t"/>{"".join(controls)}</View>')


def choices(name: str, labels: str, attributes: str = 'required="true"') -> str:
    inside = "".join(f'<Choice value="{label}"/>' for label in labels)
    return f'<Choices name="{name}" toName="t" {attributes}>{inside}</Choices>'


YES_NO = a_schema(choices("q", "YN"))
THREE = a_schema(choices("q", "ABC"))
OPTIONAL = a_schema(choices("q", "AB", ""))
SEVERAL = a_schema(choices("q", "AB", 'choice="multiple"'))
SOME = a_schema(choices("q", "ABC", 'choice="multiple" required="true"'))
TWO = a_schema(choices("p", "YN"), choices("q", "AB"))
MIXED = a_schema(choices("p", "YNU", ""), choices("q", "ABC", 'choice="multiple" required="true"'))


def vote(labels: str, reliability: float = 0.8) -> Vote:
    return Vote(answer=Answer.of({"q": list(labels)}), reliability=reliability)


def vote_on_two(p: str, q: str, reliability: float = 0.8) -> Vote:
    return Vote(answer=Answer.of({"p": list(p), "q": list(q)}), reliability=reliability)


def test_one_vote_is_believed_as_far_as_its_worker() -> None:
    belief = posterior(YES_NO, [vote("Y", 0.9)])

    assert belief.leader == Answer.of({"q": ["Y"]})
    assert belief.confidence == pytest.approx(0.9)


def test_labels_that_nobody_chose_keep_their_share() -> None:
    belief = posterior(THREE, [vote("B", 0.9)])

    assert dict(belief.controls[0].probabilities) == pytest.approx({"A": 0.05, "B": 0.9, "C": 0.05})
    assert belief.controls[0].leader == ("B",)


def test_agreement_is_multiplied_evidence() -> None:
    belief = posterior(YES_NO, [vote("Y", 0.9), vote("Y", 0.8), vote("N", 0.7)])

    assert belief.confidence == pytest.approx(0.9 * 0.8 * 0.3 / (0.9 * 0.8 * 0.3 + 0.1 * 0.2 * 0.7))


def test_one_reliable_worker_outweighs_two_poor_ones_whom_the_majority_follows() -> None:
    belief = posterior(YES_NO, [vote("Y", 0.95), vote("N", 0.6), vote("N", 0.6)])

    assert belief.leader == Answer.of({"q": ["Y"]})
    assert belief.confidence == pytest.approx(0.95 * 0.16 / (0.95 * 0.16 + 0.05 * 0.36))
    assert belief.majority.answer == Answer.of({"q": ["N"]})
    assert belief.majority.share == pytest.approx(2 / 3)


def test_leaving_out_an_optional_control_is_a_candidate() -> None:
    belief = posterior(OPTIONAL, [vote("", 0.8), vote("", 0.8), vote("A", 0.8)])

    assert belief.leader == Answer.of({})
    assert dict(belief.controls[0].probabilities) == pytest.approx({"A": 8 / 73, "B": 1 / 73, LEFT_OUT: 64 / 73})


def test_the_reliability_is_that_of_the_whole_answer() -> None:
    belief = posterior(TWO, [vote_on_two("Y", "A", 0.81)])

    assert [control.confidence for control in belief.controls] == pytest.approx([0.9, 0.9])
    assert belief.confidence == pytest.approx(0.81)
    assert posterior(SEVERAL, [vote("A", 0.81)]).confidence == pytest.approx(0.81)


def test_the_confidence_of_a_task_is_the_product_over_its_controls() -> None:
    belief = posterior(TWO, [vote_on_two("Y", "A", 0.81), vote_on_two("Y", "B", 0.81)])

    assert belief.leader == Answer.of({"p": ["Y"], "q": ["A"]})
    assert belief.confidence == pytest.approx(0.81 / 0.82 * 0.5)


def test_each_choice_of_a_multiple_control_is_judged_by_itself() -> None:
    belief = posterior(SEVERAL, [vote("AB", 0.81), vote("A", 0.81), vote("A", 0.81)])

    assert belief.leader == Answer.of({"q": ["A"]})
    assert dict(belief.controls[0].probabilities) == pytest.approx({"A": 0.729 / 0.73, "B": 0.1})
    assert belief.confidence == pytest.approx(0.729 / 0.73 * 0.9)


def test_a_required_multiple_control_never_ends_empty() -> None:
    belief = posterior(SOME, [vote("A"), vote("B"), vote("C")])

    assert belief.leader == Answer.of({"q": ["A"]})
    assert belief.majority.answer == Answer.of({"q": ["A"]})


@pytest.mark.parametrize(
    ("reliability", "believed"),
    [(1.0, 0.99), (0.995, 0.99), (0.99, 0.99), (0.5, 0.505), (0.2, 0.505), (0.0, 0.505)],
)
def test_nobody_is_believed_beyond_reason_and_nobody_is_believed_to_lie(reliability: float, believed: float) -> None:
    assert posterior(YES_NO, [vote("Y", reliability)]).confidence == pytest.approx(believed)


@pytest.mark.parametrize(
    ("schema", "votes", "winner", "agreeing"),
    [
        (THREE, ["C", "B"], "B", 1),
        (THREE, ["C", "B", "C"], "C", 2),
        (OPTIONAL, ["", "B"], "B", 1),
        (OPTIONAL, ["", "", "B"], "", 2),
        (SEVERAL, ["A", "AB"], "A", 1),
        (SEVERAL, ["A", "B"], "", 0),
        (SEVERAL, ["AB", "A", "B"], "AB", 1),
        (SOME, ["A", "BC", "C"], "C", 1),
        (SOME, ["A", "B"], "A", 1),
    ],
)
def test_the_majority_has_a_rule_for_every_tie(
    schema: LabelSchema, votes: list[str], winner: str, agreeing: int
) -> None:
    majority = majority_vote(schema, [vote(labels) for labels in votes])

    assert (majority.answer, majority.agreeing, majority.votes) == (
        Answer.of({"q": list(winner)}),
        agreeing,
        len(votes),
    )


@pytest.mark.parametrize(
    "stray",
    [{"q": ["X"]}, {"z": ["Y"]}, {"q": ["Y", "N"]}, {}],
    ids=["unknown-label", "unknown-control", "two-of-one", "required-left-out"],
)
def test_a_vote_of_another_schema_is_refused(stray: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match="does not fit the schema"):
        posterior(YES_NO, [vote("Y"), Vote(answer=Answer.of(stray), reliability=0.8)])


def test_there_is_no_consensus_without_a_vote() -> None:
    with pytest.raises(ValueError, match="no consensus without a vote"):
        posterior(YES_NO, [])
    with pytest.raises(ValueError, match="no consensus without a vote"):
        majority_vote(YES_NO, [])


@pytest.mark.parametrize("reliability", [1.0000001, -0.1, math.nan, math.inf], ids=str)
def test_a_reliability_is_a_probability_b034(reliability: float) -> None:
    with pytest.raises(ValueError, match="A reliability is a number from 0 to 1"):
        vote("Y", reliability)


def possible(schema: LabelSchema) -> list[Answer]:
    """Every answer that fits the schema, written out."""
    per_control = []
    for control in schema.controls:
        most = len(control.labels) if control.multiple else 1
        least = 1 if control.required else 0
        sets = [s for n in range(least, most + 1) for s in itertools.combinations(control.labels, n)]
        per_control.append([(control.name, labels) for labels in sets])
    return [Answer.of(dict(selection)) for selection in itertools.product(*per_control)]


@st.composite
def polls(draw: st.DrawFn) -> tuple[LabelSchema, list[Vote]]:
    schema = draw(st.sampled_from([YES_NO, THREE, OPTIONAL, SEVERAL, SOME, TWO, MIXED]))
    ballots = st.builds(Vote, answer=st.sampled_from(possible(schema)), reliability=st.floats(0.0, 1.0))
    return schema, draw(st.lists(ballots, min_size=1, max_size=9))


@given(polls())
def test_the_belief_is_the_one_of_bayes_rule_over_all_possible_answers(poll: tuple[LabelSchema, list[Vote]]) -> None:
    schema, votes = poll
    likelihoods = {truth: math.prod(likelihood(schema, v, truth) for v in votes) for truth in possible(schema)}
    belief = posterior(schema, votes)

    assert belief.confidence == pytest.approx(likelihoods[belief.leader] / sum(likelihoods.values()))
    assert likelihoods[belief.leader] == pytest.approx(max(likelihoods.values()))


def likelihood(schema: LabelSchema, cast: Vote, truth: Answer) -> float:
    """P(this vote | this truth), multiplied up part by part as the model says it."""
    parts = sum(len(control.labels) if control.multiple else 1 for control in schema.controls)
    total = 1.0
    for control in schema.controls:
        said, true = cast.answer.chosen(control.name), truth.chosen(control.name)
        if control.multiple:
            accuracy = part_accuracy(cast.reliability, parts=parts, candidates=2)
            agreed = sum((label in said) == (label in true) for label in control.labels)
            total *= accuracy**agreed * (1 - accuracy) ** (len(control.labels) - agreed)
        else:
            candidates = len(control.labels) + (0 if control.required else 1)
            accuracy = part_accuracy(cast.reliability, parts=parts, candidates=candidates)
            total *= accuracy if said == true else (1 - accuracy) / (candidates - 1)
    return total


@given(polls())
def test_the_probabilities_of_a_single_choice_sum_to_one(poll: tuple[LabelSchema, list[Vote]]) -> None:
    schema, votes = poll
    belief = posterior(schema, votes)

    assert 0.0 < belief.confidence <= 1.0
    for control, judged in zip(schema.controls, belief.controls, strict=True):
        chances = [chance for _, chance in judged.probabilities]
        assert all(0.0 <= chance <= 1.0 for chance in chances)
        if not control.multiple:
            assert math.fsum(chances) == pytest.approx(1.0)
            assert judged.confidence == max(chances)


@given(polls(), st.randoms(use_true_random=False))
def test_the_order_of_the_answers_makes_no_difference(
    poll: tuple[LabelSchema, list[Vote]], chance: random.Random
) -> None:
    schema, votes = poll
    shuffled: Sequence[Vote] = chance.sample(votes, len(votes))

    assert posterior(schema, shuffled) == posterior(schema, votes)


@given(polls(), st.floats(0.0, 1.0))
def test_one_more_agreeing_vote_never_lowers_the_confidence(
    poll: tuple[LabelSchema, list[Vote]], reliability: float
) -> None:
    schema, votes = poll
    before = posterior(schema, votes)
    after = posterior(schema, [*votes, Vote(answer=before.leader, reliability=reliability)])

    assert after.leader == before.leader
    assert after.confidence >= before.confidence - 1e-12


@given(polls())
def test_unanimous_votes_win_in_both_ways(poll: tuple[LabelSchema, list[Vote]]) -> None:
    schema, votes = poll
    unanimous = [Vote(answer=votes[0].answer, reliability=one.reliability) for one in votes]
    belief = posterior(schema, unanimous)

    assert belief.leader == votes[0].answer
    assert (belief.majority.answer, belief.majority.share) == (votes[0].answer, 1.0)

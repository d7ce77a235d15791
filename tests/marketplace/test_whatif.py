"""What-if: a job's own answers again under another policy, and what that would have cost."""

import random
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from marketplace.models import Job, Predictor, Task
from marketplace.queries.recorded import history_of
from marketplace.services.allocation import claim_task
from marketplace.services.beliefs import belief_of
from marketplace.services.predictors import stop_predictor
from marketplace.services.recall import recall_gold
from marketplace.services.replaying import what_if
from qualification.labels.results import validate_result
from qualification.labels.schema import parse_schema
from qualification.statistics.believing import believe
from qualification.statistics.consensus import Vote
from qualification.statistics.whatif import Figure, Recorded, Rules, predict
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.automation import a_row
from tests.marketplace.automation import predict as predictions
from tests.marketplace.builders import (
    ALWAYS_GOLD,
    NEVER_GOLD,
    a_submitted_answer,
    a_worker,
    an_open_job,
    answer,
    owner_of,
)
from tests.marketplace.test_resolution_of_kinds import SPANS, TEXT, marked
from tests.qualification.builders import ANIMALS, an_answer

SCHEMA = parse_schema(ANIMALS)


def votes(*animals: str, reliability: float = 0.8) -> tuple[Vote, ...]:
    return tuple(Vote(validate_result(SCHEMA, an_answer(animal)), reliability) for animal in animals)


def key(animal: str) -> str:
    return votes(animal)[0].answer.key


def test_the_first_answers_decide_where_the_policy_asks_for_less() -> None:
    tasks = [Recorded(votes("cat", "dog", "dog"), key("dog"))] * 10

    found = predict(SCHEMA, tasks, Rules(1, 1, 0.5, 0.0), chance=random.Random(1))

    assert found.answers == Figure(1.0, 1.0, 1.0)
    assert (found.tasks, found.judged, found.drawn) == (10, 10, 0.0)


def test_few_tasks_that_are_all_right_do_not_prove_that_all_would_be() -> None:
    tasks = [Recorded(votes("cat", "cat"), key("cat"))] * 5

    found = predict(SCHEMA, tasks, Rules(2, 2, 0.5, 0.0), chance=random.Random(1))

    # The 2.5% quantile of Beta(5.5, 0.5), and the 97.5% quantile of Beta(0.5, 5.5).
    low: Any = pytest.approx(0.6206228577)
    high: Any = pytest.approx(0.3793771423)
    assert (found.right, found.escalated) == (Figure(1.0, low, 1.0), Figure(0.0, 0.0, high))


def test_the_same_policy_gives_what_happened() -> None:
    tasks = [Recorded(votes("cat", "cat"), key("cat")), Recorded(votes("cat", "dog", "cat"), None)]

    found = predict(SCHEMA, tasks, Rules(2, 3, 0.7, 0.0), chance=random.Random(1))

    assert (found.answers.value, found.escalated.value, found.judged, found.drawn) == (2.5, 0.0, 1, 0.0)


def test_answers_that_were_never_given_are_drawn_and_told() -> None:
    tasks = [Recorded(votes("cat"), None)] * 100

    found = predict(SCHEMA, tasks, Rules(4, 4, 0.99, 0.0), chance=random.Random(1))

    assert (found.answers.value, found.drawn, found.right.value) == (4.0, 0.75, None)


def test_no_answer_is_asked_for_that_is_not_worth_its_price() -> None:
    tasks = [Recorded(votes("cat", "dog", "dog", "cat"), None)] * 4

    found = [
        predict(SCHEMA, tasks, Rules(2, 4, 0.99, 0.0, least_gain=gain), chance=random.Random(1)).answers.value
        for gain in (0.0, 0.01, 0.9)
    ]

    assert found == [4.0, 3.0, 2.0]  # one more answer at two to one turns nothing


def test_of_what_is_merged_too_no_answer_is_asked_for_that_is_not_worth_its_price() -> None:
    schema = parse_schema(SPANS)
    said = tuple(
        Vote(validate_result(schema, marked(words), {"text": TEXT}), 0.8) for words in ("Ada", "Charles", "Ada")
    )

    found = [
        predict(schema, [Recorded(said, None)], Rules(2, 3, 0.99, 0.0, least_gain=gain), chance=random.Random(1))
        for gain in (0.0, 0.01, 0.9)
    ]

    assert [each.answers.value for each in found] == [3.0, 3.0, 2.0]


def test_what_is_drawn_is_right_where_it_is_as_near_as_gold_asks_for() -> None:
    schema = parse_schema(SPANS)
    near, known = (validate_result(schema, marked(words), {"text": TEXT}) for words in ("Ada Lovelace", "Ada Lovelac"))
    task = Recorded((Vote(near, 0.9),) * 2, known.key)

    found = predict(schema, [task], Rules(2, 2, 0.5, 0.0), chance=random.Random(1))

    assert (found.judged, found.right.value) == (1, 1.0)


def test_gold_comes_on_top() -> None:
    found = predict(SCHEMA, [Recorded(votes("cat"), None)], Rules(1, 1, 0.5, 0.2), chance=random.Random(1))
    assert found.answers.value == 1.25


def test_the_same_seed_gives_the_same() -> None:
    tasks = [Recorded(votes("cat", "dog"), key("cat"))] * 20
    first, second = (predict(SCHEMA, tasks, Rules(2, 5, 0.9, 0.1), chance=random.Random(3)) for _ in range(2))
    assert first == second


@pytest.mark.django_db
def test_the_command_prints_what_happened_beside_what_would_have() -> None:
    job = an_open_job(tasks=4, overlap_min=2, overlap_max=2)
    for worker in (a_worker(job), a_worker(job)):
        for _ in range(4):
            a_submitted_answer(job, worker=worker)
    told = StringIO()

    call_command("whatif", str(job.pk), "--overlap", "1", "--confidence", "0.5", "--gold", "0", stdout=told)

    lines = [" ".join(line.split()) for line in told.getvalue().splitlines()]
    assert "answers a task, gold's on top 2.00 1.00 1.00 to 1.00" in lines
    assert "for a person to decide 0.0% 0.0% 0.0% to 44.5%" in lines
    assert "right by consensus unknown unknown" in lines
    assert Task.objects.filter(job=job, state="resolved").count() == 4


@pytest.mark.django_db
def test_the_command_says_which_policy_it_tried_and_takes_a_title_as_it_stands() -> None:
    job = an_open_job(tasks=1, overlap_min=2, overlap_max=3, confidence_basis_points=9500)
    Job.objects.filter(pk=job.pk).update(title="[bold]Cats[/] and [/nothing]")
    a_submitted_answer(job)

    call_command("whatif", str(job.pk), "--overlap", "1-2", "--gold-share", "0.05", stdout=(told := StringIO()))

    lines = [line.strip() for line in told.getvalue().splitlines()]
    assert lines[:2] == [
        "What if: [bold]Cats[/] and [/nothing]",
        "overlap 1 to 2, confidence 0.95, gold 5.0% of turns",
    ]


@pytest.mark.django_db
def test_what_gold_told_is_the_truth_of_its_tasks() -> None:
    job = an_open_job(tasks=1, gold=1, gold_share_basis_points=5000)
    answer(claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD), "dog")
    answer(claim_task(worker=a_worker(job), job_id=job.pk, chance=NEVER_GOLD), "dog")
    history = history_of(job, most=10)
    assert [task.truth for task in history.gold] == [key("cat")]
    assert [task.truth for task in history.work] == [None]


@pytest.mark.django_db
def test_gold_that_was_recalled_is_nobodys_truth() -> None:
    job = an_open_job(tasks=1, gold=1, gold_share_basis_points=5000)
    turn = claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD)
    answer(turn, "dog")
    answer(claim_task(worker=a_worker(job), job_id=job.pk, chance=NEVER_GOLD), "dog")
    question = Task.objects.get(pk=turn.task_id).gold_question_id
    assert question is not None

    recall_gold(gold_question_id=question, why="It is a fox.", by=owner_of(job.client))

    assert [task.truth for task in history_of(job, most=10).gold] == [None]
    assert what_if(job=job).judged == 0


def a_job_with_answers(tasks: int = 4) -> Job:
    """Two workers answered each of its tasks, alike."""
    job = an_open_job(tasks=tasks, overlap_min=2, overlap_max=2)
    for worker in (a_worker(job), a_worker(job)):
        for _ in range(tasks):
            a_submitted_answer(job, worker=worker)
    return job


@pytest.mark.django_db
def test_a_client_is_told_over_http_what_the_command_prints() -> None:
    job = a_job_with_answers()
    owner = Person(owner_of(job.client))
    asked = "overlap_min=1&overlap_max=1&confidence_basis_points=5000&gold_share_basis_points=2000"

    status, told = owner.get(f"jobs/{job.pk}/what-if/?{asked}")

    found = what_if(job=job, overlap=(1, 1), confidence=0.5, gold_share=0.2)
    assert status == 200
    assert told["answers"] == {"happened": 2.0, "predicted": 1.25, "low": 1.25, "high": 1.25}
    assert told["cost_minor"]["happened"] == 8 * (job.reward_minor + job.fee_minor)
    assert told["cost_minor"]["predicted"] == found.cost_minor.predicted.value == 5 * (job.reward_minor + job.fee_minor)
    assert told["right_share"] == {"happened": None, "predicted": None, "low": None, "high": None}
    assert (told["tasks"], told["replayed"], told["drawn_share"]) == (4, 4, 0.0)


@pytest.mark.django_db
def test_of_a_large_job_a_sample_is_replayed_and_the_cost_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    job = a_job_with_answers()
    monkeypatch.setattr("marketplace.services.replaying.MOST_TASKS", 3)

    found = what_if(job=job, overlap=(1, 1), confidence=0.5, gold_share=0.0)

    assert (found.tasks, found.replayed) == (4, 3)
    assert found.cost_minor.predicted.value == 4 * (job.reward_minor + job.fee_minor)


def half_answered() -> tuple[Job, list[Task]]:
    """A job of eight tasks, by their ids, of which every other one has an answer."""
    job = an_open_job(tasks=8, overlap_min=1, overlap_max=1)
    tasks, worker = list(Task.objects.filter(job=job).order_by("pk")), a_worker(job)
    for task in tasks[::2]:
        answer(claim_task(worker=worker, job_id=job.pk, among=[task.pk]))
    return job, tasks


@pytest.mark.django_db
def test_of_a_job_with_many_turns_a_part_is_looked_at_and_what_is_reckoned_from_it_says_how_far_it_may_be_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, _ = half_answered()
    price = job.reward_minor + job.fee_minor
    whole = what_if(job=job, gold_share=0.0)
    monkeypatch.setattr("marketplace.queries.recorded.MOST_TURNS", 3)
    monkeypatch.setattr("marketplace.queries.recorded.MOST_WORK", 4)

    part = what_if(job=job, gold_share=0.0)

    assert [(found.tasks, found.looked_at, found.replayed) for found in (whole, part)] == [(4, 4, 4), (4, 2, 2)]
    assert whole.cost_minor.happened == part.cost_minor.happened == 4 * price
    assert whole.cost_minor.predicted == Figure(4 * price, 4 * price, 4 * price)
    off = 1.96 * (1 / 4 * (1 - 4 / 8)) ** 0.5  # half of four tasks were answered, and four of eight looked at
    bounds = round(4 * price * (1 - off)), round(4 * price * (1 + off))
    assert part.cost_minor.predicted == Figure(4 * price, *bounds)
    assert (part.escalated.happened, part.escalated.predicted.value) == (0.0, 0.0)


@pytest.mark.django_db
def test_no_more_answers_to_a_task_are_read_than_the_policy_may_ask_for() -> None:
    job = an_open_job(tasks=8, gold=1, gold_share_basis_points=5000)
    for _ in range(4):
        answer(claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD))

    (gold,) = history_of(job, most=10, answers=3).gold

    assert len(gold.votes) == 3


def test_predictions_vote_on_what_is_replayed_and_are_no_answers() -> None:
    model = Vote(validate_result(SCHEMA, an_answer("cat")), 0.9, is_model=True)
    split = votes("cat", "dog")

    alone, helped = (
        predict(SCHEMA, [Recorded(split, key("cat"), said)], Rules(2, 2, 0.7, 0.0), chance=random.Random(1))
        for said in ((), (model,))
    )

    assert (alone.escalated.value, helped.escalated.value, helped.right.value) == (1.0, 0.0, 1.0)
    assert (helped.answers.value, helped.drawn) == (2.0, 0.0)


@pytest.mark.django_db
def test_a_task_is_believed_by_answers_and_predictions_as_in_the_running_job() -> None:
    job = an_open_job(tasks=2, overlap_max=2, confidence_basis_points=7000)
    predictions(job, a_row("t0", "dog"), a_row("t0", "cat", version="stopped"), a_row("t1", "cat", version="unknown"))
    Predictor.objects.exclude(version="unknown").update(right=40, wrong=2)
    stop_predictor(Predictor.objects.get(version="stopped"), because="It was wrong.")
    for task in Task.objects.filter(job=job):
        for animal in ("cat", "dog"):
            answer(claim_task(worker=a_worker(job), job_id=job.pk, among=[task.pk]), animal)

    tasks = list(Task.objects.filter(job=job).order_by("pk"))
    replayed = history_of(job, most=10).work

    assert sorted(len(each.predicted) for each in replayed) == [0, 1]
    for task, each in zip(tasks, replayed, strict=True):
        belief = belief_of(task=task, job=job, schema=SCHEMA)
        assert belief is not None
        assert believe(SCHEMA, [*each.votes, *each.predicted]).confidence == belief.posterior.confidence


@pytest.mark.django_db
def test_over_http_too_there_must_be_answers_and_a_policy_that_can_be() -> None:
    job = an_open_job(tasks=1)
    owner = Person(owner_of(job.client))
    assert code_of(owner.get(f"jobs/{job.pk}/what-if/")) == (409, "nothing_to_replay")
    a_submitted_answer(job)
    assert code_of(owner.get(f"jobs/{job.pk}/what-if/?overlap_min=4&overlap_max=2")) == (400, "invalid")
    assert code_of(owner.get(f"jobs/{job.pk}/what-if/?confidence_basis_points=10000")) == (400, "invalid")


@pytest.mark.django_db
def test_where_nobody_answered_there_is_nothing_to_replay() -> None:
    with pytest.raises(CommandError, match="Nobody has answered yet"):
        call_command("whatif", str(an_open_job().pk))


@pytest.mark.parametrize("words", [("--overlap", "4-2"), ("--gold-share", "1"), ("--confidence", "1.5")])
@pytest.mark.django_db
def test_a_policy_that_cannot_be_is_refused(words: tuple[str, str]) -> None:
    job = an_open_job(tasks=1)
    a_submitted_answer(job)
    with pytest.raises(CommandError, match=r"4 to 2 is none|share of gold is from 0|A confidence is a"):
        call_command("whatif", str(job.pk), *words)

"""Fits: learnt from a job's answers in the background, and what decides about its tasks from there on."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kernel import clock
from marketplace.models import Fit, FittedWorker, Job, Participation, Task
from marketplace.services.allocation import claim_task
from marketplace.services.beliefs import belief_of
from marketplace.services.fitting import fit_grown_jobs, fit_job
from marketplace.services.growth import FIRST_AT
from marketplace.services.slots import CHANCE, open_slot
from qualification.labels.results import Answer
from qualification.labels.schema import parse_schema
from qualification.models import GoldQuestion, Score
from qualification.statistics.calibrated import calibrated_posterior
from qualification.statistics.consensus import Vote
from qualification.statistics.fitted import unfitted
from qualification.statistics.fusion.fitting import FEWEST_TOLD
from qualification.statistics.parts import parts_of
from tests.kernel.people import console_of, made_admin
from tests.marketplace.api_people import Person
from tests.marketplace.builders import ALWAYS_GOLD, a_submitted_answer, a_worker, an_open_job, answer, owner_of
from tests.marketplace.test_certificates import begun, decide_all
from tests.qualification.builders import ANIMALS, a_user
from workforce.models import Worker

pytestmark = pytest.mark.django_db

SCHEMA = parse_schema(ANIMALS)


def a_worked_job(*, tasks: int = 6, **order: object) -> tuple[Job, list[Worker]]:
    """A job of which three workers answer every task: two always alike, one always otherwise."""
    job = an_open_job(tasks=tasks, overlap_min=3, overlap_max=3, **order)
    workers = [a_worker(job) for _ in range(3)]
    for _ in range(tasks):
        for worker, animal in zip(workers, ("cat", "cat", "dog"), strict=True):
            a_submitted_answer(job, worker=worker, animal=animal)
    return job, workers


def rates_of(job: Job) -> dict[object, float]:
    return {row.worker_id: row.rates[0] for row in FittedWorker.objects.filter(fit__job=job)}


def test_who_agrees_with_the_others_is_known_to_be_right_more_often() -> None:
    job, (first, second, third) = a_worked_job()

    fit = fit_job(job_id=job.pk)

    assert fit is not None
    assert (fit.number, fit.answers, fit.gold, fit.workers, fit.claims) == (1, 18, 0, 3, 18)
    assert [(part["control"], part["method"]) for part in fit.parts] == [("animal", "one coin")]
    rates = rates_of(job)
    assert rates[first.pk] == rates[second.pk] > rates[third.pk]


def test_the_console_says_in_per_cent_how_often_a_fitted_worker_is_right() -> None:
    job, (first, _, _) = a_worked_job()
    fit_job(job_id=job.pk)
    console = console_of(made_admin(a_user(), "escalations"))

    page = console.get(reverse("admin:marketplace_fittedworker_changelist"), {"q": str(first.pk)}).content.decode()

    assert f'<td class="field-errs">animal: {rates_of(job)[first.pk]:.1%}</td>' in page


def test_the_answers_of_who_is_known_weigh_what_is_known_and_others_weigh_their_score() -> None:
    job, (first, _, third) = a_worked_job(tasks=12)
    fit_job(job_id=job.pk)
    newcomer = a_worker(job)
    task = Task.objects.create(job=job, item={"text": "One more"})
    given = {first: "dog", third: "cat", newcomer: "cat"}
    open_slot(task=task, ordinal=1, chance=CHANCE)
    for worker, animal in given.items():
        answer(claim_task(worker=worker, job_id=job.pk, among=[task.pk]), animal)

    belief = belief_of(task=task, job=job, schema=SCHEMA)

    assert belief is not None
    (part,) = belief.fit.parts
    known, score = rates_of(job), Score.objects.get(worker=newcomer, skill=job.skill).estimate
    votes = [
        Vote(Answer.of({"animal": [animal]}), score, rates={part: known[worker.pk]} if worker.pk in known else {})
        for worker, animal in given.items()
    ]
    assert newcomer.pk not in known
    assert (belief.answers, belief.posterior) == (3, calibrated_posterior(SCHEMA, votes, belief.fit, interval=True))


def test_a_label_names_the_fit_that_weighed_its_answers() -> None:
    job, workers = a_worked_job(tasks=2)
    before = list(Task.objects.filter(job=job).values_list("fit_number", flat=True))
    fit_job(job_id=job.pk)
    fit_job(job_id=job.pk)
    task = Task.objects.create(job=job, item={"text": "One more"})
    open_slot(task=task, ordinal=1, chance=CHANCE)
    for worker in workers:
        answer(claim_task(worker=worker, job_id=job.pk, among=[task.pk]), "cat")

    task.refresh_from_db()
    assert (before, task.fit_number) == ([None, None], 2)


def test_fitting_twice_is_fitting_once() -> None:
    job, _ = a_worked_job()

    first, second = fit_job(job_id=job.pk), fit_job(job_id=job.pk)

    assert first is not None and second is not None
    assert (second.number, second.parts, second.answers) == (2, first.parts, first.answers)
    assert FittedWorker.objects.filter(fit=first).count() == 0
    assert FittedWorker.objects.filter(fit=second).count() == 3


def test_held_out_answers_have_a_say_once_nothing_is_asked_any_more() -> None:
    job, _ = a_worked_job(tasks=FEWEST_TOLD)
    open_slot(task=(late := Task.objects.create(job=job, item={"text": "One more"})), ordinal=1, chance=CHANCE)

    running = fit_job(job_id=job.pk)
    Task.objects.filter(pk=late.pk).update(state="void")
    last = fit_job(job_id=job.pk)

    assert running is not None and last is not None
    told = [[trial["told_better"] is not None for trial in fit.parts[0]["tried"]] for fit in (running, last)]
    assert told == [[False] * 2, [False, True, False, False, False, False]]
    assert {trial["against"] for trial in last.parts[0]["tried"][3:]} == {"answers agree no better than chance"}


def test_gold_that_was_answered_is_counted_and_retired_gold_is_work() -> None:
    job = an_open_job(tasks=2, gold=2)
    for _ in range(2):
        answer(claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD), "dog")

    fit = fit_job(job_id=job.pk)
    GoldQuestion.objects.update(retired_at="2026-01-01T00:00:00Z")
    without = fit_job(job_id=job.pk)

    assert fit is not None and without is not None
    assert (fit.answers, without.answers, without.gold) == (2, 2, 0)
    assert fit.gold > 0


def test_what_experts_found_at_inspected_tasks_teaches_as_gold_does() -> None:
    job, (first, _, third) = a_worked_job(tasks=2, when_unsure="resolve")
    before = fit_job(job_id=job.pk)
    looks = decide_all(begun(job), "dog")

    fit = fit_job(job_id=job.pk)

    assert before is not None and fit is not None
    assert (before.gold, looks, fit.gold) == (0, 2, 2)
    rates = rates_of(job)
    assert rates[third.pk] > rates[first.pk]


def test_a_job_without_answers_is_not_fitted() -> None:
    assert fit_job(job_id=an_open_job().pk) is None
    assert not Fit.objects.exists()


def test_a_sweep_fits_what_has_grown_by_a_quarter_and_nothing_twice() -> None:
    job, _ = a_worked_job()
    assert fit_grown_jobs() == 0  # too little was answered
    claims = Participation.objects.filter(job=job).order_by("pk")
    claims.filter(pk=claims[0].pk).update(claims=FIRST_AT)
    assert fit_grown_jobs() == 1
    assert fit_grown_jobs() == 0
    claims.filter(pk=claims[0].pk).update(claims=2 * FIRST_AT)

    assert fit_grown_jobs() == 1
    assert list(Fit.objects.order_by("number").values_list("claims", flat=True)) == [FIRST_AT + 12, 2 * FIRST_AT + 12]


def test_where_nobody_claimed_since_the_latest_fit_a_sweep_counts_nothing() -> None:
    job, _ = a_worked_job()
    claims = Participation.objects.filter(job=job).order_by("pk")
    claims.filter(pk=claims[0].pk).update(claims=FIRST_AT)
    with clock.ahead_by(timedelta(minutes=5)):
        assert fit_grown_jobs() == 1
        claims.filter(pk=claims[0].pk).update(claims=2 * FIRST_AT)
        assert fit_grown_jobs() == 0

        task = Task.objects.create(job=job, item={"text": "One more"})
        open_slot(task=task, ordinal=1, chance=CHANCE)
        claim_task(worker=a_worker(job), job_id=job.pk, among=[task.pk])
        assert fit_grown_jobs() == 1


def test_a_decision_reads_fit_and_workers_in_one_statement() -> None:
    job, _ = a_worked_job(tasks=2)
    task = Task.objects.filter(job=job)[0]
    for _ in range(2):
        with CaptureQueriesContext(connection) as statements:
            assert belief_of(task=task, job=job, schema=SCHEMA) is not None
        assert len(statements) == 1
        fit_job(job_id=job.pk)


def test_a_fit_of_other_classes_decides_nothing() -> None:
    job, _ = a_worked_job(tasks=2)
    task = Task.objects.filter(job=job)[0]
    before = belief_of(task=task, job=job, schema=SCHEMA)
    fit_job(job_id=job.pk)
    more = parse_schema(ANIMALS.replace("</Choices>", '<Choice value="fox"/></Choices>'))

    stale = belief_of(task=task, job=job, schema=more)

    assert before is not None and stale is not None
    assert stale.posterior.leader == before.posterior.leader
    assert [stale.fit.of(part, parts=1) for part in parts_of(more)] == [unfitted(3, 1)]


def test_a_fit_stays_as_it_is() -> None:
    job, _ = a_worked_job(tasks=1)
    fit = fit_job(job_id=job.pk)

    assert fit is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        Fit.objects.filter(pk=fit.pk).update(answers=1)


@pytest.mark.parametrize("low", [-0.1, 0.95])
def test_a_confidence_outside_of_its_interval_is_refused(low: float) -> None:
    task = Task.objects.get(job=an_open_job(tasks=1))

    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.filter(pk=task.pk).update(confidence=0.9, confidence_low=low, confidence_high=0.99)


def test_who_wants_no_person_gets_an_unsure_label_with_its_honest_confidence() -> None:
    job = an_open_job(tasks=1, overlap_min=2, overlap_max=2, when_unsure="resolve")
    a_submitted_answer(job, animal="cat")
    a_submitted_answer(job, animal="dog")

    task = Task.objects.get(job=job)

    assert (task.state, task.method) == ("resolved", "consensus")
    assert task.confidence is not None and task.confidence_low is not None and task.confidence_high is not None
    assert task.confidence_low <= task.confidence <= task.confidence_high
    assert task.confidence == pytest.approx(0.5)


@pytest.mark.parametrize(("worth", "answers"), [(None, 3), (10_000, 3), (13, 2)])
def test_no_answer_is_bought_that_promises_less_than_it_costs(worth: int | None, answers: int) -> None:
    """At even odds one answer more gains a fifth of a label at most; it costs 12 cents."""
    job = an_open_job(
        tasks=1,
        overlap_min=2,
        overlap_max=3,
        confidence_basis_points=9900,
        label_worth_minor=worth,
        when_unsure="resolve",
    )
    for animal in ("cat", "dog", "dog")[:answers]:
        a_submitted_answer(job, animal=animal)

    task = Task.objects.get(job=job)

    assert (task.state, task.assignments.count()) == ("resolved", answers)


def test_a_client_reads_what_weighs_the_answers_of_a_job_and_why() -> None:
    job, _ = a_worked_job(tasks=2)
    fit_job(job_id=job.pk)

    (shown,) = Person(owner_of(job.client)).every(f"jobs/{job.pk}/fits/")

    (part,) = shown.pop("parts")
    assert (shown["number"], shown["answers"], shown["gold"], shown["workers"]) == (1, 6, 0, 3)
    assert (part["control"], part["choice"], part["classes"]) == ("animal", "", ["cat", "dog"])
    assert (part["method"], part["because"]) == ("one coin", "gold speaks for nothing else")
    nothing = {"right_on_gold": None, "told_better": None, "told_error": None, "against": ""}
    assert part["tried"] == [{"method": method, **nothing} for method in ("one coin", "majority vote")]
    assert part["typical"] == 3.0

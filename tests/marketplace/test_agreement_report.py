"""How far a job's workers agree, over HTTP: by question, label, pair, cohort, day and week."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from kernel import clock
from kernel.crypto import pseudonym
from marketplace.models import Job
from marketplace.services import agreeing
from marketplace.services.agreeing import MOST_TASKS
from marketplace.services.allocation import claim_task
from marketplace.services.submission import submit_annotation
from tests.kernel.people import console_of, made_admin
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.automation import tasks_by_name
from tests.marketplace.builders import ALWAYS_GOLD, a_worker, an_open_job, answer, owner_of
from tests.qualification.builders import a_user
from workforce.models import Worker

pytestmark = pytest.mark.django_db

NOBODY_KNOWS = dict.fromkeys(("fleiss", "kappa", "likeness"))


def report(job: Job, by: str = "control", **asked: str) -> list[dict[str, Any]]:
    status, told = Person(owner_of(job.client)).get(f"jobs/{job.pk}/agreement/", by=by, **asked)
    assert (status, told["by"], told["is_sample"]) == (200, by, False), told
    parts: list[dict[str, Any]] = told["parts"]
    return parts


def say(job: Job, worker: Worker, *animals: str) -> None:
    """Let a worker say of the tasks t0, t1, … what they show."""
    tasks = tasks_by_name(job)
    for number, animal in enumerate(animals):
        answer(claim_task(worker=worker, job_id=job.pk, among=[tasks[f"t{number}"].pk]), animal)


def two_workers() -> tuple[Job, Worker, Worker]:
    """Four tasks of which two workers say the same of three: Cohen's own example is as small."""
    job = an_open_job(tasks=4, overlap_min=2, overlap_max=2, gold=1, gold_share_basis_points=0)
    first, second = a_worker(job), a_worker(job)
    say(job, first, "cat", "cat", "dog", "dog")
    say(job, second, "cat", "cat", "dog", "cat")
    return job, first, second


def three_workers() -> Job:
    """Four tasks with the same three workers, who are of one mind about two of them."""
    job = an_open_job(tasks=4, overlap_min=3, overlap_max=3)
    say(job, a_worker(job), "cat", "cat", "dog", "dog")
    say(job, a_worker(job), "cat", "cat", "dog", "cat")
    say(job, a_worker(job), "cat", "dog", "dog", "dog")
    return job


def test_each_question_has_the_measures_that_fit_it() -> None:
    job, _, _ = two_workers()

    (part,) = report(job)

    assert (part["control"], part["level"], part["tasks"], part["answers"]) == ("animal", "nominal", 4, 8)
    assert part["percent"]["value"] == 0.75
    # 5 cats and 3 dogs: of 56 ordered pairs 30 are unequal; in the tasks 2 of 8 are.
    assert part["alpha"]["value"] == pytest.approx(1 - (2 / 8) / (30 / 56))
    # Guesses: 2 × (5/8 × 3/8) = 15/32.
    assert part["ac1"]["value"] == pytest.approx((0.75 - 15 / 32) / (1 - 15 / 32))
    assert part["percent"]["low"] <= 0.75 <= part["percent"]["high"] == 1.0
    assert {name: part[name] for name in NOBODY_KNOWS} == NOBODY_KNOWS


def test_more_than_two_workers_have_fleiss_kappa() -> None:
    job = three_workers()

    (part,) = report(job)

    # Two tasks have 3 of 3 pairs equal and two have 1 of 3; half of all answers are cats.
    assert part["percent"]["value"] == pytest.approx(2 / 3)
    assert part["fleiss"]["value"] == pytest.approx((2 / 3 - 1 / 2) / (1 - 1 / 2))
    assert part["fleiss"]["low"] <= 1 / 3 <= part["fleiss"]["high"] == 1.0
    # A label holds or does not: of two classes each has the kappa of both.
    assert [each["fleiss"]["value"] for each in report(job, "label")] == [pytest.approx(1 / 3)] * 2
    assert [each["fleiss"] for each in report(job, "pair")] == [None] * 3


NUMBERS = """<View><Text name="text" value="$text"/>
<Number name="cars" toName="text" min="0"/><Number name="degrees" toName="text"/></View>"""


def test_numbers_are_compared_by_difference_and_where_a_client_says_so_by_ratio() -> None:
    job = an_open_job(tasks=2, overlap_min=2, overlap_max=2, label_schema=NUMBERS)
    for numbers in ((1, 4), (2, 4)):
        worker = a_worker(job)
        for name, number in zip(("t0", "t1"), numbers, strict=True):
            claimed = claim_task(worker=worker, job_id=job.pk, among=[tasks_by_name(job)[name].pk])
            result = [
                {"from_name": control, "to_name": "text", "type": "number", "value": {"number": number}}
                for control in ("cars", "degrees")
            ]
            submit_annotation(assignment_id=claimed.pk, worker=worker, result=result)

    def told(**asked: str) -> list[tuple[str, str, float]]:
        return [(part["control"], part["level"], part["alpha"]["value"]) for part in report(job, **asked)]

    # Squares of differences: of 12 ordered pairs 2 × (1 + 2 × 9 + 2 × 4), within tasks 2 × 1 of 4 answers.
    by_difference: Any = pytest.approx(1 - (2 / 4) / (54 / 12))
    # Squares of differences over sums: 1/9 for 1 and 2, 9/25 for 1 and 4, 1/9 for 2 and 4.
    by_ratio: Any = pytest.approx(1 - (2 / 9 / 4) / (2 * (1 / 9 + 18 / 25 + 2 / 9) / 12))
    assert told() == [("cars", "interval", by_difference), ("degrees", "interval", by_difference)]
    assert told(numbers="ratio") == [("cars", "ratio", by_ratio), ("degrees", "interval", by_difference)]
    refused = Person(owner_of(job.client)).get(f"jobs/{job.pk}/agreement/", numbers="nominal")
    assert code_of(refused) == (400, "invalid")


def test_each_label_has_its_own() -> None:
    job, _, _ = two_workers()
    found = {part["says"]: part["percent"]["value"] for part in report(job, "label")}
    assert found == {"cat": 0.75, "dog": 0.75}


def test_two_workers_are_compared_by_pseudonym_and_by_cohens_kappa() -> None:
    job, *workers = two_workers()

    (part,) = report(job, "pair")

    assert part["workers"] == sorted(pseudonym(worker_id=each.pk, scope=str(job.client_id)) for each in workers)
    assert (part["tasks"], part["percent"]["value"], part["alpha"]) == (4, 0.75, None)
    # By chance: 1/2 × 3/4 + 1/2 × 1/4.
    assert part["kappa"]["value"] == pytest.approx((0.75 - 0.5) / (1 - 0.5))


def test_time_is_that_of_a_tasks_last_answer_and_a_cohort_begins_in_one_month() -> None:
    job = an_open_job(tasks=2, overlap_min=2, overlap_max=2)
    first, second = a_worker(job), a_worker(job)
    say(job, first, "cat", "cat")
    say(job, second, "cat")
    today = clock.now().date()
    with clock.ahead_by(timedelta(days=40)):
        later = clock.now().date()
        last = a_worker(job)
        answer(claim_task(worker=last, job_id=job.pk), "dog")

    days = report(job, "day")
    weeks = report(job, "week")
    cohorts = report(job, "cohort")

    assert [(part["since"], part["percent"]["value"]) for part in days] == [(str(today), 1.0), (str(later), 0.0)]
    monday = today - timedelta(days=today.weekday())
    assert [part["since"] for part in weeks] == [str(monday), str(later - timedelta(days=later.weekday()))]
    assert [(part["cohort"], part["tasks"]) for part in cohorts] == [
        (str(today.replace(day=1)), 1),
        (str(later.replace(day=1)), 0),
    ]
    assert cohorts[1]["percent"] is None


def test_gold_and_single_answers_say_nothing() -> None:
    job = an_open_job(tasks=1, gold=1, gold_share_basis_points=5000)
    for _ in range(2):
        answer(claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD))
    assert report(job) == []
    assert MOST_TASKS == 2_000


def test_it_is_for_the_jobs_people_and_admins() -> None:
    job, worker, _ = two_workers()
    path = f"jobs/{job.pk}/agreement/"
    assert code_of(Person(a_user()).get(path)) == (404, "not_found")
    assert code_of(Person(worker.user).get(path)) == (404, "not_found")
    assert code_of(Person(owner_of(job.client)).get(path, by="worker")) == (400, "invalid")
    assert Person(a_user(is_staff=True)).get(path)[0] == 200


def test_the_console_tells_it_in_words_beside_the_job() -> None:
    job, _, _ = two_workers()
    console = console_of(made_admin(a_user(), "escalations"))

    page = console.get(reverse("admin:marketplace_job_change", args=[job.pk])).content.decode()
    (said,) = re.findall(r"animal: two answers are equal with a chance of 0\.75 .*", page)
    assert "Krippendorff&#x27;s alpha 0.53 (" in said
    assert "Gwet&#x27;s AC1 0.53 (" in said
    assert "; 8 answers to 4 tasks, too few to rely on these bounds" in said
    assert "Fleiss" not in said
    page = console.get(reverse("admin:marketplace_job_change", args=[three_workers().pk])).content.decode()
    assert "Fleiss&#x27; kappa 0.33 (" in page

    unanswered = console.get(reverse("admin:marketplace_job_change", args=[an_open_job().pk])).content.decode()
    assert "no task has two answers yet" in unanswered


def test_a_report_tells_of_so_many_parts_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreeing, "MOST_IN_ALL", 1)
    job, _, _ = two_workers()

    assert [part["says"] for part in report(job, by="label")] == ["cat"]

"""Labeling functions over HTTP: defined, tried without a word about gold, and together one predictor."""

from typing import Any

import pytest

from kernel.models import AuditEvent
from marketplace.models import Job, LabelingFunction, Prediction, Predictor, Task
from marketplace.services import function_votes, labeling_functions
from marketplace.services.completion import cancel_job
from marketplace.services.labeling_functions import MODEL, MOST_FUNCTIONS
from marketplace.services.predictors import tend_predictors
from marketplace.services.settlement import accept_due_assignments
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.automation import a_row, audits_of, let_people_answer, predict, tasks_by_name
from tests.marketplace.builders import a_draft, an_open_job, owner_of
from tests.marketplace.test_resolution_of_kinds import SPANS

pytestmark = pytest.mark.django_db

EVEN: dict[str, Any] = {"kind": "pattern", "field": "text", "expression": "[02468]$", "label": "cat"}
ODD: dict[str, Any] = {"kind": "pattern", "field": "text", "expression": "[13579]$", "label": "dog"}
ANY: dict[str, Any] = {"kind": "keyword", "field": "text", "words": ["text"], "label": "cat"}


def client_of(job: Job) -> Person:
    return Person(owner_of(job.client))


def defined(job: Job, name: str, rule: dict[str, Any]) -> str:
    status, told = client_of(job).post(f"jobs/{job.pk}/functions/", {"name": name, "rule": rule})
    assert status == 201, told
    assert (told["name"], told["rule"]) == (name, rule)
    return str(told["id"])


def trial(job: Job) -> dict[str, Any]:
    status, told = client_of(job).get(f"jobs/{job.pk}/functions/trial/")
    assert status == 200, told
    found: dict[str, Any] = told
    return found


def run(job: Job) -> tuple[int, Any]:
    return client_of(job).post(f"jobs/{job.pk}/functions/predictions/")


def test_functions_are_defined_listed_and_retired() -> None:
    job = a_draft()
    even, odd = defined(job, "even", EVEN), defined(job, "odd", ODD)

    assert client_of(job).delete(f"jobs/{job.pk}/functions/{even}/") == (204, None)

    assert [each["id"] for each in client_of(job).every(f"jobs/{job.pk}/functions/")] == [odd]
    assert code_of(client_of(job).delete(f"jobs/{job.pk}/functions/{even}/")) == (404, "not_found")
    assert defined(job, "even", EVEN) != even
    told = AuditEvent.objects.filter(action__startswith="labelingfunction.").order_by("at", "id")
    assert [event.action.rpartition(".")[2] for event in told] == ["defined", "defined", "retired", "defined"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"kind": "code"}, "is of one kind"),
        ({**ANY, "label": "cow"}, "is no class"),
        ({**ANY, "words": ["x" * 201]}, "up to 200 characters"),
        ({**ANY, "field": "elsewhere"}, "items of this job have no field 'elsewhere'"),
        ({**ANY, "run": "import os"}, "has no 'run'"),
        ({**EVEN, "expression": "(?=x)"}, "not one of RE2"),
        ({**EVEN, "expression": "((a{1000}){1000})"}, "not one of RE2"),
        ({**EVEN, "expression": "x" * 1001}, "1 to 1,000 characters"),
        ({"kind": "lookup", "field": "text", "table": {"a": ["cat"]}}, "is no class"),
        ({"kind": "lookup", "field": "text", "table": {str(n): "cat" for n in range(10_001)}}, "10,000 entries"),
    ],
)
def test_what_is_no_function_is_refused_with_a_sentence(rule: dict[str, Any], message: str) -> None:  # [B045]
    job = a_draft()
    status, told = client_of(job).post(f"jobs/{job.pk}/functions/", {"name": "one", "rule": rule})
    assert (status, told["code"]) == (400, "invalid")
    assert message in told["message"]
    assert not LabelingFunction.objects.exists()


def test_a_pattern_that_never_ends_elsewhere_ends_here() -> None:  # [B045]
    job = a_draft(tasks=1)
    Task.objects.filter(job=job).update(item={"text": "a" * 50_000 + "!"})
    defined(job, "greedy", {**EVEN, "expression": "(a+)+$"})
    assert trial(job)["functions"][0]["coverage"] == 0.0


def test_a_job_has_so_many_functions_and_each_name_once() -> None:
    job = a_draft()
    LabelingFunction.objects.bulk_create(
        LabelingFunction(job=job, name=f"f{n}", rule=ANY) for n in range(MOST_FUNCTIONS - 1)
    )
    defined(job, "last", ANY)
    again = client_of(job).post(f"jobs/{job.pk}/functions/", {"name": "one more", "rule": ANY})
    assert again[0] == 400
    assert "up to 50 labeling functions" in again[1]["message"]
    LabelingFunction.objects.get(name="f0").delete()
    again = client_of(job).post(f"jobs/{job.pk}/functions/", {"name": "last", "rule": ANY})
    assert "called last already" in again[1]["message"]


def test_they_are_for_one_single_choice_in_a_job_that_has_not_ended() -> None:
    drawn = a_draft(tasks=0, label_schema=SPANS)
    asked = client_of(drawn).post(f"jobs/{drawn.pk}/functions/", {"name": "one", "rule": ANY})
    assert code_of(asked) == (409, "no_single_choice")
    ended = an_open_job()
    cancel_job(job_id=ended.pk, by=owner_of(ended.client))
    asked = client_of(ended).post(f"jobs/{ended.pk}/functions/", {"name": "one", "rule": ANY})
    assert code_of(asked) == (409, "wrong_state")


def test_a_trial_tells_coverage_overlap_conflict_and_accuracy_on_labels_that_are_paid_for() -> None:
    job = an_open_job(tasks=4, gold=2, gold_share_basis_points=0, overlap_min=1, overlap_max=1)
    defined(job, "even", EVEN)
    defined(job, "odd", ODD)
    defined(job, "any", ANY)
    tasks = tasks_by_name(job)
    let_people_answer([tasks["t0"], tasks["t1"]], "dog", people=1)

    before = trial(job)
    accept_due_assignments()
    after = trial(job)

    assert (before["tasks"], before["is_sample"], before["coverage"]) == (4, False, 1.0)
    assert [each["known"] for each in before["functions"]] == [0, 0, 0]
    told = {each.pop("name"): each for each in after["functions"]}
    assert told["any"] | {"id": ""} == {
        "id": "",
        "coverage": 1.0,
        "overlap": 1.0,
        "conflict": 0.5,
        "known": 2,
        "accuracy": 0.0,
    }
    assert (told["even"]["coverage"], told["even"]["conflict"], told["even"]["accuracy"]) == (0.5, 0.0, 0.0)
    assert (told["odd"]["coverage"], told["odd"]["conflict"], told["odd"]["accuracy"]) == (0.5, 0.5, 1.0)


def test_nothing_is_told_of_hidden_gold() -> None:
    job = an_open_job(tasks=1, gold=1, gold_share_basis_points=0)
    defined(job, "known", {**ANY, "words": ["known"]})
    assert trial(job)["functions"][0]["coverage"] == 0.0
    assert code_of(run(job)) == (409, "nothing_to_say")
    assert not Prediction.objects.exists()


def test_together_they_are_one_predictor_under_the_rules_of_all() -> None:
    job = an_open_job(tasks=16, allowed_error_basis_points=5000, audit_share_basis_points=5000)
    defined(job, "any", ANY)

    assert run(job) == (201, {"predictions": 16, "looked_at": 16, "is_through": True})

    predictor = Predictor.objects.get(job=job)
    assert predictor.name == MODEL
    audits = audits_of(job)
    assert 0 < len(audits) < 16
    let_people_answer(audits)
    accepted = tend_predictors()
    predictor.refresh_from_db()
    assert (predictor.right, predictor.wrong) == (len(audits), 0)
    assert accepted == (16 - len(audits) if predictor.state == Predictor.State.ACCEPTING else 0)
    assert code_of(run(job)) == (409, "nothing_to_say")


def test_where_they_contradict_each_other_alike_nothing_is_said() -> None:
    job = an_open_job(tasks=2)
    defined(job, "cats", ANY)
    defined(job, "dogs", {**ANY, "label": "dog"})
    assert code_of(run(job)) == (409, "nothing_to_say")


def test_a_run_goes_on_where_the_last_one_ended_and_begins_anew_once_it_is_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(labeling_functions, "MOST_TASKS", 2)
    job = a_draft(tasks=5)
    texts = [task.item["text"] for task in Task.objects.filter(job=job).order_by("pk")]
    defined(job, "some", {**ANY, "words": [texts[1], texts[3]]})

    assert [told(run(job)) for _ in range(4)] == [(1, 2, False), (1, 2, False), (0, 1, True), (0, 2, False)]

    predicted = Prediction.objects.order_by("pk").values_list("task__item", flat=True)
    assert [item["text"] for item in predicted] == [texts[1], texts[3]]


def told(answered: tuple[int, Any]) -> tuple[int, int, bool]:
    status, said = answered
    assert status == 201
    return said["predictions"], said["looked_at"], said["is_through"]


def test_where_functions_are_silent_for_a_whole_run_the_next_goes_on_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labeling_functions, "MOST_TASKS", 2)
    job = a_draft(tasks=4)
    texts = [task.item["text"] for task in Task.objects.filter(job=job).order_by("pk")]
    defined(job, "last", {**ANY, "words": [texts[3]]})

    assert [told(run(job)) for _ in range(2)] == [(0, 2, False), (1, 2, True)]

    assert Prediction.objects.get().task.item["text"] == texts[3]
    events = AuditEvent.objects.filter(action="job.predictions_imported").order_by("at", "id")
    assert [(event.details["predictions"], event.details["looked_at"]) for event in events] == [(0, 2), (1, 2)]


def test_other_functions_begin_with_the_first_task_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labeling_functions, "MOST_TASKS", 2)
    job = a_draft(tasks=4)
    texts = [task.item["text"] for task in Task.objects.filter(job=job).order_by("pk")]
    defined(job, "last", {**ANY, "words": [texts[3]]})
    run(job)
    defined(job, "first", {**ANY, "words": [texts[0]]})

    assert told(run(job)) == (1, 2, False)
    assert Prediction.objects.get().task.item["text"] == texts[0]


def test_a_run_looks_at_so_much_text_and_the_next_at_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_votes, "MOST_CHARACTERS_OF_A_RUN", 13)
    job = a_draft(tasks=5)  # of six characters each
    defined(job, "any", ANY)

    assert [told(run(job)) for _ in range(3)] == [(2, 2, False), (2, 2, False), (1, 1, True)]
    assert code_of(run(job)) == (409, "nothing_to_say")


def test_other_rules_are_another_version_and_stop_the_one_before() -> None:
    job = an_open_job(tasks=4)
    defined(job, "even", EVEN)
    assert told(run(job)) == (2, 4, True)
    defined(job, "odd", ODD)

    assert told(run(job)) == (4, 4, True)

    before, after = Predictor.objects.filter(job=job).order_by("created_at", "pk")
    assert (before.state, before.stopped_because) == ("stopped", "The labeling functions were changed.")
    assert (after.state, before.version == after.version) == ("measuring", False)


def test_a_score_function_says_its_label_where_a_model_does_with_such_a_score() -> None:
    job = an_open_job(tasks=3)
    predict(job, a_row("t0", score=0.95), a_row("t1", score=0.5), a_row("t2", "dog", score=0.99))
    rule = {"kind": "score", "field": str(Predictor.objects.get()), "at_least": 0.9, "label": "cat"}
    defined(job, "sure", rule)
    assert trial(job)["functions"][0]["coverage"] == pytest.approx(1 / 3)
    assert told(run(job)) == (1, 3, True)


def test_another_client_neither_reads_nor_changes_them() -> None:
    job, other = an_open_job(), an_open_job()
    function = defined(job, "any", ANY)
    stranger = client_of(other)
    for path in ("functions/", "functions/trial/", "agreement/", "what-if/", "certificate/", "certificate/file/"):
        assert code_of(stranger.get(f"jobs/{job.pk}/{path}")) == (404, "not_found")
    assert code_of(stranger.delete(f"jobs/{job.pk}/functions/{function}/")) == (404, "not_found")
    assert code_of(stranger.delete(f"jobs/{other.pk}/functions/{function}/")) == (404, "not_found")
    assert code_of(stranger.post(f"jobs/{job.pk}/functions/predictions/")) == (404, "not_found")

"""Answers that are no classes, in the product: checked against the task, merged, accepted when alike, right on gold."""

import json
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest

from kernel import clock
from kernel.services.audit import Actor
from marketplace.models import Assignment, Fit, Job, Task
from marketplace.services import shared_tasks as sharing
from marketplace.services.adjudication import decide_task
from marketplace.services.allocation import claim_task
from marketplace.services.fitting import fit_job
from marketplace.services.gold import tend_waiting_gold
from marketplace.services.import_faults import InvalidImport
from marketplace.services.importing import import_tasks
from marketplace.services.known_merges import known_merges
from marketplace.services.posting import launch_job
from marketplace.services.results import stream_results
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.submission import InvalidAnswer, submit_annotation
from qualification.labels.results import validate_result
from qualification.labels.schema import parse_schema
from qualification.models import Score
from qualification.services.doubted_gold import doubt
from qualification.statistics.resemblance import UNTAUGHT, Resemblance, closeness_of, written_resemblance
from tests.marketplace.api_people import Person, an_admin
from tests.marketplace.builders import ALWAYS_GOLD, a_draft, a_worker, free_turns, owner_of, the_escalation
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

SPANS = '<View><Text name="t" value="$text"/><Labels name="c" toName="t"><Label value="Name"/></Labels></View>'
TEXT = "👩 Ada Lovelace wrote to Charles Babbage."

Result = list[dict[str, Any]]


def marked(*words: str) -> Result:
    """These words, marked in the text."""
    starts = [TEXT.index(each) for each in words]
    spans = [{"start": start, "end": start + len(each)} for start, each in zip(starts, words, strict=True)]
    return [
        {"from_name": "c", "to_name": "t", "type": "labels", "value": {**span, "labels": ["Name"]}} for span in spans
    ]


def a_job(*rows: dict[str, Any], **order: Any) -> Job:
    job = a_draft(tasks=0, label_schema=SPANS, confidence_basis_points=8000, **order)
    lines = "\n".join(json.dumps(row) for row in rows or ({"item": {"text": TEXT}},))
    by = owner_of(job.client)
    import_tasks(job_id=job.pk, stream=BytesIO(lines.encode()), format="jsonl", by=Actor.user(by))
    return launch_job(job_id=job.pk, by=by)


def submitted(job: Job, result: Result) -> Assignment:
    worker = a_worker(job)
    turn = claim_task(worker=worker, job_id=job.pk)
    return submit_annotation(assignment_id=turn.pk, worker=worker, result=result)


def test_answers_that_are_alike_resolve_a_task_and_are_accepted_with_it() -> None:
    job = a_job()
    turns = [submitted(job, marked("Ada Lovelace", name)) for name in ("Charles Babbage", "Charles Babbage.")]
    accept_due_assignments()

    task = Task.objects.get(job=job)
    assert task.state == "resolved"
    assert task.confidence is not None and task.confidence_low is not None and task.confidence_high is not None
    assert 0.9 < task.confidence < 1
    assert (task.confidence_low < 0.6, task.confidence_high > 0.95) == (True, True)
    assert [region["value"] for region in task.label or []] == [
        {"start": 2, "end": 14, "labels": ["Name"]},
        {"start": 24, "end": 39, "labels": ["Name"]},
    ]
    assert [Assignment.objects.get(pk=turn.pk).state for turn in turns] == ["accepted", "accepted"]
    [line] = [json.loads(row) for piece in stream_results(job=job) for row in piece.splitlines()]
    assert (line["label"], line["value"], line["majority"]) == (task.label, None, {"value": None, "share": 1.0})


def test_whoever_decides_is_told_in_how_many_regions_each_answer_differs_from_the_one_in_front() -> None:
    job = a_job(overlap_min=3, overlap_max=3)
    said = (marked("Ada Lovelace", "Charles"), marked("Ada Lovelace", "Charles"), marked("Ada L", "wrote to"))
    turns = {submitted(job, each).pk: each for each in said}

    status, told = an_admin().get(f"escalations/{the_escalation(Task.objects.get(job=job).pk).pk}/")

    assert status == 200
    assert [turns[UUID(answer["assignment"])] for answer in told["matter"]["answers"]] == list(said)
    differs = [answer["differs"] for answer in told["matter"]["answers"]]
    assert differs == [{}, {}, {"poor_overlap": 1, "missing": 1, "extra": 1}]


def test_answers_that_are_not_alike_ask_for_one_more_and_then_for_a_person() -> None:
    job = a_job(overlap_min=2, overlap_max=3)
    submitted(job, marked("Ada Lovelace"))
    submitted(job, marked("Charles Babbage"))
    assert free_turns(job) == 1

    submitted(job, marked("wrote to"))

    task = Task.objects.get(job=job)
    assert task.state == "in_adjudication"
    assert the_escalation(task.pk).details["answers"] == 3


@pytest.mark.parametrize(("worth", "answers"), [(None, 3), (10_000, 3), (13, 2)])
def test_no_answer_to_be_merged_is_bought_that_promises_less_than_it_costs(worth: int | None, answers: int) -> None:
    """Where two differ one more makes the label a few points likelier to be right; it costs 12 cents."""
    job = a_job(overlap_min=2, overlap_max=3, label_worth_minor=worth, when_unsure="resolve")

    for word in ("Ada Lovelace", "Charles Babbage", "wrote to")[:answers]:
        submitted(job, marked(word))

    task = Task.objects.get(job=job)
    assert (task.state, task.assignments.count()) == ("resolved", answers)


def test_what_a_person_decided_teaches_how_likely_merged_answers_are_right() -> None:
    job = a_job(overlap_max=2)
    for word in ("Ada", "Charles Babbage"):
        submitted(job, marked(word))
    escalation = the_escalation(Task.objects.get(job=job).pk)
    before = fit_job(job_id=job.pk)
    decide_task(escalation_id=escalation.pk, result=marked("Ada Lovelace"), note="", by=a_user(is_staff=True))

    fit = fit_job(job_id=job.pk)

    assert fit is not None and fit.resemblance is not None
    assert before is not None and before.resemblance is not None
    assert (before.parts, before.resemblance["tasks"], fit.resemblance["tasks"]) == ([], 0, 1)
    (level, *_), (without, *_) = fit.resemblance["curve"], before.resemblance["curve"]
    assert level < without  # what was merged of these was wrong
    [shown, _] = Person(owner_of(job.client)).every(f"jobs/{job.pk}/fits/")
    assert (shown["resemblance"]["tasks"], shown["resemblance"]["level"]) == (1, level)


def test_gold_teaches_how_likely_merged_answers_are_right_by_as_many_as_decide_about_work() -> None:
    known = {"item": {"text": TEXT}, "gold_answer": marked("Ada Lovelace"), "gold_reason": "This is a name."}
    job = a_job({"item": {"text": "Work"}}, known, gold_share_basis_points=5000, overlap_min=2, overlap_max=4)
    for _ in range(3):
        worker = a_worker(job)
        turn = claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD)
        submit_annotation(assignment_id=turn.pk, worker=worker, result=marked("Ada Lovelace"))

    merges = known_merges(job, parse_schema(SPANS))

    assert [(each.answers, each.is_right, each.weight) for each in merges] == [(2, True, 0.5), (3, True, 0.5)]
    assert turn.task.gold_question_id is not None
    doubt(gold_question_id=turn.task.gold_question_id, why="Good workers miss it.", by=Actor.system("gold_doubts"))
    assert known_merges(job, parse_schema(SPANS)) == []


def test_habits_are_learnt_of_gold_that_is_answered_and_not_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [
        {"item": {"text": f"{TEXT} {n}"}, "gold_answer": marked("Ada Lovelace"), "gold_reason": "This is a name."}
        for n in range(8)
    ]
    job = a_job({"item": {"text": "Work"}}, *known, gold_share_basis_points=5000, overlap_min=1, overlap_max=4)
    worker = a_worker(job)
    turn = claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD)
    submit_annotation(assignment_id=turn.pk, worker=worker, result=marked("Ada"))
    monkeypatch.setattr(sharing, "MOST_TASKS", 1)

    [task] = sharing.shared_tasks(job)

    assert task.truth == validate_result(parse_schema(SPANS), marked("Ada Lovelace"))
    assert [said.worker for said in task.said] == [str(worker.pk)]
    monkeypatch.setattr(sharing, "MOST_CHARACTERS", 10)
    assert sharing.shared_tasks(job) == []  # its answer is longer
    monkeypatch.undo()
    assert turn.task.gold_question_id is not None
    doubt(gold_question_id=turn.task.gold_question_id, why="Good workers miss it.", by=Actor.system("gold_doubts"))
    assert sharing.shared_tasks(job) == []


def test_what_a_job_has_taught_decides_about_its_merged_answers() -> None:
    job = a_job(overlap_max=2)
    learnt(job, [-5.0, 1.7, 1.7])

    for _ in range(2):
        submitted(job, marked("Ada Lovelace"))

    task = Task.objects.get(job=job)
    assert task.state == "in_adjudication"
    assert task.confidence == pytest.approx(Resemblance(-5.0, 1.7, 1.7).chance(closeness_of(1.0, right_from=0.8), 2))


def learnt(job: Job, curve: list[float]) -> None:
    """A fit that has learnt this of merged answers."""
    written = written_resemblance(UNTAUGHT) | {"curve": curve, "spread": [curve] * 3}
    Fit.objects.create(
        job=job, number=1, parts=[], resemblance=written, answers=1, gold=0, workers=1, claims=1, fitted_at=clock.now()
    )


def test_an_answer_is_checked_against_what_the_task_shows() -> None:
    job = a_job()

    with pytest.raises(InvalidAnswer, match=r"ends at 99, and the text has 40 characters \(code points\)\."):
        submitted(job, [{**marked("Ada")[0], "value": {"start": 2, "end": 99, "labels": ["Name"]}}])


@pytest.mark.parametrize(
    ("said", "is_right"), [(("Ada Lovelace", "Charles Babbage."), True), (("Ada", "wrote"), False)]
)
def test_gold_is_right_when_the_answer_is_as_near_as_its_kind_can_be(said: tuple[str, ...], is_right: bool) -> None:  # noqa: FBT001
    known = {
        "item": {"text": TEXT},
        "gold_answer": marked("Ada Lovelace", "Charles Babbage"),
        "gold_reason": "These are the names of people.",
    }
    job = a_job({"item": {"text": "Work"}}, known, gold_share_basis_points=5000, overlap_min=1, overlap_max=4)
    worker = a_worker(job)
    turn = claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD)
    before = Score.objects.get(worker=worker).lower_bound

    submit_annotation(assignment_id=turn.pk, worker=worker, result=marked(*said))
    tend_waiting_gold()

    assert (Score.objects.get(worker=worker).lower_bound > before) == is_right


def test_gold_that_does_not_fit_its_own_item_is_told_by_row() -> None:
    job = a_draft(tasks=0, label_schema=SPANS)
    row = {"item": {"text": "Short"}, "gold_answer": marked("Charles Babbage"), "gold_reason": "A name."}

    with pytest.raises(InvalidImport) as refused:
        import_tasks(
            job_id=job.pk,
            stream=BytesIO(json.dumps(row).encode()),
            format="jsonl",
            by=Actor.user(owner_of(job.client)),
        )

    assert refused.value.errors == [
        {
            "row": 1,
            "column": "gold_answer",
            "message": "result[0].value: the span ends at 39, and the text has 5 characters (code points).",
        }
    ]

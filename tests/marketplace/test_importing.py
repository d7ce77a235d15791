"""Importing tasks into a job: all or nothing, every fault by its row, and hidden gold."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from io import BytesIO, RawIOBase
from typing import Any, BinaryIO, cast
from uuid import uuid4

import pytest
from django.db import connection

from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from kernel.models import AuditEvent
from kernel.services.audit import Actor
from marketplace.models import Job, Task
from marketplace.services import importing
from marketplace.services.completion import cancel_job
from marketplace.services.import_faults import InvalidImport
from marketplace.services.importing import FileFormat, ImportReport, import_tasks
from marketplace.services.posting import launch_job
from qualification.models import GoldQuestion
from tests.marketplace.builders import a_client, a_draft, owner_of

pytestmark = pytest.mark.django_db

IMPORTER = Actor.system("test")


def import_text(job: Job, text: str, file_format: FileFormat = "jsonl") -> ImportReport:
    return import_tasks(job_id=job.pk, stream=BytesIO(text.encode()), format=file_format, by=IMPORTER)


def import_rows(job: Job, *rows: dict[str, object]) -> ImportReport:
    return import_text(job, "\n".join(json.dumps(row) for row in rows))


def refusal_of(job: Job, text: str, file_format: FileFormat = "jsonl") -> InvalidImport:
    with pytest.raises(InvalidImport) as refused:
        import_text(job, text, file_format)
    return refused.value


def text_row(text: str, **more: object) -> dict[str, object]:
    return {"item": {"text": text}, **more}


def tasks_of(job: Job) -> list[tuple[str, object, int, bool]]:
    rows = Task.objects.filter(job=job).order_by("external_id")
    return [(task.external_id, task.item, task.priority, task.gold_question_id is not None) for task in rows]


A = r'{"item": {"text": "=1+1"}, "external_id": "a"}'
B = r'{"item": {"text": "é\t\\N"}, "external_id": "b", "priority": 0}'
C = r'{"item": {"text": "Miaow"}, "external_id": "c", "gold_answer": "cat", "gold_reason": "Only cats do."}'
HEADER = "external_id,text,priority,gold_answer,gold_reason"
THREE_TASKS = {
    "json": f"[{A}, {B}, {C}]",
    "jsonl": f"{A}\n{B}\n{C}\n",
    "csv": f"{HEADER}\r\na,=1+1,,,\r\nb,é\t\\N,0,,\r\nc,Miaow,,cat,Only cats do.\r\n",
}


@pytest.mark.parametrize("file_format", ["json", "jsonl", "csv"])
def test_every_format_gives_the_same_tasks(file_format: FileFormat) -> None:
    job = a_draft(tasks=0)

    report = import_text(job, THREE_TASKS[file_format], file_format)

    assert report == ImportReport(tasks=2, gold=1)
    assert tasks_of(job) == [
        ("a", {"text": "=1+1"}, 5, False),
        ("b", {"text": "é\t\\N"}, 0, False),
        ("c", {"text": "Miaow"}, 5, True),
    ]
    event = AuditEvent.objects.get(action="job.tasks_imported")
    assert (event.subject_id, event.actor_id) == (str(job.pk), "test")
    assert event.details == {"tasks": 2, "gold": 1, "format": file_format}


def test_gold_becomes_hidden_questions_of_the_skill_that_the_job_weighs() -> None:
    job = a_draft(tasks=0)

    import_rows(job, text_row("Miaow", gold_answer="cat", gold_reason="Only cats do."))

    question = GoldQuestion.objects.get(for_exam=False)
    assert Task.objects.get().gold_question == question
    assert (question.skill, question.reason) == (job.skill, "Only cats do.")
    assert (question.item, question.answer_key) == ({"text": "Miaow"}, '{"animal":["cat"]}')


def test_imported_tasks_are_open_and_can_be_launched() -> None:
    job = a_draft(tasks=0)
    import_rows(
        job, text_row("One"), text_row("Two"), text_row("Miaow", gold_answer="cat", gold_reason="Only cats do.")
    )

    launch_job(job_id=job.pk, by=owner_of(job.client))

    assert (
        list(Task.objects.filter(job=job).values_list("state", "label", "confidence", "method"))
        == [("open", None, None, "")] * 3
    )


def a_cancelled_job() -> Job:
    job = a_draft(tasks=1)
    return cancel_job(job_id=job.pk, by=owner_of(job.client))


def a_job_that_waits_for_funds() -> Job:
    job = a_draft(client=a_client(funds_minor=0), tasks=1)
    return launch_job(job_id=job.pk, by=owner_of(job.client), when_funded=True)


@pytest.mark.parametrize("a_job", [a_cancelled_job, a_job_that_waits_for_funds])
def test_tasks_come_into_no_job_that_has_ended_or_waits_for_funds(a_job: Callable[[], Job]) -> None:
    job = a_job()

    with pytest.raises(WrongState) as refused:
        import_rows(job, text_row("Late"))

    assert refused.value.message == (
        f"Job {job.pk} is {job.state}; tasks are imported into a draft, or into a job that runs."
    )
    with pytest.raises(NotFound):
        import_tasks(job_id=uuid4(), stream=BytesIO(b""), format="json", by=IMPORTER)
    assert Task.objects.count() == 1


def test_one_wrong_row_keeps_the_whole_file_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 2)
    job = a_draft(tasks=0)
    rows = [text_row(f"Text {n}", gold_answer="cat", gold_reason="so") for n in range(9)]
    rows[6] = text_row("", priority=11)

    refused = refusal_of(job, "\n".join(json.dumps(row) for row in rows))

    assert refused.message == "2 faults were found in the file; nothing was imported."
    assert refused.errors == [
        {"row": 7, "column": "text", "message": "The text is empty; the schema shows it to workers."},
        {"row": 7, "column": "priority", "message": "A priority is a whole number from 0 (first) to 9 (last)."},
    ]
    assert (Task.objects.count(), GoldQuestion.objects.filter(for_exam=False).count()) == (0, 0)


def test_50_faults_are_enough() -> None:
    refused = refusal_of(a_draft(tasks=0), "text\n" + " \n" * 10_000, "csv")

    assert refused.message == "The first 50 faults were found in the file; nothing was imported."
    assert [error["row"] for error in refused.errors] == list(range(2, 52))


@pytest.mark.parametrize(
    ("content", "file_format"), [("[]", "json"), ("\n", "jsonl"), ("text\n", "csv"), ("text,priority\n\n", "csv")]
)
def test_a_file_without_tasks_is_refused(content: str, file_format: FileFormat) -> None:
    refused = refusal_of(a_draft(tasks=0), content, file_format)

    assert (refused.message, refused.errors) == ("There are no tasks in the file; nothing was imported.", [])


def test_another_format_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        import_text(a_draft(tasks=0), "", cast(FileFormat, "xlsx"))

    assert refused.value.message == '"xlsx" is no format of imports. Possible: json, jsonl, csv.'


@pytest.mark.parametrize("rows_at_once", [1, 2, 100])
def test_an_external_id_given_twice_is_refused_with_both_rows(
    rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", rows_at_once)
    job = a_draft(tasks=0)
    import_rows(job, text_row("Zero", external_id="z"))
    ids = ["a", "b", "", "a", "z", "", "b", "a"]
    rows = [text_row(f"Text {n}", external_id=external_id or None) for n, external_id in enumerate(ids)]

    refused = refusal_of(job, "\n".join(json.dumps(row) for row in rows))

    assert [(error["row"], error["message"]) for error in refused.errors] == [
        (4, 'The external_id "a" is taken by row 1 of this file.'),
        (5, 'The external_id "z" is taken by a task that the job has already.'),
        (7, 'The external_id "b" is taken by row 2 of this file.'),
        (8, 'The external_id "a" is taken by row 1 of this file.'),
    ]
    assert [task.external_id for task in Task.objects.all()] == ["z"]


def test_the_same_file_again_is_refused_and_another_job_may_use_its_ids() -> None:
    job, other = a_draft(tasks=0), a_draft(tasks=0)
    import_text(job, THREE_TASKS["csv"], "csv")

    refused = refusal_of(job, THREE_TASKS["csv"], "csv")

    assert [error["row"] for error in refused.errors] == [2, 3, 4]
    assert import_text(other, THREE_TASKS["csv"], "csv") == ImportReport(tasks=2, gold=1)
    assert Task.objects.count() == 6


class Lines(RawIOBase):
    """A file that is made while it is read, and never there as a whole."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines

    def readline(self, size: int | None = -1, /) -> bytes:
        return next(self._lines, b"")


def test_an_import_that_breaks_off_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:  # [B053, B054]
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 2)
    job = a_draft(tasks=0)

    def lines() -> Iterator[bytes]:
        for number in range(5):
            yield json.dumps(text_row(f"Text {number}", external_id=f"row-{number}")).encode() + b"\n"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        import_tasks(job_id=job.pk, stream=cast(BinaryIO, Lines(lines())), format="jsonl", by=IMPORTER)

    assert Task.objects.count() == 0
    assert import_rows(job, text_row("Text 0", external_id="row-0")) == ImportReport(tasks=1, gold=0)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file() -> None:  # [B054]
    job = a_draft(tasks=0)

    def peak_kib_of(rows: int) -> int:
        name = uuid4().hex
        lines = (
            json.dumps(text_row("x" * 300, external_id=f"{name}-{number}")).encode() + b"\n" for number in range(rows)
        )
        tracemalloc.start()
        import_tasks(job_id=job.pk, stream=cast(BinaryIO, Lines(lines)), format="jsonl", by=IMPORTER)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak // 1024

    small, large = peak_kib_of(10_000), peak_kib_of(60_000)

    assert large - small < 3 * 1024


def test_no_cell_is_read_as_a_command_of_copy() -> None:
    job = a_draft(tasks=0)
    hostile: list[Any] = ["\\N", "\\.", "a\nb\tc\rd", "\\x41", "'; DROP TABLE marketplace_task; --", "a\u2028b", "😀"]

    import_rows(job, *(text_row(text, external_id=f"{n}-\\N") for n, text in enumerate(hostile)))

    assert [(external_id, item) for external_id, item, _, _ in tasks_of(job)] == [
        (f"{n}-\\N", {"text": text}) for n, text in enumerate(hostile)
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM marketplace_task WHERE jsonb_typeof(item) = 'object'")
        assert cursor.fetchone() == (7,)

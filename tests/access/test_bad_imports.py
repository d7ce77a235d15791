"""Files that cannot be meant, sent as imports over HTTP: refused by their row, and nothing of them is kept."""

import json
from typing import Any, Final

import pytest

from marketplace.models import Client, Job, Task
from tests.access.shared import World, undone
from tests.access.untouched import contents
from tests.marketplace.builders import a_draft

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_is_slowed_down")]

CSV, JSON, LINES = "text/csv", "application/json", "application/x-ndjson"
ROW: Final = '{"item": {"text": "One"}, "external_id": "a"}'
GOOD: Final = {CSV: "external_id,text\na,One\n", JSON: f"[{ROW}]", LINES: f"{ROW}\n"}

ANY_FORMAT: Final = [
    ("B049-empty", b""),
    ("B049-utf-16", "text\nOne\n".encode("utf-16")),
    ("B049-utf-16-unmarked", "text\nOne\n".encode("utf-16-be")),
    ("B049-nul", b"\x00" * 100),
    ("B049-bytes", bytes(range(128, 256))),
    ("B003-gzip", b"\x1f\x8b\x08\x00" + b"\x00" * 50),
    ("B067-xml", b'<?xml version="1.0"?><!DOCTYPE v [<!ENTITY a "ha">]><v>&a;</v>'),
]
CSV_ONLY: Final = [
    ("B049-header-only", "text\n"),
    ("B049-mixed-ends", "text\rOne\nTwo\r\n"),
    ("B049-open-quote", 'text\n"One\nTwo\n'),
    ("B049-nul-inside", "text\nOne\x00\n"),
    ("B049-columns", ",".join(f"c{number}" for number in range(10_000)) + "\n"),
    ("B049-row", "text\n" + "x" * 200_000 + "\n"),
    ("B049-open-row", 'text\n"' + "x\n" * 200_000),
    ("B050-twice", "text,text\nOne,Two\n"),
    ("B050-id", "text,id\nOne,1\n"),
    ("B050-worker", "text,worker\nOne,1\n"),
    ("B050-class", "text,__class__\nOne,1\n"),
    ("B050-hidden", "te\u200bxt\nOne\n"),
    ("B051-short", "text,priority\nOne,1\nTwo\n"),
    ("B051-long", "text\nOne\nTwo,2\n"),
    ("B051-blank", "text\nOne\n\nTwo\n"),
    ("B055-within", "external_id,text\na,One\na,Two\n"),
    ("B023-priority", "text,priority\nOne,٧\n"),
    ("B038-external-id", "external_id,text\na\u200bb,One\n"),
    ("B041-external-id", 'external_id,text\n"a\nb",One\n'),
    ("B042-external-id", "external_id,text\n" + "x" * 201 + ",One\n"),
]
ROWS: Final[list[tuple[str, str]]] = [
    ("B001", '{"item": ' + "[" * 100_000),
    ("B005", '{"item": {"text": "One"}, "item": {"text": "Two"}}'),
    ("B006", '{"item": {"text": "One"}, "priority": NaN}'),
    ("B007", '{"item": {"text": "One"}, "priority": 1e999}'),
    ("B009", '{"item": {"text": "\\u0000"}}'),
    ("B010", '{"item": {"text": "\\ud800"}}'),
    ("B011", '{"item": {' + ",".join(f'"k{number}": 1' for number in range(5_000)) + "}}"),
    ("B013", "7"),
    ("B015", '{"item": {"text": "One"}, "state": "resolved"}'),
    ("B015-item", '{"item": {"text": "One", "ssn": "1"}}'),
    ("B022", '{"item": {"text": "One"}, "priority": true}'),
    ("B023", '{"item": {"text": "One"}, "priority": "7"}'),
    ("B042", '{"item": {"text": "' + "x" * 100_000 + '"}}'),
    ("B051", '{"item": {}}'),
    ("B078", '{"item": {"text": " \\n"}}'),
    ("B117", '{"item": {"text": "One"}, "answer_key": "x", "job": "y"}'),
    ("cut-off", '{"item": {"text": "On'),
]


def a_job(world: World) -> Job:
    """A draft of the world's client, with one task that has the id `taken`."""
    return a_draft(client=Client.objects.get(pk=world.side.ids["client_id"]), tasks=1)


def upload(world: World, job: Job, content: bytes | str, kind: str) -> tuple[int, Any]:
    raw = content if isinstance(content, bytes) else content.encode()
    answer: Any = world.side.owner.http.generic("POST", f"/api/v1/jobs/{job.pk}/tasks/", raw, content_type=kind)  # type: ignore[arg-type]
    return answer.status_code, answer.json()


def files() -> list[tuple[str, str, bytes | str]]:
    """Every bad file: its case, as what it is sent, what it holds."""
    found: list[tuple[str, str, bytes | str]] = [(case, kind, raw) for case, raw in ANY_FORMAT for kind in GOOD]
    found += [(case, CSV, content) for case, content in CSV_ONLY]
    found += [(case, JSON, f"[{ROW}, {row}]") for case, row in ROWS]
    found += [(case, LINES, f"{ROW}\n{row}\n") for case, row in ROWS]
    found += [(f"{sent}-as-{kind}", kind, GOOD[sent]) for sent in GOOD for kind in GOOD if sent != kind]
    return found


def test_a_file_that_cannot_be_meant_is_refused_by_its_row_and_leaves_nothing(world: World) -> None:
    # [B001, B003, B005, B006, B007, B009, B010, B011, B013, B015, B022, B023, B042, B049, B050, B051, B055, B078, B117]
    with undone():
        job = a_job(world)
        before, wrong = contents(), []
        for case, kind, content in files():
            status, said = upload(world, job, content, kind)
            is_told = said.get("code") == "invalid_import" and len(json.dumps(said)) < 60_000
            placed = all("row" in fault for fault in said.get("errors", [])) and (
                said.get("errors") or "no tasks" in said["message"]
            )
            if status != 400 or not is_told or not placed:
                wrong.append(f"{case} as {kind}: {status} {said}"[:300])
        assert wrong == []
        assert contents() == before


@pytest.mark.parametrize("kind", list(GOOD))
def test_the_same_file_twice_adds_nothing_the_second_time(world: World, kind: str) -> None:  # [B053, B055]
    with undone():
        job = a_job(world)
        first, second = upload(world, job, GOOD[kind], kind), upload(world, job, GOOD[kind], kind)
        assert (first, second[0]) == ((201, {"tasks": 1, "gold": 0, "predictions": 0}), 400)
        assert [fault["message"] for fault in second[1]["errors"]] == [
            'The external_id "a" is taken by a task that the job has already.'
        ]
        assert Task.objects.filter(job=job).count() == 2


def test_what_a_spreadsheet_would_run_comes_out_as_it_came_in(world: World) -> None:  # [B201]
    cells = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "=cmd|' /C calc'!A0", "x" * 32_768, "a\r\nb", '"', "\ufeffa"]
    with undone():
        job = a_job(world)
        status, _ = upload(world, job, json.dumps([{"item": {"text": cell}} for cell in cells]), JSON)
        assert status == 201
        assert {task.item["text"] for task in Task.objects.filter(job=job)} >= set(cells)
        shown = world.side.owner.every(f"jobs/{job.pk}/tasks/")
        assert {row["item"]["text"] for row in shown} >= set(cells)

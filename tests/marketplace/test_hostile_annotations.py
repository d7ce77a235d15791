"""Annotations that are sent to do harm, over HTTP: each is refused with what is wrong, and nothing is kept of it."""

import json
import random
from io import BytesIO
from typing import Any

import pytest

from kernel.services.audit import Actor
from marketplace.models import Annotation, Assignment
from marketplace.services.allocation import claim_task
from marketplace.services.importing import import_tasks
from marketplace.services.posting import launch_job
from qualification.labels.kinds.packed_runs import pack
from tests.marketplace.api_people import Person
from tests.marketplace.builders import a_draft, a_worker, owner_of
from tests.qualification.kinds import drawn

pytestmark = pytest.mark.django_db

SCHEMA = (
    '<View><Text name="t" value="$text"/><Labels name="span" toName="t"><Label value="A"/></Labels>'
    '<TextArea name="note" toName="t"/><Number name="number" toName="t"/><Rating name="stars" toName="t"/>'
    '<Image name="p" value="$picture"/><Polygon name="outline" toName="p"/><Brush name="mask" toName="p"/>'
    '<Relations><Relation value="of"/></Relations></View>'
)


def entry(control: str, target: str, kind: str, value: object, **more: object) -> dict[str, object]:
    return {"from_name": control, "to_name": target, "type": kind, "value": value, **more}


def outline(points: object) -> list[dict[str, object]]:
    return [entry("outline", "p", "polygon", {"points": points})]


def scribble(points: int) -> list[list[float]]:
    chance = random.Random(1)
    return [[round(chance.uniform(0, 100), 1), round(chance.uniform(0, 100), 1)] for _ in range(points)]


def mask(packed: list[Any]) -> list[dict[str, object]]:
    return [entry("mask", "p", "brush", {"format": "rle", "rle": packed}, original_width=4096, original_height=4096)]


def span(**value: object) -> list[dict[str, object]]:
    return [entry("span", "t", "labels", {"labels": ["A"], **value})]


WHOLE = list(pack(((0, 1 << 24),), pixels=1 << 24))

HOSTILE: list[tuple[Any, str]] = [
    (outline(scribble(2_001)), "has 2001 entries; at most 2,000 are possible."),
    (outline(scribble(1_500)), "the outline crosses itself more than 100 times."),
    (outline([[1, 1]] * 50), "a polygon has at least three points that do not lie on one line."),
    (outline([[1, 1], [2], [3, 3]]), "each point is a list of two numbers, x and y."),
    (outline({"0": [1, 1]}), "is a list, not an object."),
    (outline([[True, 1], [2, 2], [3, 1]]), "is a number, not true or false."),
    (outline([[10**18, 1], [2, 2], [3, 1]]), "is 1000000000000000000; it must be from -0.01 to 100.01."),
    (mask([255] * 100_001), "has 100001 entries; at most 100,000 are possible."),
    (mask([255] * 99_999), "it is of 1,073,741,823 pixels, and the picture has 16,777,216."),
    (mask([*WHOLE[:4], 255, 255, 255, *[255] * 900]), "its numbers are not bytes."),
    (mask(WHOLE[:-9]), "cannot be unpacked: it ends in the middle."),
    (mask([1.5, "x"]), "is a list of bytes, each from 0 to 255."),
    (span(start=0, end=10**9), "is 1000000000; it must be a whole number from 0 to 1e+07."),
    (span(start=3, end=2), "the span from 3 to 2 is empty; it ends after its last character."),
    (span(start=0, end=99), "the span ends at 99, and the text has 5 characters (code points)."),
    (span(start=0, end=1, labels="A"), "the labels are a list of texts."),
    (span(start=0, end=1, labels=[["A"]]), "the labels are a list of texts."),
    (span(start=0, end=1, __class__="x"), 'the key "__class__" is not known here.'),
    ([entry("note", "t", "textarea", {"text": ["\u202e" * 5]})], "a character that changes the direction"),
    ([entry("note", "t", "textarea", {"text": ["x" * 50_001]})], "has more than 50,000 characters."),
    ([entry("note", "t", "textarea", {"text": [[]] * 9})], "is a list of texts, none of them empty;"),
    ([entry("number", "t", "number", {"number": 1e300})], "is 1e+300; it must be from -1e+15 to 1e+15."),
    ([entry("stars", "t", "rating", {"rating": 4.5})], "is 4.5; it must be a whole number from 1 to 5."),
    ([*span(start=0, end=1), *span(start=0, end=1)], "the same region is marked twice."),
    (
        [{**each, "id": "a"} for end in (1, 2) for each in span(start=0, end=end)],
        "this id is taken by another region.",
    ),
    ([{"type": "relation", "from_id": "a", "to_id": "b"}], 'there is no region with this id: "a".'),
    ([{"type": "relation", "from_id": [], "to_id": {}}], "there is no region with this id"),
    (span(start=0, end=1) * 301, "has 301 regions; at most 300 are possible."),
    ({"0": "x"}, "an annotation is a list of regions, not an object."),
    ([[[]]], "a region is an object, not a list."),
    ([None], "a region is an object, not null."),
]

RAW = [
    '[{"from_name": "number", "to_name": "t", "type": "number", "value": {"number": 1e999}}]',
    '[{"from_name": "number", "to_name": "t", "type": "number", "value": {"number": NaN}}]',
    f'[{{"from_name": "number", "to_name": "t", "type": "number", "value": {{"number": {"9" * 5000}}}}}]',
    '[{"from_name": "note", "to_name": "t", "type": "textarea", "value": {"text": ["\\ud83d"]}}]',
    '[{"from_name": "note", "to_name": "t", "type": "textarea", "value": {"text": ["\\u0000"]}}]',
    '[{"from_name": "note", "from_name": "span", "to_name": "t", "type": "textarea", "value": {"text": ["x"]}}]',
    "[" * 40 + "]" * 40,
]


def a_turn() -> tuple[Assignment, Person]:
    job = a_draft(tasks=0, label_schema=SCHEMA, confidence_basis_points=8000)
    by = owner_of(job.client)
    lines = json.dumps({"item": {"text": "hello", "picture": drawn([(0, 9)])}})
    import_tasks(job_id=job.pk, stream=BytesIO(lines.encode()), format="jsonl", by=Actor.user(by))
    job = launch_job(job_id=job.pk, by=by)
    worker = a_worker(job)
    turn = claim_task(worker=worker, job_id=job.pk)
    return turn, Person(worker.user)


def test_annotations_that_are_sent_to_do_harm_are_refused_with_what_is_wrong_and_nothing_is_kept() -> None:
    turn, person = a_turn()

    answered = [person.post(f"assignments/{turn.pk}/submit/", {"result": result}) for result, _ in HOSTILE]

    assert [(status, told["code"]) for status, told in answered] == [(400, "invalid_answer")] * len(HOSTILE)
    told = [(answer["message"], why) for (_, answer), (_, why) in zip(answered, HOSTILE, strict=True)]
    assert [(message, why) for message, why in told if why not in message] == []
    assert max(len(message) for message, _ in told) < 500
    turn.refresh_from_db()
    assert (turn.state, Annotation.objects.filter(assignment=turn).exists()) == ("active", False)


def test_what_is_no_strict_json_is_refused_before_anybody_looks_at_it() -> None:
    turn, person = a_turn()

    answered = [
        person.upload(f"assignments/{turn.pk}/submit/", f'{{"result": {raw}}}', "application/json") for raw in RAW
    ]

    assert [status for status, _ in answered] == [400] * len(RAW)
    assert not Annotation.objects.filter(assignment=turn).exists()

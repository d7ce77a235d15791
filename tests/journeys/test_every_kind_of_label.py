"""Kinds of label, over HTTP, on a real installation: from the schema and three answers to one merged result."""

import json
from typing import Any, NamedTuple

import pytest

from tests.journeys.people import Client, Installation, Worker, eventually
from tests.kernel.pictures import a_picture

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.xdist_group("journeys")]

TEXT = "👩‍👩‍👧 Ada met Bob in Ulm."
LABELS = '<Label value="Person"/><Label value="Place"/>'


class Case(NamedTuple):
    """A kind: what is asked and shown, what three workers answer, and what must come out."""

    shown: str
    asked: str
    item: Any
    answers: list[list[dict[str, Any]]]
    merged: list[dict[str, Any]]


def region(control: str, target: str, kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"from_name": control, "to_name": target, "type": kind, "value": value, **more}


def box(x: float, y: float, label: str = "Person", **more: Any) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": 20, "height": 30, "rotation": 0, "rectanglelabels": [label]}
    return region("c", "o", "rectanglelabels", value, **more)


def span(words: str, label: str, **more: Any) -> dict[str, Any]:
    start = TEXT.index(words)
    value = {"start": start, "end": start + len(words), "labels": [label]}
    return region("c", "o", "labels", value, **more)


def single(kind: str, key: str, value: Any, target: str = "o") -> list[dict[str, Any]]:
    return [region("c", target, kind, {key: value})]


CASES = {
    "boxes": Case(
        '<Image name="o" value="$o"/>',
        f'<RectangleLabels name="c" toName="o">{LABELS}</RectangleLabels>',
        None,
        [[box(10, 10), box(60, 50, "Place")], [box(11, 10), box(60, 52, "Place")], [box(12, 11), box(60, 51, "Place")]],
        [box(11, 10, id="r1"), box(60, 51, "Place", id="r2")],
    ),
    "spans": Case(
        '<Text name="o" value="$o"/>',
        f'<Labels name="c" toName="o">{LABELS}</Labels>',
        TEXT,
        [
            [span("Ada", "Person"), span("Ulm", "Place")],
            [span("Ada", "Person"), span("Bob", "Person"), span("Ulm", "Place")],
            [span("Ada", "Person"), span("Bob", "Person"), span("Ulm", "Place")],
        ],
        [span("Bob", "Person", id="r1"), span("Ulm", "Place", id="r2"), span("Ada", "Person", id="r3")],
    ),
    "transcript": Case(
        '<Audio name="o" value="$o"/>',
        '<TextArea name="c" toName="o" required="true"/>',
        "calls/1.wav",
        [
            single("textarea", "text", ["the quick brown fox jumps over a dog"]),
            single("textarea", "text", ["the quick brown box jumps over the dog"]),
            single("textarea", "text", ["the quick crown fox jumps over the dog"]),
        ],
        single("textarea", "text", ["the quick brown fox jumps over the dog"]),
    ),
    "ranking": Case(
        '<List name="o" value="$o"/>',
        '<Ranker name="c" toName="o"/>',
        [{"id": name, "body": name} for name in "abcd"],
        [single("ranker", "ranker", {"c": list(order)}) for order in ("abcd", "abdc", "bacd")],
        single("ranker", "ranker", {"c": list("abcd")}),
    ),
    "pair": Case(
        '<Text name="o" value="$o"/><Text name="p" value="$o"/>',
        '<Pairwise name="c" toName="o,p"/>',
        "One of two",
        [single("pairwise", "selected", side, "o,p") for side in ("left", "right", "right")],
        single("pairwise", "selected", "right", "o,p"),
    ),
    "several choices": Case(
        '<Text name="o" value="$o"/>',
        '<Choices name="c" toName="o" choice="multiple"><Choice value="x"/><Choice value="y"/></Choices>',
        "A text",
        [single("choices", "choices", found) for found in (["x", "y"], ["x", "y"], ["x", "y"])],
        single("choices", "choices", ["x", "y"]),
    ),
}


@pytest.fixture(scope="module")
def crowd(installation: Installation) -> tuple[str, Client, list[Worker]]:
    """A skill, a client with funds, and three workers who may answer."""
    skill = installation.skill()
    return skill, installation.client(funds_minor=20_000), [installation.worker(skill) for _ in range(3)]


def picture(client: Client, job: str) -> str:
    """What an item refers to a new picture of the job by."""
    media = client.api.upload(f"/api/v1/jobs/{job}/media/", a_picture(), content_type="image/png")
    reference: str = media["reference"]
    return reference


@pytest.mark.parametrize("name", CASES)
def test_from_the_schema_to_one_merged_result(name: str, crowd: tuple[str, Client, list[Worker]]) -> None:
    case, (skill, client, workers) = CASES[name], crowd
    order = {"overlap_min": 3, "overlap_max": 3, "when_unsure": "resolve"}
    job = client.draft(skill, label_schema=f"<View>{case.shown}{case.asked}</View>", **order)
    shown = (
        case.item or client.api.upload(f"/api/v1/jobs/{job}/media/", a_picture(), content_type="image/png")["reference"]
    )
    task = json.dumps({"external_id": "t", "item": {"o": shown}}).encode()
    client.api.upload(f"/api/v1/jobs/{job}/tasks/", task, content_type="application/x-ndjson")
    client.api.post(f"/api/v1/jobs/{job}/launch/")

    for worker, answer in zip(workers, case.answers, strict=True):
        turn = worker.claim(job)["id"]
        worker.api.post(f"/api/v1/assignments/{turn}/submit/", {"result": answer})

    eventually(lambda: client.sees(job)["state"] == "completed" or client.results(job)[0]["label"])
    [line] = client.results(job)
    assert (line["state"], line["method"], line["label"]) == ("resolved", "consensus", case.merged)
    assert 0 < line["confidence_low"] <= line["confidence"] <= line["confidence_high"] < 1

"""Every kind of label, over HTTP, on a real installation: from the schema and three answers to one merged result."""

import json

import pytest

from qualification.labels.kinds.registry import AUDIO, OF_TAG
from qualification.labels.parts import ChoicesControl
from qualification.labels.results import Answer, validate_result
from qualification.labels.schema import LabelSchema, parse_schema
from tests.journeys.kinds_of_label import CASES, Case, Result
from tests.journeys.people import Client, Installation, Worker, eventually
from tests.kernel.pictures import a_picture

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.xdist_group("journeys")]


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


def schema_of(case: Case) -> str:
    return f"<View>{case.shown}{case.asked}</View>"


def says(case: Case, result: Result) -> Answer:
    """What a result says, however it is written: regions in any order, masks packed in any way."""
    return validate_result(parse_schema(schema_of(case)), result, {"o": case.item or "media:a"})


def tags_of(schema: LabelSchema) -> set[str]:
    """What is asked, by tag; Labels of a recording are another kind than those of a text."""
    about = {found.name: found.kind for found in schema.objects}
    return {
        "Choices" if isinstance(asked, ChoicesControl) else AUDIO if about.get(asked.to_name) == "Audio" else asked.tag
        for asked in schema.controls
    }


def test_every_control_that_there_is_goes_the_whole_way() -> None:
    asked = set[str]().union(*(tags_of(parse_schema(schema_of(case))) for case in CASES.values()))

    assert asked | {"TextArea"} == {*OF_TAG, AUDIO, "Choices", "Relations"}


@pytest.mark.parametrize("name", CASES)
def test_from_the_schema_to_one_merged_result(name: str, crowd: tuple[str, Client, list[Worker]]) -> None:
    case, (skill, client, workers) = CASES[name], crowd
    order = {"overlap_min": 3, "overlap_max": 3, "when_unsure": "resolve"}
    job = client.draft(skill, label_schema=schema_of(case), **order)
    item = {"o": case.item or picture(client, job)}
    task = json.dumps({"external_id": "t", "item": item}).encode()
    client.api.upload(f"/api/v1/jobs/{job}/tasks/", task, content_type="application/x-ndjson")
    client.api.post(f"/api/v1/jobs/{job}/launch/")

    for worker, answer in zip(workers, case.answers, strict=True):
        turn = worker.claim(job)["id"]
        worker.api.post(f"/api/v1/assignments/{turn}/submit/", {"result": answer})

    eventually(lambda: client.results(job)[0]["label"])
    [line] = client.results(job)
    assert (line["state"], line["method"]) == ("resolved", "consensus")
    assert says(case, line["label"]) == says(case, case.merged)
    assert 0 < line["confidence_low"] <= line["confidence"] <= line["confidence_high"] < 1

"""Pictures, from a client's upload to a label, with real processes: shown on the content origin, and there only."""

import http.client
import io
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.journeys.people import Client, Installation, Worker, eventually
from tests.kernel.pictures import a_picture, exif

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.xdist_group("journeys")]

SHOWN = (
    '<View><Image name="picture" value="$image"/><Choices name="animal" toName="picture" required="true">'
    '<Choice value="cat"/><Choice value="dog"/></Choices></View>'
)


def seen(url: str) -> tuple[int, dict[str, str], bytes]:
    """What a browser gets that asks for this address, with nothing but the address."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    try:
        connection.request("GET", place.path)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def looked_at(picture: bytes) -> str:
    """What a worker answers who sees a red picture as a cat."""
    with Image.open(io.BytesIO(picture)) as shown:
        red, _, blue = shown.convert("RGB").getpixel((4, 3))  # type: ignore[misc]  # three bands
    return "cat" if red > blue else "dog"


def upload_pictures(client: Client, job: str) -> dict[str, str]:
    """Two cats and two dogs, photographed somewhere; the right label of each task by its external id."""
    rows, labels = [], {}
    for number, (colour, label) in enumerate([("red", "cat"), ("blue", "dog")] * 2):
        photo = a_picture("JPEG", size=(12 + number, 8), colour=colour, exif=exif())
        media = client.api.upload(f"/api/v1/jobs/{job}/media/", photo, content_type="image/jpeg")
        assert (media["kind"], media["width"]) == ("picture", 12 + number)
        rows.append({"external_id": f"t{number}", "item": {"image": media["reference"]}})
        labels[f"t{number}"] = label
    lines = "\n".join(map(json.dumps, rows)).encode()
    client.api.upload(f"/api/v1/jobs/{job}/tasks/", lines, content_type="application/x-ndjson")
    return labels


def label_everything(installation: Installation, worker: Worker, job: str, tasks: int) -> list[str]:
    """The worker labels every task by what they see; the addresses that they were given."""
    addresses = []
    for _ in range(tasks):
        turn: Any = worker.claim(job)
        address = turn["item"]["image"]
        assert address.startswith(f"{installation.stack.content_origin}/")
        status, headers, picture = seen(address)
        assert (status, headers["Content-Type"], headers["X-Content-Type-Options"]) == (200, "image/jpeg", "nosniff")
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; sandbox;")
        assert ("Set-Cookie" in headers, b"Exif" in picture) == (False, False)
        answer = [
            {
                "from_name": "animal",
                "to_name": "picture",
                "type": "choices",
                "value": {"choices": [looked_at(picture)]},
            }
        ]
        worker.api.post(f"/api/v1/assignments/{turn['id']}/submit/", {"result": answer})
        assert seen(address)[0] == 403
        addresses.append(address)
    return addresses


def test_pictures_from_upload_to_label(installation: Installation) -> None:
    skill = installation.skill()
    client = installation.client()
    job = client.draft(skill, label_schema=SHOWN, instructions="Say which animal it is.")
    labels = upload_pictures(client, job)
    client.api.post(f"/api/v1/jobs/{job}/launch/")

    for _ in range(2):
        addresses = label_everything(installation, installation.worker(skill), job, len(labels))

    eventually(lambda: {line["external_id"]: line["value"] for line in client.results(job)} == labels)
    lines = client.results(job)
    kept = {media["id"]: media["sha256"] for media in client.api.every(f"/api/v1/jobs/{job}/media/")}
    assert {line["media"]["image"]["id"]: line["media"]["image"]["sha256"] for line in lines} == kept
    path = urlsplit(addresses[0]).path
    assert seen(f"{installation.stack.url}{path}")[0] == 404
    assert seen(f"{installation.stack.content_origin}/api/v1/me/")[0] == 404


def test_a_take_down_reaches_whoever_holds_the_task(installation: Installation) -> None:
    skill = installation.skill()
    client = installation.client()
    job = client.draft(skill, label_schema=SHOWN)
    media = client.api.upload(f"/api/v1/jobs/{job}/media/", a_picture(), content_type="image/png")
    row = json.dumps({"item": {"image": media["reference"]}}).encode()
    client.api.upload(f"/api/v1/jobs/{job}/tasks/", row, content_type="application/x-ndjson")
    client.api.post(f"/api/v1/jobs/{job}/launch/")
    worker = installation.worker(skill)
    turn = worker.claim(job)
    assert seen(turn["item"]["image"])[0] == 200

    client.api.post(f"/api/v1/jobs/{job}/media/{media['id']}/withdraw/", {"why": "It shows somebody's address."})

    assert seen(turn["item"]["image"])[0] == 403
    assert worker.api.get(f"/api/v1/assignments/{turn['id']}/")["state"] == "cut_short"

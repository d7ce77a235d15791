"""Media that are fetched: from the public internet through the one way out, once, and cleaned like any."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from kernel import clock
from kernel.destinations import Origin
from kernel.models import Media, MediaAllowance
from kernel.services.media import tidy_media
from marketplace.models import Job
from marketplace.services.completion import cancel_job
from tests.billing.flows import run_relay
from tests.kernel.internet import Server, a_server
from tests.kernel.pictures import a_picture, exif
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.builders import owner_of
from tests.marketplace.media_flows import a_draft_that_shows_images, a_job_of_pictures, a_media, get, import_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """A server inside, which the settings let us ask."""
    with a_server() as running:
        settings.EGRESS_ALLOW = frozenset({Origin("http", "127.0.0.1", running.port)})
        yield running


def fetch(job: Job, url: str, **said: str) -> tuple[int, Any]:
    return Person(owner_of(job.client)).post(f"jobs/{job.pk}/media/fetch/", {"url": url, **said})


def looked_at(job: Job, media_id: str) -> Any:
    status, shown = Person(owner_of(job.client)).get(f"jobs/{job.pk}/media/{media_id}/")
    assert status == 200
    return shown


def fetched(job: Job, url: str) -> Any:
    """What became of a picture that was asked for."""
    status, shown = fetch(job, url)
    assert (status, shown["state"], shown["url"]) == (201, "arriving", None)
    run_relay()
    return looked_at(job, shown["id"])


def test_a_picture_is_fetched_once_and_cleaned(server: Server) -> None:
    job = a_draft_that_shows_images()

    shown = fetched(job, f"http://127.0.0.1:{server.port}/photo?of=it")
    run_relay()

    assert (shown["state"], shown["kind"], shown["media_type"]) == ("available", "picture", "image/jpeg")
    assert len(server.asked) == 1
    assert b"Exif" not in get(shown["url"]).body
    assert import_rows(job, f'{{"item": {{"image": "{shown["reference"]}"}}}}')[0] == 201
    assert MediaAllowance.objects.get().used_bytes == 4096


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/", "https://localhost/", "https://[::1]/a.png", "https://127.1/",
        "https://0x7f.1/", "https://2130706433/", "https://[::ffff:10.0.0.1]/", "https://10.0.0.1/a.png",
        "file:///etc/passwd", "gopher://example.org/", "ftp://example.org/a.png", "data:image/png;base64,AA==",
        "javascript:alert(1)", "//example.org/a.png", "http:example.org", "http://example.org/a.png",
        "https://example.org:8443/a.png", "https://user:pass@example.org/a.png",
    ],
)  # fmt: skip
def test_an_address_that_is_not_asked_is_refused_at_once(url: str) -> None:  # [B081, B082, B083]
    job = a_draft_that_shows_images()
    assert code_of(fetch(job, url)) == (409, "address_refused")
    assert Media.objects.count() == 0


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (
            "page",
            "The other server did not send one of: application/octet-stream, image/gif, image/jpeg, image/png, im",
        ),
        ("gone", "The other server answered with status 404 instead of the file."),
        ("away", "The other server redirects, which is not followed. Give the final address."),
        ("file", "What is at this address is no picture."),
        ("zipped", "The other server compressed its answer, although it was asked not to."),
    ],
)
def test_what_is_no_picture_is_refused_with_why(server: Server, path: str, why: str) -> None:  # [B087, B089]
    job = a_draft_that_shows_images()

    shown = fetched(job, f"http://127.0.0.1:{server.port}/{path}")

    assert (shown["state"], shown["failure"].startswith(why)) == ("refused", True), shown["failure"]
    tidy_media()
    assert MediaAllowance.objects.get().used_bytes == 0
    assert len(server.asked) == 1


def test_a_server_that_does_not_answer_is_given_up_after_an_hour(server: Server) -> None:
    job = a_draft_that_shows_images()
    _, shown = fetch(job, f"http://127.0.0.1:{server.port}/short")
    run_relay()
    assert looked_at(job, shown["id"])["state"] in ("arriving", "refused")

    with clock.ahead_by(timedelta(hours=2)):
        tidy_media()

    assert looked_at(job, shown["id"])["state"] == "refused"


def test_the_same_picture_from_elsewhere_is_not_kept_twice(server: Server) -> None:
    job = a_draft_that_shows_images()
    there = a_media(job, a_picture("JPEG", exif=exif()))

    shown = fetched(job, f"http://127.0.0.1:{server.port}/photo")

    assert (shown["state"], shown["failure"]) == ("refused", f"The same file is here already, as {there['reference']}.")


def test_what_is_fetched_takes_room_too(server: Server, settings: Settings) -> None:  # [B065]
    settings.MEDIA_ALLOWANCE_BYTES = 4096
    job = a_draft_that_shows_images()
    a_media(job)

    assert code_of(fetch(job, f"http://127.0.0.1:{server.port}/photo")) == (409, "allowance_used_up")
    assert server.asked == []


def test_nothing_is_fetched_for_a_job_that_has_ended() -> None:
    job = a_job_of_pictures()
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    assert code_of(fetch(job, "https://example.org/a.png")) == (409, "wrong_state")

"""Media that break off, never come whole, are found harmful, or are asked for together."""

import sys
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from kernel import clock
from kernel.media_store import keep_file
from kernel.models import Media, MediaAllowance
from kernel.services.media import tidy_media
from marketplace.services.results import stream_results
from tests.access.test_uploads import Untouched
from tests.access.test_uploads import send as send_as_said
from tests.concurrency.crowd import at_once
from tests.kernel.pictures import a_picture
from tests.marketplace.api_people import Person, code_of, somebody
from tests.marketplace.builders import owner_of
from tests.marketplace.media_flows import a_draft_that_shows_images, a_job_of_pictures, a_media, import_rows, send
from tests.marketplace.test_results import results_of

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-" + b"TEST-FILE!$H+H*"
"""The harmless file that every scanner takes for harmful; in pieces, so that none takes this one for it."""

SCANNER = "import sys; sys.exit(b'EICAR' in sys.stdin.buffer.read())"


@pytest.fixture(autouse=True)
def store(settings: Settings, tmp_path: Path) -> Path:
    """A folder of media that is this test's alone."""
    folder = tmp_path / "media"
    media = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "media": media}
    return folder


@pytest.mark.django_db
@pytest.mark.parametrize("missing", [1, 10_000])
def test_an_upload_that_breaks_off_leaves_nothing(missing: int, store: Path) -> None:  # [B002, B063]
    job = a_draft_that_shows_images()
    body = BytesIO(a_picture())
    path = f"/api/v1/jobs/{job.pk}/media/"

    answered = send_as_said(
        Person(owner_of(job.client)), path, body, length=len(body.getvalue()) + missing, content_type="image/png"
    )

    assert answered == (400, "malformed")
    assert (Media.objects.count(), MediaAllowance.objects.count(), store.exists()) == (0, 0, False)


@pytest.mark.django_db
def test_what_is_too_large_is_not_read(store: Path) -> None:  # [B063, B065]
    job = a_draft_that_shows_images()
    path = f"/api/v1/jobs/{job.pk}/media/"

    for person, status in ((Person(owner_of(job.client)), (413, "body_too_large")), (somebody(), (404, "not_found"))):
        length = 32 * 1024 * 1024 + (1 if status[0] == 413 else 0)
        assert send_as_said(person, path, Untouched(), length=length, content_type="image/png") == status
    assert not store.exists()


@pytest.mark.django_db
def test_what_never_came_whole_is_tidied_away_with_its_file_and_its_room(store: Path) -> None:  # [B063]
    job = a_draft_that_shows_images()
    MediaAllowance.objects.create(payer=job.client.media_payer, limit_bytes=100_000)
    lost = Media(owner=job.media_owner, payer=job.client.media_payer, added_by=owner_of(job.client), size_bytes=9_000)
    lost.save(force_insert=True)
    keep_file(lost, b"the first half")

    with clock.ahead_by(timedelta(minutes=59)):
        assert tidy_media() == 0
    with clock.ahead_by(timedelta(minutes=61)):
        assert (tidy_media(), tidy_media()) == (1, 0)

    lost.refresh_from_db()
    assert (lost.state, lost.failure) == ("refused", "It did not come in time.")
    assert [path for path in store.rglob("*") if path.is_file()] == []
    assert MediaAllowance.objects.get().used_bytes == 0


@pytest.mark.django_db
def test_a_withdrawn_file_is_erased_after_a_month(store: Path) -> None:  # [B194]
    job = a_job_of_pictures()
    owner = Person(owner_of(job.client))
    (shown,) = owner.every(f"jobs/{job.pk}/media/")
    owner.post(f"jobs/{job.pk}/media/{shown['id']}/withdraw/", {"why": "It shows somebody."})

    with clock.ahead_by(timedelta(days=29)):
        assert tidy_media() == 0
    with clock.ahead_by(timedelta(days=31)):
        assert tidy_media() == 1

    assert [path for path in store.rglob("*") if path.is_file()] == []
    assert MediaAllowance.objects.get().used_bytes == 0


@pytest.mark.django_db
def test_what_the_scanner_finds_harmful_is_quarantined(settings: Settings) -> None:  # [B066]
    settings.MEDIA_SCANNER = f'{sys.executable} -c "{SCANNER}"'
    job = a_draft_that_shows_images()
    hidden = a_picture() + EICAR

    assert a_media(job)["state"] == "available"
    for content in (EICAR, hidden):
        shown = a_media(job, content)
        assert (shown["state"], shown["kind"], shown["url"]) == ("quarantined", "file", None)
        row = f'{{"item": {{"image": "{shown["reference"]}"}}}}'
        assert code_of(import_rows(job, row)) == (400, "invalid_import")
    assert Person(owner_of(job.client)).delete(f"jobs/{job.pk}/media/{shown['id']}/") == (204, None)


@pytest.mark.django_db
@pytest.mark.parametrize("scanner", ["/nowhere/clamdscan", f'{sys.executable} -c "import sys; sys.exit(2)"'])
def test_what_cannot_be_scanned_is_not_taken(settings: Settings, scanner: str) -> None:  # [B066]
    settings.MEDIA_SCANNER = scanner
    job = a_draft_that_shows_images()

    refused = send(Person(owner_of(job.client)), f"jobs/{job.pk}/media/", a_picture())

    assert code_of(refused) == (409, "scanner_unavailable")
    assert Media.objects.count() == 0


@pytest.mark.django_db
def test_results_name_media_by_id_and_hash_also_when_they_were_withdrawn() -> None:  # [B202]
    job = a_job_of_pictures(tasks=2)
    owner = Person(owner_of(job.client))
    media = {shown["id"]: shown for shown in owner.every(f"jobs/{job.pk}/media/")}
    gone = next(iter(media))
    owner.post(f"jobs/{job.pk}/media/{gone}/withdraw/", {"why": "It shows somebody."})

    lines = results_of(job)

    for line in lines:
        told = line["media"]["image"]
        assert line["item"]["image"] == f"media:{told['id']}"
        state = "withdrawn" if told["id"] == gone else "available"
        sha256 = media[told["id"]]["sha256"]
        assert told == {"id": told["id"], "sha256": sha256, "media_type": "image/png", "state": state}
    assert len({line["media"]["image"]["id"] for line in lines}) == 2
    assert b"http" not in b"".join(stream_results(job=job))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_uploads_at_once_stay_within_the_allowance_and_the_same_file_is_kept_once(
    settings: Settings, store: Path
) -> None:  # [B063, B065]
    settings.MEDIA_ALLOWANCE_BYTES = 5 * 4096
    job = a_draft_that_shows_images()
    owner = Person(owner_of(job.client))

    def upload(*sizes: int) -> list[tuple[int, Any]]:
        person = Person()
        person.http.credentials(**owner.http._credentials)  # type: ignore[attr-defined]  # the stubs leave it out
        return [send(person, f"jobs/{job.pk}/media/", a_picture(size=(8 + size, 6))) for size in sizes]

    outcomes = at_once([partial(upload, number % 4, 4 + number % 4, 8 + number % 4) for number in range(8)])

    answered = [answer for outcome in outcomes if isinstance(outcome, list) for answer in outcome]
    assert len(answered) == 24, outcomes
    kept = Media.objects.filter(state="available").count()
    assert {status for status, _ in answered} <= {200, 201, 409}
    assert {said["code"] for status, said in answered if status == 409} == {"allowance_used_up"}
    assert ([status for status, _ in answered].count(201), kept) == (5, 5)
    assert len([path for path in store.rglob("*") if path.is_file()]) == 5
    assert MediaAllowance.objects.get().used_bytes == 5 * 4096

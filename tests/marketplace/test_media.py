"""Media of a job: sent, kept once, looked at, referred to, deleted, withdrawn; all within the client's allowance."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from pytest_django import Settings

from kernel.media_store import open_file
from kernel.models import AuditEvent, Media, MediaAllowance
from kernel.services.media import tidy_media
from marketplace.models import Job
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job
from marketplace.services.posting import launch_job
from tests.kernel.pictures import a_picture
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.builders import a_client, a_share, owner_of
from tests.marketplace.media_flows import (
    a_draft_that_shows_images,
    a_job_of_pictures,
    a_media,
    get,
    import_rows,
    send,
)
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def store(settings: Settings, tmp_path: Path) -> Path:
    """A folder of media that is this test's alone."""
    folder = tmp_path / "media"
    media = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "media": media}
    return folder


def files_in(store: Path) -> set[str]:
    return {str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()}


def row_of(shown: Any) -> Media:
    return Media.objects.get(pk=shown["id"])


def events_of(shown: Any) -> list[str]:
    return list(AuditEvent.objects.filter(subject_id=shown["id"]).order_by("id").values_list("action", flat=True))


def used(job: Job) -> int:
    return MediaAllowance.objects.get(payer=job.client.media_payer).used_bytes


def test_a_picture_is_kept_under_our_name_and_shown_with_what_it_is() -> None:
    job = a_draft_that_shows_images()

    shown = a_media(job, a_picture("JPEG", size=(16, 9)), name="Scan 1.jpeg", media_type="image/jpeg")

    row = row_of(shown)
    with open_file(row) as file:
        kept = file.read()
    assert shown == {
        "id": str(row.pk),
        "reference": f"media:{row.pk}",
        "name": "Scan 1.jpeg",
        "state": "available",
        "kind": "picture",
        "media_type": "image/jpeg",
        "size_bytes": len(kept),
        "width": 16,
        "height": 9,
        "sha256": hashlib.sha256(kept).hexdigest(),
        "is_used": False,
        "failure": "",
        "created_at": shown["created_at"],
        "url": shown["url"],
    }
    assert get(shown["url"]).body == kept
    assert events_of(shown) == ["media.added", "media.available"]


@pytest.mark.parametrize("said", ["text/html", "image/svg+xml", "application/json", "video/mp4", "nonsense"])
def test_what_a_file_is_its_bytes_say(said: str) -> None:  # [B057, B101]
    shown = a_media(a_draft_that_shows_images(), a_picture("GIF"), name="page.html", media_type=said)
    assert (shown["kind"], shown["media_type"]) == ("picture", "image/png")


OPAQUE = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><foreignObject/></svg>',
    "html named .png": b"<!DOCTYPE html><script>alert(1)</script>",
    "pdf": b"%PDF-1.7\n1 0 obj << /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >> endobj",
    "docx": b"PK\x03\x04word/vbaProject.bin",
    "bmp": b"BM" + bytes(60),
}


@pytest.mark.parametrize("what", OPAQUE)
def test_whatever_is_no_picture_is_kept_as_it_came_and_only_downloaded(what: str) -> None:  # [B058, B059, B101, B102]
    job = a_draft_that_shows_images()

    shown = a_media(job, OPAQUE[what], name="picture.png", media_type="image/png")

    assert (shown["kind"], shown["media_type"], shown["width"]) == ("file", "application/octet-stream", None)
    got = get(shown["url"])
    assert got.body == OPAQUE[what]
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"] == f'attachment; filename="{shown["id"]}.bin"'
    status, said = import_rows(job, f'{{"item": {{"image": "{shown["reference"]}"}}}}')
    assert (status, said["errors"]) == (400, [unknown(shown["id"])])


def unknown(media_id: str, row: int = 1) -> dict[str, object]:
    message = f"Media {media_id} is no picture of this job that can be shown. Upload it to this job."
    return {"row": row, "column": "image", "message": message}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "invalid_media"),
        (a_picture("JPEG")[:-20], "invalid_media"),
        (b"\xff\xd8\xff\xe0 no jpeg", "invalid_media"),
    ],
)
def test_what_says_to_be_a_picture_and_is_none_is_refused(content: bytes, code: str) -> None:  # [B057]
    job = a_draft_that_shows_images()

    refused = send(Person(owner_of(job.client)), f"jobs/{job.pk}/media/", content)

    assert code_of(refused) == (400, code)
    assert Media.objects.count() == 0


@pytest.mark.parametrize("form", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_a_form_is_not_a_file(form: str) -> None:  # [B014]
    job = a_draft_that_shows_images()
    refused = send(Person(owner_of(job.client)), f"jobs/{job.pk}/media/", a_picture(), media_type=form)
    assert code_of(refused) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\x.png", "/etc/cron.d/x", "con.png", "a.png\x00.html", "ß’ 1.png"]
)
def test_a_name_is_only_shown(name: str, store: Path) -> None:  # [B061, B062, B101]
    job = a_draft_that_shows_images()

    answered = send(Person(owner_of(job.client)), f"jobs/{job.pk}/media/", a_picture(), name=name)

    if "\x00" in name:
        assert answered[0] == 400
        return
    assert (answered[0], answered[1]["name"]) == (201, name)
    assert files_in(store) == {row_of(answered[1]).file_name}
    assert name not in str(get(answered[1]["url"]).headers)


@pytest.mark.parametrize("name", ["gnp.\u202eexe", "a\u2066b.png", "a\nb.png", "\u200b"])
def test_a_name_that_deceives_is_refused(name: str) -> None:  # [B037, B038, B041]
    job = a_draft_that_shows_images()
    status, shown = send(Person(owner_of(job.client)), f"jobs/{job.pk}/media/", a_picture(), name=name)
    assert (status, shown.get("name", "")) in [(400, ""), (201, "")]


def test_the_same_file_again_is_the_same_media() -> None:  # [B053]
    job = a_draft_that_shows_images()
    first = a_media(job, name="one.png")

    status, again = send(Person(owner_of(job.client)), f"jobs/{job.pk}/media/", a_picture(), name="two.png")

    assert (status, again["id"], again["name"]) == (200, first["id"], "one.png")
    assert (Media.objects.count(), used(job)) == (1, 4096)
    assert a_media(a_draft_that_shows_images(client=job.client))["id"] != first["id"]


def test_media_come_to_a_job_that_runs_and_to_none_that_has_ended() -> None:
    job = a_job_of_pictures()
    late = a_media(job, a_picture(size=(30, 20)))
    assert import_rows(job, f'{{"item": {{"image": "{late["reference"]}"}}}}')[0] == 201

    cancel_job(job_id=job.pk, by=owner_of(job.client))

    refused = send(Person(owner_of(job.client)), f"jobs/{job.pk}/media/", a_picture(size=(31, 20)))
    assert code_of(refused) == (409, "wrong_state")


def test_media_are_listed_for_those_who_look_after_the_job() -> None:
    job = a_job_of_pictures(tasks=2)
    a_media(other := a_draft_that_shows_images(client=job.client))
    reviewer, viewer = a_user(), a_user()
    for guest, role in ((reviewer, "reviewer"), (viewer, "viewer")):
        a_share(job, guest=guest, role=role)

    for person in (owner_of(job.client), reviewer):
        listed = Person(person).every(f"jobs/{job.pk}/media/")
        assert [(row["width"], row["is_used"]) for row in listed] == [(9, True), (8, True)]
        assert get(listed[0]["url"]).status == 200
    assert code_of(Person(viewer).get(f"jobs/{job.pk}/media/")) == (403, "not_allowed")
    assert code_of(Person(reviewer).get(f"jobs/{other.pk}/media/")) == (404, "not_found")
    assert code_of(send(Person(reviewer), f"jobs/{job.pk}/media/", a_picture())) == (403, "not_allowed")
    one = Person(reviewer).get(f"jobs/{job.pk}/media/{listed[0]['id']}/")[1]
    assert get(one["url"]).status == 200
    assert {**one, "url": ""} == {**listed[0], "url": ""}
    assert Person(reviewer).every(f"jobs/{job.pk}/media/", state="withdrawn") == []


def test_items_refer_to_media_of_their_own_job_that_can_be_shown() -> None:  # [B090, B106]
    job, another = a_draft_that_shows_images(), a_draft_that_shows_images()
    mine, theirs = a_media(job), a_media(another)
    siblings = a_media(a_draft_that_shows_images(client=job.client))
    rows = [f'{{"item": {{"image": "{reference}"}}}}' for reference in
            (mine["reference"], theirs["reference"], siblings["reference"], f"media:{NOBODYS}")]  # fmt: skip

    status, said = import_rows(job, *rows)

    assert status == 400
    assert said["errors"] == [unknown(theirs["id"], 2), unknown(siblings["id"], 3), unknown(NOBODYS, 4)]
    assert row_of(mine).used_at is None
    assert import_rows(job, rows[0])[0] == 201
    assert row_of(mine).used_at is not None
    assert row_of(theirs).used_at is None


def test_an_item_that_would_let_a_browser_call_out_is_refused_and_told_the_way() -> None:  # [B089, B090]
    job = a_draft_that_shows_images()
    own_address = a_media(job)["url"]

    for address in ("https://example.org/pixel.png", own_address):
        status, said = import_rows(job, f'{{"item": {{"image": "{address}"}}}}')
        assert status == 400
        assert said["errors"][0]["message"].startswith("An image is uploaded as media first, and named here as media:")


def test_what_is_not_used_can_be_deleted_and_leaves_nothing_behind(store: Path) -> None:
    job = a_draft_that_shows_images()
    owner, shown = Person(owner_of(job.client)), a_media(job)

    assert owner.delete(f"jobs/{job.pk}/media/{shown['id']}/") == (204, None)

    assert (files_in(store), used(job)) == (set(), 0)
    assert row_of(shown).state == "deleted"
    assert events_of(shown) == ["media.added", "media.available", "media.deleted", "media.erased"]
    assert get(shown["url"]).status == 403
    assert code_of(owner.delete(f"jobs/{job.pk}/media/{shown['id']}/")) == (409, "wrong_state")
    assert code_of(import_rows(job, f'{{"item": {{"image": "{shown["reference"]}"}}}}')) == (400, "invalid_import")
    again = a_media(job)
    assert again["id"] != shown["id"]


def test_what_is_used_stays() -> None:
    job = a_job_of_pictures()
    (shown,) = Person(owner_of(job.client)).every(f"jobs/{job.pk}/media/")

    refused = Person(owner_of(job.client)).delete(f"jobs/{job.pk}/media/{shown['id']}/")

    assert code_of(refused) == (409, "media_in_use")
    assert get(shown["url"]).status == 200


def test_a_full_allowance_refuses_and_others_are_not_touched(settings: Settings, store: Path) -> None:  # [B065]
    settings.MEDIA_ALLOWANCE_BYTES = 2 * 4096
    job = a_draft_that_shows_images()
    owner = Person(owner_of(job.client))
    first, _ = a_media(job), a_media(job, a_picture("JPEG"))

    refused = send(owner, f"jobs/{job.pk}/media/", a_picture("WEBP"))

    assert code_of(refused) == (409, "allowance_used_up")
    assert refused[1]["message"] == (
        "There is no room for this file: 8,192 of 8,192 bytes are taken. Delete media that are not used."
    )
    assert (Media.objects.count(), len(files_in(store)), used(job)) == (2, 2, 8192)
    sibling = a_draft_that_shows_images(client=job.client)
    assert code_of(send(owner, f"jobs/{sibling.pk}/media/", a_picture())) == (409, "allowance_used_up")
    a_media(a_draft_that_shows_images())
    owner.delete(f"jobs/{job.pk}/media/{first['id']}/")
    assert a_media(job, a_picture("WEBP"))["state"] == "available"
    settings.MEDIA_ALLOWANCE_BYTES = 3 * 4096
    assert a_media(job)["state"] == "available"


def test_the_database_itself_keeps_the_sum_and_the_limit() -> None:  # [B065]
    job = a_draft_that_shows_images()
    shown = a_media(job)
    MediaAllowance.objects.update(limit_bytes=4096)

    changes: list[dict[str, Any]] = [{"size_bytes": 4097}, {"sha256": "x"}, {"name": "y"}, {"owner": "z"}, {"width": 1}]
    for change in changes:
        with pytest.raises(DatabaseError, match="stays as it is"), transaction.atomic():
            Media.objects.filter(pk=shown["id"]).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Media.objects.filter(pk=shown["id"]).delete()
    with pytest.raises(DatabaseError, match="media_allowance_is_kept"), transaction.atomic():
        Media.objects.create(owner="job:x", payer=job.client.media_payer, added_by=owner_of(job.client))
    assert used(job) == 4096


def test_a_file_that_cannot_be_written_takes_no_room(store: Path) -> None:  # [B063]
    job = a_draft_that_shows_images()
    store.write_text("not a folder")
    person = Person(owner_of(job.client))
    person.http.raise_request_exception = False

    assert send(person, f"jobs/{job.pk}/media/", a_picture())[0] == 500

    media = Media.objects.get()
    assert (media.state, media.failure) == ("refused", "The file could not be written.")
    store.unlink()
    tidy_media()
    assert (used(job), Media.objects.get().erased_at is not None) == (0, True)


def test_a_withdrawn_picture_is_shown_to_nobody_from_that_moment_on() -> None:  # [B194]
    job = a_job_of_pictures()
    owner = Person(owner_of(job.client))
    (shown,) = owner.every(f"jobs/{job.pk}/media/")
    path = f"jobs/{job.pk}/media/{shown['id']}/"
    assert get(shown["url"]).status == 200

    status, withdrawn = owner.post(f"{path}withdraw/", {"why": "It shows somebody's address."})

    assert (status, withdrawn["state"], withdrawn["url"]) == (200, "withdrawn", None)
    assert withdrawn["failure"] == "It shows somebody's address."
    assert get(shown["url"]).status == 403
    assert owner.post(f"{path}withdraw/", {"why": "Once more."})[1]["failure"] == "It shows somebody's address."
    assert events_of(shown)[-1] == "media.withdrawn"


def test_launching_needs_no_look_at_media() -> None:
    job = a_draft_that_shows_images(client=a_client())
    reference = a_media(job)["reference"]
    assert import_rows(job, *[f'{{"item": {{"image": "{reference}"}}}}'] * 3)[0] == 201
    assert launch_job(job_id=job.pk, by=owner_of(job.client)).state == "open"


def test_an_allowance_that_is_not_the_sum_and_a_state_that_nobody_was_told_of_are_seen() -> None:
    job = a_draft_that_shows_images()
    shown = a_media(job)
    assert check_invariants() == []

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE kernel_mediaallowance SET used_bytes = 4095")
        cursor.execute("DELETE FROM kernel_auditevent WHERE subject_id = %s", [shown["id"]])
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")

    assert [(fault.subject, fault.message) for fault in check_invariants()] == [
        (f"media {shown['id']}", "is available, but the last that was told of it is nothing"),
        (f"allowance of {job.client.media_payer}", "says 4095 bytes; its media take 4096"),
    ]

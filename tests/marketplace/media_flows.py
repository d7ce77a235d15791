"""Media as clients give them and workers are shown them: through the API, and through the content origin's server."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import RequestFactory

from marketplace.content import application
from marketplace.models import Client, Job
from marketplace.services.posting import launch_job
from tests.kernel.pictures import a_picture
from tests.marketplace.api_people import Person
from tests.marketplace.builders import a_client, a_draft, owner_of

SHOWS_AN_IMAGE = (
    '<View><Image name="picture" value="$image"/><Choices name="animal" toName="picture" choice="single">'
    '<Choice value="cat"/><Choice value="dog"/></Choices></View>'
)


@dataclass(frozen=True)
class Got:
    """What the content origin answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def get(url: str, *, method: str = "GET", host: str | None = None, **headers: str) -> Got:
    """Ask the content server, as whoever has this address would."""
    place = urlsplit(url)
    environment = RequestFactory().generic(method, "/").environ
    asked = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    path = place.path.encode().decode("latin-1")
    answered: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        answered.extend((int(status[:3]), headers))

    given = {**environment, **asked, "PATH_INFO": path, "QUERY_STRING": place.query, "wsgi.input": BytesIO()}
    # As Django's own test client: the end of a request must not end the connection, and the test's transaction with it.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    try:
        response = application({**given, "HTTP_HOST": place.netloc if host is None else host}, start_response)
        body = b"".join(response)
        response.close()
    finally:
        request_started.connect(close_old_connections)
        request_finished.connect(close_old_connections)
    status, told = answered
    assert len({name for name, _ in told}) == len(told), "No header stands twice."
    return Got(status, dict(told), body)


def on_the_content_origin(path: str) -> str:
    return f"{settings.CONTENT_ORIGIN}{path}"


def send(
    person: Person, path: str, content: bytes, *, name: str = "", media_type: str = "image/png"
) -> tuple[int, Any]:
    """The answer to a file that was sent as media."""
    answer: Any = person.http.post(
        f"/api/v1/{path}{f'?name={quote(name)}' if name else ''}", content, content_type=media_type
    )
    return answer.status_code, answer.json() if answer.content else None


def a_draft_that_shows_images(**asked: Any) -> Job:
    return a_draft(tasks=0, label_schema=SHOWS_AN_IMAGE, **asked)


def a_media(job: Job, content: bytes | None = None, **said: Any) -> Any:
    """A file that the owner of the job's client has given to it."""
    sent = a_picture() if content is None else content
    status, shown = send(Person(owner_of(job.client)), f"jobs/{job.pk}/media/", sent, **said)
    assert status in (200, 201), shown
    return shown


def import_rows(job: Job, *rows: str) -> tuple[int, Any]:
    """The answer to an import of these lines of JSON."""
    return Person(owner_of(job.client)).upload(f"jobs/{job.pk}/tasks/", "\n".join(rows), "application/x-ndjson")


def a_job_of_pictures(*, client: Client | None = None, tasks: int = 1, gold: int = 0, **asked: Any) -> Job:
    """An open job whose tasks each show a picture of their own."""
    share = {"gold_share_basis_points": 5000} if gold else {}
    job = a_draft_that_shows_images(client=client or a_client(), **{**share, **asked})
    rows = []
    for number in range(tasks + gold):
        reference = a_media(job, a_picture(size=(8 + number, 6)))["reference"]
        known = ', "gold_answer": "cat", "gold_reason": "It has whiskers."' if number >= tasks else ""
        rows.append(f'{{"item": {{"image": "{reference}"}}{known}}}')
    assert import_rows(job, *rows)[0] == 201
    return launch_job(job_id=job.pk, by=owner_of(job.client))

"""Large bodies that stop half-way, or that somebody sends where they have no business."""

from io import BytesIO
from typing import Any

import pytest

from marketplace.models import Task
from tests.marketplace.api_people import Person, somebody
from tests.marketplace.builders import a_draft, owner_of

pytestmark = pytest.mark.django_db

ROWS = b'{"item": {"text": "One"}}\n{"item": {"text": "Two"}}\n'


class Untouched(BytesIO):
    """A body that nobody may begin to read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("The body was read.")


def send(person: Person, path: str, body: BytesIO, *, length: object, content_type: str) -> tuple[int, str]:
    """The status and the code of the answer to an upload that says to be of this length."""
    environment: dict[str, Any] = {"wsgi.input": body, "CONTENT_LENGTH": str(length)}
    person.http.handler.raise_request_exception = False  # type: ignore[attr-defined]  # the stubs leave it out
    answer: Any = person.http.generic("POST", path, "-", content_type=content_type, **environment)
    return answer.status_code, answer.json().get("code", "")


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "text/csv"])
def test_an_upload_that_breaks_off_imports_nothing(content_type: str) -> None:  # [B002, B063]
    job = a_draft(tasks=0)
    body = ROWS if content_type != "text/csv" else b"text\nOne\nTwo\n"
    path = f"/api/v1/jobs/{job.pk}/tasks/"

    answer = send(Person(owner_of(job.client)), path, BytesIO(body), length=len(body) + 1, content_type=content_type)

    assert (answer, Task.objects.filter(job=job).count()) == ((400, "malformed"), 0)


@pytest.mark.parametrize("length", ["", "abc", "-1", "1_0", "٣", "+5"])
def test_a_length_that_is_no_number_imports_nothing(length: str) -> None:  # [B002]
    job = a_draft(tasks=0)
    path = f"/api/v1/jobs/{job.pk}/tasks/"

    status, _ = send(Person(owner_of(job.client)), path, BytesIO(ROWS), length=length, content_type="text/csv")

    assert (status in (400, 411), Task.objects.filter(job=job).count()) == (True, 0)


def test_nothing_is_read_for_somebody_who_may_not_import() -> None:  # [B063, B065, B107]
    job = a_draft(tasks=0)
    path = f"/api/v1/jobs/{job.pk}/tasks/"

    answer = send(somebody(), path, Untouched(), length=2**30, content_type="text/csv")

    assert answer == (404, "not_found")

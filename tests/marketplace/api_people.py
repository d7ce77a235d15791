"""People who come in through the API with a key of their own, and what they are answered."""

from datetime import timedelta
from itertools import count
from typing import Any

from rest_framework.test import APIClient

from kernel import clock
from kernel.models import User
from kernel.scopes import SCOPES, is_for_admins
from kernel.services.access import create_api_key
from kernel.services.audit import Actor
from marketplace.models import Client, Job
from tests.marketplace.builders import owner_of
from tests.qualification.builders import a_user

NO_JOB = (404, {"code": "not_found", "message": "There is no such job."})

_numbers = count(1)


class Person:
    """Somebody at the API: each method answers with (status, body)."""

    def __init__(self, user: User | None = None) -> None:
        self.http = APIClient()
        self.user = user
        if user is not None:
            ends = clock.now() + timedelta(days=1)
            scopes = [scope for scope in SCOPES if user.is_staff or not is_for_admins(scope)]
            _, token = create_api_key(user=user, name="test", scopes=scopes, expires_at=ends, by=Actor.user(user))
            self.http.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def get(self, path: str, **query: object) -> tuple[int, Any]:
        return _read(self.http.get(f"/api/v1/{path}", {name: str(value) for name, value in query.items()}))

    def post(self, path: str, body: object = None, *, key: str | None = None) -> tuple[int, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        return _read(self.http.post(f"/api/v1/{path}", body or {}, format="json", headers=headers))

    def put(self, path: str, body: object) -> tuple[int, Any]:
        return _read(self.http.put(f"/api/v1/{path}", body, format="json"))

    def delete(self, path: str) -> tuple[int, Any]:
        return _read(self.http.delete(f"/api/v1/{path}"))

    def upload(self, path: str, content: str, media_type: str) -> tuple[int, Any]:
        return _read(self.http.post(f"/api/v1/{path}", content.encode(), content_type=media_type))

    def download(self, path: str) -> list[bytes]:
        answer: Any = self.http.get(f"/api/v1/{path}")
        assert answer.status_code == 200
        return b"".join(answer.streaming_content).splitlines()

    def every(self, path: str, **query: object) -> list[Any]:
        """The rows of a list, page after page."""
        rows, cursor = [], None
        while True:
            status, page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            assert status == 200, page
            rows += page["results"]
            cursor = page["next_cursor"]
            if cursor is None:
                return rows


def _read(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json() if answer.content else None


def somebody() -> Person:
    return Person(a_user())


def an_admin() -> Person:
    return Person(a_user(is_staff=True))


def code_of(answered: tuple[int, Any]) -> tuple[int, str]:
    """The status and the code of an answer that says no."""
    return answered[0], answered[1]["code"]


def owner(of: Client | Job) -> Person:
    """An owner of the client, or of the one that a job is of."""
    return Person(owner_of(of.client if isinstance(of, Job) else of))

"""People who use qualification's part of the API."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.test import Client

from kernel import clock
from kernel.models import User
from kernel.scopes import SCOPES
from kernel.services.access import create_api_key
from kernel.services.audit import Actor
from tests.qualification.builders import a_user

API: Final = "/api/v1"
DAY: Final = timedelta(days=1)


class Caller:
    """Somebody who is signed in by an API key."""

    def __init__(self, user: User) -> None:
        expires_at = clock.now() + DAY
        by = Actor.user(user)
        self.token = create_api_key(user=user, name="test", scopes=SCOPES, expires_at=expires_at, by=by)[1]

    def get(self, path: str) -> tuple[int, Any]:
        answer = Client().get(f"{API}{path}", headers={"Authorization": f"Bearer {self.token}"})
        return answer.status_code, answer.json()

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        answer = Client().post(f"{API}{path}", body or {}, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()


def an_admin_calling() -> Caller:
    return Caller(a_user(is_staff=True))

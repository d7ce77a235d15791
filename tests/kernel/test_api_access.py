"""Signing up, in and out over HTTP, and API keys."""

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"


def test_a_person_signs_up_signs_in_and_sees_who_they_are() -> None:
    client = APIClient()
    person = {"email": "Ada@Example.org", "password": PASSWORD, "display_name": "Ada"}
    signed_up = client.post("/api/v1/users/", person, format="json")
    assert signed_up.json() == {"id": signed_up.json()["id"], "email": "ada@example.org", "display_name": "Ada"}
    signed_in = client.post("/api/v1/session/", {"email": "ada@example.org", "password": PASSWORD}, format="json")
    assert signed_in.status_code == 201
    me = client.get("/api/v1/me/", headers={"Authorization": f"Bearer {signed_in.json()['token']}"})
    assert me.json() == {
        **signed_up.json(),
        "roles": [],
        "signed_in_by": "session",
        "signed_in_until": signed_in.json()["expires_at"],
    }

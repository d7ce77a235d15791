"""Who was signed out comes in again with password and second factor, over HTTP."""

import pytest

from tests.journeys.people import Installation

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.xdist_group("journeys")]


def test_an_admin_whose_session_is_over_signs_in_again(installation: Installation) -> None:
    installation.admin.delete("/api/v1/session/")

    installation.let_the_admin_in()

    assert "admin" in installation.admin.get("/api/v1/me/")["email"]

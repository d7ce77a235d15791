"""What leaves a way in behind, at the same moment as what ends all of them."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from kernel import clock
from kernel.models import ApiKey
from kernel.services.signing_up import ask_for_reset, reset_password
from tests.concurrency.crowd import at_once
from tests.kernel.mailbox import token_for
from tests.kernel.people import a_user, browser_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_no_key_that_was_on_its_way_outlives_a_reset_of_the_password() -> None:  # [B134]
    for _ in range(5):
        user = a_user()
        thief = browser_of(user)
        ask_for_reset(email=user.email)
        link = token_for(user.email)
        ends = (clock.now() + timedelta(days=1)).isoformat()
        body = {"name": "spare", "scopes": ["work"], "expires_at": ends}

        def take_a_key(thief: Any = thief, body: dict[str, Any] = body) -> Any:
            return thief.post("/api/v1/api-keys/", body, format="json").status_code

        reset = partial(reset_password, token=link, password="another horse, another staple")
        outcomes: list[Any] = at_once([*[take_a_key] * 4, reset, *[take_a_key] * 3])

        assert outcomes.pop(4) == user
        assert set(outcomes) <= {201, 401}
        assert not ApiKey.objects.live().filter(user=user).exists()

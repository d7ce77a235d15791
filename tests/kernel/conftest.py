"""The probe's own addresses are served under the probe's own rows of the policy, as long as a test serves them."""

from collections.abc import Iterator

import pytest

from kernel import policy
from tests.kernel.probe_urls import ROWS


@pytest.fixture(autouse=True)
def probe_is_allowed(request: pytest.FixtureRequest) -> Iterator[None]:
    in_force = policy.table()
    if request.node.get_closest_marker("urls") is not None:
        policy.install(in_force.plus(ROWS))
    yield
    policy.install(in_force)

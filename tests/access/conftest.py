"""The world that the tests of a module share, so that not each of them has to make one."""

from collections.abc import Iterator

import pytest
from django.test import override_settings
from pytest_django import DjangoDbBlocker, Settings

from tests.access.shared import World, a_world, reader_of, undone
from tests.access.test_other_tenants import OPERATIONS
from tests.marketplace.api_people import Person


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Made once for the tests of a module, in a transaction around theirs."""
    with django_db_blocker.unblock(), undone():
        yield a_world()


@pytest.fixture(scope="module")
def readers(world: World) -> dict[str, Person | None]:
    """For each operation somebody whose request it reads."""
    with override_settings(REQUESTS_A_MINUTE={}):
        return {name: reader_of(world, name) for name in OPERATIONS}


@pytest.fixture
def nobody_is_slowed_down(settings: Settings) -> None:
    """As many requests as it takes."""
    settings.REQUESTS_A_MINUTE = {}

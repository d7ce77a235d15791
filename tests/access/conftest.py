"""The world that the tests of a module share, so that not each of them has to make one."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.access.shared import World, a_world, undone


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Made once for the tests of a module, in a transaction around theirs."""
    with django_db_blocker.unblock(), undone():
        yield a_world()

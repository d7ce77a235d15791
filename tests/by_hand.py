"""Rows changed by hand, past the services."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from kernel.models import User
from kernel.services.audit import Actor, record


@contextmanager
def by_hand() -> Iterator[None]:
    """A transaction with an audit event in it, so that what is guarded may be changed without its service."""
    with transaction.atomic():
        record(action="test.changed", subject=User(), by=Actor.system("test"))
        yield

"""Whether the books are true: each check is one promise, tried against all rows. A new one is one entry in its file.

The database refuses what would break most of them. They are here to prove that it did.
"""

from billing.checks.books import BOOKS
from billing.checks.frame import Fault, Promises, broken, one_snapshot
from billing.checks.sent import SENT
from billing.checks.ways import WAYS

__all__ = ["BOOKS", "CHECKS", "SENT", "WAYS", "Fault", "Promises", "broken", "check_books", "one_snapshot"]

CHECKS: Promises = {**BOOKS, **SENT}
"""Each promise of billing by its name."""


def check_books() -> list[Fault]:
    """Every broken promise of the books, from one snapshot; an empty list when they are true."""
    with one_snapshot():
        return broken(CHECKS)

"""Whether everything that must always hold does: the books, the work they pay for, Stripe, turns and states."""

import logging
from collections.abc import Sequence
from typing import Final

from django.db import transaction

from billing.checks import BOOKS, SENT, Fault, Promises, broken, one_snapshot
from kernel.models import AdminRole
from kernel.services.notices import tell
from marketplace.services.invariants import STATES, TURNS, WORK

logger = logging.getLogger(__name__)

SECTIONS: Final[dict[str, Promises]] = {
    "The books": BOOKS,
    "The work they pay for": WORK,
    "What is known to Stripe": SENT,
    "Turns": TURNS,
    "States and copies": STATES,
}
"""Every check, by what it is about, in the order in which they are made."""

CHECKS: Final = tuple(promise for promises in SECTIONS.values() for promise in promises)
"""Each check by its promise."""


def check_invariants() -> list[Fault]:
    """Every broken promise, from one snapshot of the whole database; an empty list when all is well."""
    with one_snapshot():
        return [fault for promises in SECTIONS.values() for fault in broken(promises)]


@transaction.atomic
def raise_alarm(faults: Sequence[Fault]) -> None:
    """Log each fault as an error, and owe everybody who looks after money a mail; nothing when there is none."""
    for fault in faults:
        logger.error("A promise is broken: %s: %s: %s", fault.check, fault.subject, fault.message)
    broken_promises = ", ".join(dict.fromkeys(fault.check for fault in faults))
    for role in AdminRole.objects.filter(role="finance").order_by("pk") if faults else []:
        tell(user_id=role.user_id, notice="promise_broken", detail=broken_promises)

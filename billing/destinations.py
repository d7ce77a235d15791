"""Where money goes in the end, as something that can be compared and kept: a hash of the bank accounts behind it."""

import hashlib
from collections.abc import Collection

from django.conf import settings


def destination_of(banks: Collection[str], *, account_id: str) -> str:
    """The hash of these ``banks`` of an account at Stripe, by what Stripe calls each; empty when there is none yet.

    The same banks give the same hash, whose ever they are. In Stripe's own test mode (unlike in our double of it) all
    accounts name one bank, which would make everybody one person; there the hash tells only whether a bank has changed.
    """
    if not banks:
        return ""
    are_told_apart = settings.STRIPE_API_BASE or "_live_" in settings.STRIPE_API_KEY
    marks = [*sorted(banks), *([] if are_told_apart else [account_id])]
    return hashlib.sha256("|".join(marks).encode()).hexdigest()

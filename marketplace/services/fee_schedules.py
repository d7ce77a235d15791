"""Fee schedules: what an admin for finance agrees with one client, for what the client launches from then on."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.db import transaction

from kernel.errors import Invalid, NotFound
from kernel.models import User
from kernel.money import MINOR_UNIT_DIGITS
from kernel.services.audit import Actor, record
from kernel.text import clean_text
from marketplace.models import Client, FeeSchedule, FeeTier, Job
from marketplace.services.pricing import fix_fee

MOST_TIERS: Final = 20


@transaction.atomic
def set_fee_schedule(
    *, client_id: UUID, currency: str, tiers: Mapping[int, int], minimum_minor: int = 0, why: str, by: User
) -> FeeSchedule:
    """Agree other fees with a client. ``tiers`` are basis points by the spending from which they hold, from 0 on.

    Jobs that were launched stay on their terms; drafts, and jobs that wait for funds, show the new ones at once.
    Raises NotFound or Invalid.
    """
    client = Client.objects.filter(pk=client_id).first()
    if client is None:
        raise NotFound("client")
    _require_sensible(currency, tiers)
    reason = clean_text(why, what="reason", field="why", longest=2_000)
    # Drafts first: launches lock their job before they look at the schedule.
    unlaunched = Job.objects.select_for_update(no_key=True).filter(
        client=client, currency=currency, state__in=[Job.State.DRAFT, Job.State.AWAITING_FUNDS]
    )
    jobs = list(unlaunched.order_by("pk"))
    schedule = FeeSchedule.objects.create(
        client=client, currency=currency, minimum_minor=minimum_minor, why=reason, set_by=by
    )
    FeeTier.objects.bulk_create(
        FeeTier(schedule=schedule, from_spent_minor=spent, basis_points=share) for spent, share in sorted(tiers.items())
    )
    for job in jobs:
        fix_fee(job)
    details = {"currency": currency, "minimum_minor": minimum_minor, "tiers": {str(k): v for k, v in tiers.items()}}
    record(action="client.fees_set", subject=client, by=Actor.user(by), why=reason, details=details)
    return schedule


def _require_sensible(currency: str, tiers: Mapping[int, int]) -> None:
    if currency not in MINOR_UNIT_DIGITS:
        raise Invalid(f"{currency!r} is not a currency kept here. Possible: {', '.join(MINOR_UNIT_DIGITS)}.")
    if 0 not in tiers or len(tiers) > MOST_TIERS:
        message = f"A schedule has up to {MOST_TIERS} tiers, and the first holds from 0 on."
        raise Invalid(message, [{"field": "tiers", "message": message}])

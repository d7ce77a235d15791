"""Payouts that nobody has to ask for: each day, or each week from Monday on, once, of all that is worth it.

Lock order: schedule, then as for a payout that was asked for.
"""

import logging
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Q

from billing.models import LedgerAccount, PayoutAccount, PayoutSchedule
from billing.services.payouts import request_payout
from kernel import clock
from kernel.errors import Refused
from kernel.services.audit import Actor, record

logger = logging.getLogger(__name__)

BY_SCHEDULE: Final = Actor.system("payout_schedule")

Every = PayoutSchedule.Every


@transaction.atomic
def set_schedule(*, owner: str, every: PayoutSchedule.Every, minimum_minor: int, by: Actor) -> PayoutSchedule:
    """How often the owner is paid out from now on, and from which amount. What is paid out on demand stays possible.

    By the day it begins today, by the week on the Monday after.
    """
    fresh = PayoutSchedule(owner=owner, minimum_minor=minimum_minor)
    PayoutSchedule.objects.bulk_create([fresh], ignore_conflicts=True)
    schedule = PayoutSchedule.objects.select_for_update(no_key=True).get(owner=owner)
    schedule.every, schedule.minimum_minor, schedule.set_at = every, minimum_minor, clock.now()
    schedule.save(update_fields=["every", "minimum_minor", "set_at"])
    details = {"every": str(every), "minimum_minor": minimum_minor}
    record(action="payoutschedule.set", subject=schedule, by=by, details=details)
    return schedule


def pay_out_on_schedule() -> int:
    """Request what is due in this day and week and was not yet seen to; how many payouts. May be run at any time.

    Who has no account that is ready, or one whose destination is held, is tried again until the day or week is over.
    """
    today = clock.now().date()
    due = Q(every=Every.DAY) & ~Q(last_period=_period(Every.DAY, today))
    due |= Q(every=Every.WEEK, set_at__lt=_monday(today)) & ~Q(last_period=_period(Every.WEEK, today))
    made = 0
    for schedule_id in list(PayoutSchedule.objects.filter(due).values_list("pk", flat=True)):
        try:
            made += _see_to(schedule_id, today)
        except Refused as refusal:
            logger.warning("Payout schedule %s has to wait: %s", schedule_id, refusal.message)
        except DatabaseError:
            logger.exception("Payout schedule %s could not be seen to.", schedule_id)
    return made


@transaction.atomic
def _see_to(schedule_id: UUID, today: date) -> int:
    schedule = PayoutSchedule.objects.select_for_update(no_key=True).get(pk=schedule_id)
    account = PayoutAccount.objects.of(schedule.owner).first()
    is_open = account is not None and account.is_ready and not account.is_held
    if not _is_due(schedule, today) or not is_open:
        return 0
    period = _period(Every(schedule.every), today)
    earned = LedgerAccount.objects.filter(kind=LedgerAccount.Kind.WORKER_EARNINGS, owner=schedule.owner)
    worth_it = earned.filter(balance_minor__gte=schedule.minimum_minor).order_by("currency")
    currencies = list(worth_it.values_list("currency", flat=True))
    for currency in currencies:
        request_payout(owner=schedule.owner, amount=None, currency=currency, by=BY_SCHEDULE, period=period)
    schedule.last_period = period
    schedule.save(update_fields=["last_period"])
    return len(currencies)


def next_payout_on(schedule: PayoutSchedule) -> date | None:
    """The day, in UTC, on which what is worth it goes out next: today while that is still to come; None for never."""
    today = clock.now().date()
    if schedule.every == Every.NEVER:
        return None
    if _is_due(schedule, today):
        return today
    return today + timedelta(days=7 - today.weekday() if schedule.every == Every.WEEK else 1)


def _is_due(schedule: PayoutSchedule, today: date) -> bool:
    every = Every(schedule.every)
    has_begun = every == Every.DAY or (every == Every.WEEK and schedule.set_at < _monday(today))
    return has_begun and schedule.last_period != _period(every, today)


def _monday(today: date) -> datetime:
    """When the week of this day began, in UTC."""
    return datetime.combine(today - timedelta(days=today.weekday()), time(), UTC)


def _period(every: PayoutSchedule.Every, today: date) -> str:
    """The day, or the week of ISO 8601, in UTC."""
    if every == Every.WEEK:
        year, week, _ = today.isocalendar()
        return f"{year}-W{week:02d}"
    return today.isoformat()

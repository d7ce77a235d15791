"""A job's budget: what it holds, what it may still come to cost, and what is set aside when that grows."""

from typing import Any, Final

from django.db import connection

from billing.models import LedgerAccount
from billing.services import escrow, ledger, pay_reserve
from kernel import clock
from kernel.money import Money, share_of
from marketplace.models import Job
from marketplace.services.pay_floors import floor_of, hold_reserve, lock_launch_accounts

Kind = LedgerAccount.Kind


def held_by(job: Job) -> Money:
    """What is in escrow for ``job``."""
    return ledger.balance(kind=Kind.JOB_ESCROW, owner=job.billing_owner, currency=job.currency)


def owed_at_most(job: Job) -> Money:
    """What the turns that were taken may still cost: active, submitted, rejected and not yet for good."""
    return _reckoned(job, _OWED)


def worst_case_left(job: Job) -> Money:
    """``owed_at_most``, and what the turns that may still be offered cost at the dearest prices in force."""
    return _reckoned(job, f"SELECT ({_OWED}) + ({_AHEAD})")


def missing_in_escrow(job: Job) -> Money:
    """What a locked, running job may come to cost beyond what it holds.

    Reckoned under the lock of its escrow, so that a payment at the same moment is either paid before or still held.
    """
    funds = ledger.AccountKey(Kind.CLIENT_FUNDS, job.client.billing_owner)
    ledger.lock_accounts(accounts=[ledger.AccountKey(Kind.JOB_ESCROW, job.billing_owner), funds], currency=job.currency)
    return Money(max(0, (worst_case_left(job) - held_by(job)).minor), job.currency)


def set_aside_what_is_missing(job: Job) -> Money:
    """Hold ``missing_in_escrow``; returns how much that was. Raises InsufficientFunds, with what is missing."""
    missing = missing_in_escrow(job)
    if missing.minor:
        escrow.hold_more(job_owner=job.billing_owner, client_owner=job.client.billing_owner, amount=missing)
    return missing


def set_growth_aside(job: Job) -> Money:
    """Hold what its client lets a locked, running job grow by; returns how much that was for its turns.

    Where a floor on hourly pay holds and the job was launched with a reserve, that covers its share of what may still
    come, too. Raises InsufficientFunds, with what is missing.
    """
    reserve = pay_reserve.reserve_account(job.billing_owner)
    reserved = LedgerAccount.objects.filter(kind=reserve.kind, owner=reserve.owner, currency=job.currency)
    if not reserved.exists() or floor_of(job) is None:
        return set_aside_what_is_missing(job)
    lock_launch_accounts(job)
    held = set_aside_what_is_missing(job)
    needed = share_of(worst_case_left(job).minor, job.reserve_basis_points)
    left = pay_reserve.left_in_reserve(job_owner=job.billing_owner, currency=job.currency)
    if needed > left.minor:
        hold_reserve(job, Money(needed - left.minor, job.currency))
    return held


def _reckoned(job: Job, sql: str) -> Money:
    given: dict[str, Any] = {"job": job.pk, "now": clock.now(), "list": job.price_list, "overlap": job.overlap_max}
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        (minor,) = cursor.fetchone()
    return Money(minor, job.currency)


# One statement, so of one instant; in three parts, because a sweep asks this of ended jobs again and again: each has an
# index of its own, and the answers that were paid long ago are not looked at.
_OWED: Final = """
SELECT coalesce(sum(minor), 0)::bigint FROM (
    SELECT reward_minor + fee_minor AS minor FROM marketplace_assignment WHERE job_id = %(job)s AND state = 'active'
    UNION ALL
    SELECT reward_minor + fee_minor FROM marketplace_assignment WHERE job_id = %(job)s AND state = 'submitted'
    UNION ALL
    SELECT turn.reward_minor + turn.fee_minor
    FROM marketplace_rejection rejection JOIN marketplace_assignment turn ON turn.id = rejection.assignment_id
    LEFT JOIN marketplace_appeal appeal ON appeal.rejection_id = rejection.id AND appeal.state = 'open'
    LEFT JOIN marketplace_breaker breaker ON breaker.id = rejection.breaker_id AND breaker.state = 'tripped'
    WHERE turn.job_id = %(job)s AND turn.state = 'rejected'
      AND (rejection.reversible_until > %(now)s OR appeal.id IS NOT NULL OR breaker.id IS NOT NULL)
) owed
"""

_AHEAD: Final = """
SELECT coalesce(sum((
    SELECT coalesce(sum(greatest(dearest.minor - turn.reward_minor - turn.fee_minor, 0)), 0)
    FROM marketplace_assignment turn JOIN marketplace_task task ON task.id = turn.task_id
    WHERE turn.job_id = %(job)s AND turn.state = 'active' AND task.band = dearest.band AND task.state = 'open'
) + dearest.minor * (
      (SELECT count(*) * %(overlap)s FROM marketplace_task task WHERE task.job_id = %(job)s
          AND task.band = dearest.band AND task.state = 'open' AND task.gold_question_id IS NULL)
    - (SELECT count(*) FROM marketplace_assignment turn JOIN marketplace_task task ON task.id = turn.task_id
       WHERE turn.job_id = %(job)s AND turn.ordinal IS NOT NULL
         AND task.band = dearest.band AND task.state = 'open' AND task.gold_question_id IS NULL)
    + (SELECT count(*) FROM marketplace_slot slot
       WHERE slot.job_id = %(job)s AND slot.lane = 1 AND slot.band = dearest.band))), 0)::bigint
FROM (SELECT band, max(reward_minor + fee_minor) AS minor FROM marketplace_price
      WHERE job_id = %(job)s AND number = %(list)s GROUP BY band) dearest
"""
"""Work up to its overlap and the gold that is free, band by band; and what a turn that was claimed for less would cost
more, were it given back and offered anew. The same as the invariant that looks at all jobs."""

"""What Celery runs for billing. Each message is only a wake-up; what is to be done stands in the tables."""

from celery import shared_task

from billing.services import bank_payouts, missed_events, payout_schedules, reconciliation, stragglers


@shared_task(name="billing.drive_stragglers")
def drive_stragglers() -> None:
    """Look at Stripe again for what a lost webhook or a parked reaction left behind. Every five minutes."""
    stragglers.drive_stragglers()


@shared_task(name="billing.sweep_missed_events")
def sweep_missed_events() -> None:
    """Keep what Stripe told in the last three days and no webhook brought. Nightly."""
    missed_events.sweep_missed_events()


@shared_task(name="billing.reconcile")
def reconcile() -> None:
    """Match what moved at Stripe with the postings that say why; alarm what has none. Nightly."""
    reconciliation.reconcile()


@shared_task(name="billing.look_for_shortfalls")
def look_for_shortfalls() -> None:
    """Look at Stripe for payout accounts that have fallen below zero, or no longer are. Nightly."""
    bank_payouts.look_for_shortfalls()


@shared_task(name="billing.pay_out_on_schedule")
def pay_out_on_schedule() -> None:
    """Request the payouts that nobody has to ask for, each day or week. Every hour."""
    payout_schedules.pay_out_on_schedule()

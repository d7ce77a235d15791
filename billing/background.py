"""What Celery runs for billing. Each message is only a wake-up; what is to be done stands in the tables."""

import logging

from celery import shared_task

from billing import checks
from billing.services import stragglers

logger = logging.getLogger(__name__)


@shared_task(name="billing.drive_stragglers")
def drive_stragglers() -> None:
    """Look at Stripe again for what a lost webhook or a parked reaction left behind. Every five minutes."""
    stragglers.drive_stragglers()


@shared_task(name="billing.check_books")
def check_books() -> None:
    """Try every promise of the books, and log each that is broken as an error. Nightly."""
    for fault in checks.check_books():
        logger.error("The books are not true: %s: %s: %s", fault.check, fault.subject, fault.message)

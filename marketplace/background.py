"""What Celery runs for the marketplace: sweeps that find their own work in the tables."""

from celery import shared_task

from marketplace.services import completion, expiry, settlement


@shared_task
def expire_overdue_assignments() -> int:
    """End reservations whose time is up."""
    return expiry.expire_overdue_assignments()


@shared_task
def accept_due_assignments() -> int:
    """Accept and pay answers whose review clock has run out."""
    return settlement.accept_due_assignments()


@shared_task
def complete_finished_jobs() -> int:
    """Complete jobs of which everything is settled, and give back what they did not spend."""
    return completion.complete_finished_jobs()

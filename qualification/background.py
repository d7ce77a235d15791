"""What qualification does by the clock. Each finds its own work in the tables and may be run at any time."""

from celery import shared_task

from qualification.services import certifications, exams


@shared_task(name="qualification.abandon_overdue_exams")
def abandon_overdue_exams() -> None:
    """Close exams whose time is over."""
    exams.abandon_overdue_exams()


@shared_task(name="qualification.expire_due_certifications")
def expire_due_certifications() -> None:
    """Let certifications expire whose time is over."""
    certifications.expire_due_certifications()

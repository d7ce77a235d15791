"""What workforce does by the clock."""

from celery import shared_task

from workforce.services.standing import lift_ended_pauses as lift


@shared_task(name="workforce.lift_ended_pauses")
def lift_ended_pauses() -> None:
    """Make workers active again whose pause has ended."""
    lift()

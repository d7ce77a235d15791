"""What Celery runs for the kernel."""

from pathlib import Path

from celery import shared_task
from django.conf import settings

HEARTBEAT = "heartbeat"


@shared_task
def heartbeat() -> None:
    """Show that messages come through and are worked on: a live process may still be stuck."""
    Path(settings.VAR_DIR, HEARTBEAT).touch()

"""What Celery runs for the kernel. Each message is only a wake-up; what is to be done stands in the tables."""

import logging
from pathlib import Path
from uuid import UUID

from celery import shared_task
from django.conf import settings

from kernel.services import challenges, email_links, health, idempotency, key_rotation, media, outbox, sealing
from kernel.services.audit_log import BrokenLog

logger = logging.getLogger(__name__)

PULSE_MARK = "pulse"


@shared_task(name="kernel.deliver_message")
def deliver_message(message_id: str, lease: str) -> None:
    """Run the reaction that this outbox message owes, unless the lease has gone to somebody else."""
    outbox.deliver(message_id=UUID(message_id), lease=UUID(lease))


@shared_task(name="kernel.show_worker_life")
def show_worker_life() -> None:
    """Sent by the relay: that it runs shows that the broker carries and that a worker works."""
    health.show_life(part="worker")


@shared_task(name="kernel.show_beat_life")
def show_beat_life() -> None:
    """Sent by beat: that it runs shows that the clock ticks."""
    health.show_life(part="beat")


@shared_task(name="kernel.forget_what_is_over")
def forget_what_is_over() -> None:
    """Delete kept answers, done messages, challenges and links that have had their time."""
    idempotency.forget_old_answers()
    challenges.forget_old_challenges()
    email_links.forget_old_links()
    while outbox.forget_done():
        pass


@shared_task(name="kernel.seal_audit_events")
def seal_audit_events() -> None:
    """Give audit events that were committed their places in the log, and sign a checkpoint over them."""
    try:
        sealing.seal_events()
    except BrokenLog as fault:
        logger.error("Audit events are not sealed: %s", fault)


@shared_task(name="kernel.rotate_keys")
def rotate_keys() -> None:
    """Wrap keys anew that are still under an older master key; there is nothing to do unless that was changed."""
    for batch in key_rotation.rotate_keys():
        for key_id in batch.unopened:
            logger.error("Subject key %s does not open with any master key that is set.", key_id)


@shared_task(name="kernel.tidy_media")
def tidy_media() -> None:
    """Give up files that never came whole, and erase those of media that were deleted, or withdrawn a month ago."""
    media.tidy_media()


@shared_task(name="kernel.show_pulse")
def show_pulse() -> None:
    """Sent by a supervisor to the worker that it runs: the mark tells it a working worker from a stuck one."""
    Path(settings.VAR_DIR, PULSE_MARK).touch()

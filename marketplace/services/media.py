"""Media of a job: what its tasks show, taken in as long as tasks can be imported, and counted for its client."""

from uuid import UUID

from kernel.flow import WrongState
from kernel.models import Media, User
from kernel.services import media as kept
from kernel.services.media_fetching import want_media
from marketplace.models import Job
from marketplace.services.interruptions import interrupt_turns_that_show


def add_media_to_job(*, job: Job, name: str, sent: bytes, by: User) -> tuple[Media, bool]:
    """Take a file into a job, and whether it is new there: `kernel.services.media.add_media` has what may go wrong.

    Raises WrongState when the job takes no tasks: nothing could be imported that refers to it.
    """
    refuse_unless_it_takes_tasks(job)
    return kept.add_media(owner=job.media_owner, payer=job.client.media_payer, name=name, sent=sent, by=by)


def fetch_media_for_job(*, job: Job, name: str, url: str, by: User) -> Media:
    """Have a picture fetched for a job, in the background. Raises WrongState, AddressRefused or AllowanceUsedUp."""
    refuse_unless_it_takes_tasks(job)
    return want_media(owner=job.media_owner, payer=job.client.media_payer, name=name, url=url, by=by)


def delete_media_of_job(*, job: Job, media_id: UUID, by: User) -> None:
    """Delete a file of ``job`` that no task refers to. Raises NotFound or MediaInUse."""
    kept.delete_media(media_id=media_id, owner=job.media_owner, by=by)


def withdraw_media_of_job(*, job: Job, media_id: UUID, why: str, by: User) -> Media:
    """Show a file of ``job`` to nobody any more; who was looking at it is paid for their time.

    Raises NotFound, or WrongState for one that never was available.
    """
    media = kept.withdraw_media(media_id=media_id, owner=job.media_owner, why=why, by=by)
    interrupt_turns_that_show(job=job, media=media)
    return media


def refuse_unless_it_takes_tasks(job: Job) -> None:
    """Raise WrongState when nothing can be imported into the job: it waits for funds, or has ended."""
    if job.state not in Job.TAKES_TASKS:
        raise WrongState(f"Job {job.pk} is {job.state}; media are taken as long as tasks can be imported.")

"""Media that are fetched: a person names an address, and the file is asked for there through the guarded way out."""

from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from kernel.content_addresses import reference_to
from kernel.errors import Invalid
from kernel.events import MediaWanted
from kernel.flow import WrongState
from kernel.models import Media, User
from kernel.outbound import Limits, NoAnswer, OutboundRefused, outbound
from kernel.services.audit import Actor, record
from kernel.services.media import (
    LARGEST_MEDIA_BYTES,
    Content,
    content_of,
    describe,
    give_up,
    keep_content,
    make_room,
    refusal_of,
)
from kernel.services.outbox import announce

FETCHER: Final = Actor.system("media_fetching")
TAKEN: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "application/octet-stream"})
LIMITS: Final = Limits(total_seconds=60.0, body_bytes=LARGEST_MEDIA_BYTES)


@transaction.atomic
def want_media(*, owner: str, payer: str, name: str, url: str, by: User) -> Media:
    """Owe ``owner`` the picture that is at ``url``, in the background; till then it is arriving.

    Raises AddressRefused for an address that is not asked, or AllowanceUsedUp.
    """
    outbound().check(url)
    media = Media(owner=owner, payer=payer, name=name, source_url=url, added_by=by)
    try:
        with transaction.atomic():
            make_room(payer)
            media.save(force_insert=True)
    except IntegrityError as error:
        raise refusal_of(payer, error) from error
    record(action="media.added", subject=media, by=Actor.user(by), to_state=media.state)
    announce(MediaWanted(media_id=str(media.pk)))
    return media


def fetch_media(event: MediaWanted) -> None:
    """Fetch what is wanted. A reaction that speaks to the network; it may be run again.

    An address that says no is not asked again. One that does not answer is, until the sweep gives it up.
    """
    media = Media.objects.get(pk=event.media_id)
    if media.state != Media.State.ARRIVING:
        return
    try:
        content = _fetched(media.source_url)
        _arrive(media.pk, content)
        keep_content(media, content, by=FETCHER)
    except NoAnswer:
        raise
    except WrongState:
        return  # it was given up meanwhile
    except (OutboundRefused, Invalid, _NotTaken) as refusal:
        give_up(media.pk, why=str(refusal), by=FETCHER)


class _NotTaken(Exception):
    """What was fetched is not kept; the message says why."""


def _fetched(url: str) -> Content:
    content = content_of(outbound().fetch(url=url, media_types=TAKEN, limits=LIMITS).body)
    if content.kind != Media.Kind.PICTURE and not content.is_harmful:
        raise _NotTaken("What is at this address is no picture.")
    return content


@transaction.atomic
def _arrive(media_id: UUID, content: Content) -> None:
    media = Media.objects.select_for_update(no_key=True).get(pk=media_id)
    if media.state != Media.State.ARRIVING:
        raise WrongState(f"Media {media.pk} is {media.state}; it was given up.")
    media.source_url = media.source_url.partition("?")[0]  # what stands behind may be a key to it
    fields = [*describe(media, content), "source_url"]
    try:
        with transaction.atomic():
            media.save(update_fields=fields)
    except IntegrityError as error:
        if "one_media_per_content" not in str(error):
            raise _NotTaken(str(refusal_of(media.payer, error))) from error
        same = Media.objects.filter(owner=media.owner, sent_sha256=content.sent_sha256)
        there = same.exclude(pk=media.pk).order_by("created_at", "id").last()
        assert there is not None, "The database has seen it."
        raise _NotTaken(f"The same file is here already, as {reference_to(there.pk)}.") from error

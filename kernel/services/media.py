"""Media: taken in, used, withdrawn, deleted. A file is written between two committed steps, so that none is left over.

1. The row is there, *arriving*, and has taken its room in the allowance of its payer.
2. The file is written.
3. The row is *available*, or *quarantined* when the scanner says so. What does not get here is tidied away by a sweep.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest

from kernel import clock
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import move
from kernel.media_store import erase_file, keep_file
from kernel.models import Media, MediaAllowance, User
from kernel.pictures.cleaner import CLEANER
from kernel.pictures.kinds import NoPicture, kind_of
from kernel.scanning import is_harmful
from kernel.services.audit import Actor, record

LARGEST_MEDIA_BYTES: Final = 32 * 1024 * 1024
NEVER_CAME_AFTER: Final = timedelta(hours=1)
WITHDRAWN_KEPT_FOR: Final = timedelta(days=30)
IN_ONE_ROUND: Final = 500
OPAQUE: Final = "application/octet-stream"
TIDYING: Final = Actor.system("media_tidying")

State = Media.State


class InvalidMedia(Invalid):
    """The file is empty, or says to be a picture and cannot be shown as one."""

    code = "invalid_media"


class AllowanceUsedUp(Refused):
    """There is no room left for this file: media that are not used can be deleted."""

    code = "allowance_used_up"


class MediaInUse(Refused):
    """Items refer to this media, so it cannot be deleted; it can be withdrawn."""

    code = "media_in_use"


@dataclass(frozen=True, slots=True)
class Content:
    """What is kept of a file that was sent."""

    kept: bytes
    kind: Media.Kind
    media_type: str
    sent_sha256: str
    is_harmful: bool
    width: int | None = None
    height: int | None = None

    @property
    def sha256(self) -> str:
        """The hash of what is kept."""
        return hashlib.sha256(self.kept).hexdigest()


def add_media(*, owner: str, payer: str, name: str, sent: bytes, by: User) -> tuple[Media, bool]:
    """Take in a file for ``owner``, and whether it is new: the same bytes again are the same media.

    A picture (PNG, JPEG, WebP, GIF by its first bytes) is written anew; anything else is kept as it came, and is never
    shown but as a download. Not to be called inside a transaction. Raises InvalidMedia, AllowanceUsedUp, or
    ScannerUnavailable.
    """
    sent_sha256 = hashlib.sha256(sent).hexdigest()
    known = _known(owner, sent_sha256)
    if known is not None:  # it need not be looked at again
        return known, False
    content = content_of(sent)
    media = Media(owner=owner, payer=payer, name=name, added_by=by)
    if not _arrive(media, content, by=by):
        known = _known(owner, sent_sha256)
        assert known is not None, "Whoever was quicker has committed."
        return known, False
    return keep_content(media, content, by=Actor.user(by)), True


def delete_media(*, media_id: UUID, owner: str, by: User) -> None:
    """Delete a media of ``owner`` that no item refers to, and its file. Raises NotFound or MediaInUse."""
    with transaction.atomic():
        media = _locked(media_id, owner)
        if media.used_at is not None:
            raise MediaInUse("Items refer to this media, so it stays. It can be withdrawn: then nobody is shown it.")
        media.ended_at = clock.now()
        move(media, State.DELETED, by=Actor.user(by), why="deleted by its owner", fields=["ended_at"])
    _erase(media.pk)


@transaction.atomic
def withdraw_media(*, media_id: UUID, owner: str, why: str, by: User) -> Media:
    """Show a media of ``owner`` to nobody any more, from the next request on. Withdrawing it again changes nothing.

    Its file is erased after a month. Raises NotFound, or WrongState for one that never was available.
    """
    media = _locked(media_id, owner)
    if media.state != State.WITHDRAWN:
        media.ended_at, media.failure = clock.now(), why
        move(media, State.WITHDRAWN, by=Actor.user(by), why=why, fields=["ended_at", "failure"])
    return media


@transaction.atomic
def use_pictures(*, owner: str, ids: Collection[UUID]) -> set[UUID]:
    """Note that items refer to these; those among ``ids`` that are no picture of ``owner`` that can be shown."""
    shown = Media.objects.filter(owner=owner, pk__in=ids, state=State.AVAILABLE, kind=Media.Kind.PICTURE)
    shown.filter(used_at__isnull=True).update(used_at=clock.now())
    return set(ids) - set(shown.values_list("pk", flat=True))


def tidy_media() -> int:
    """Give up what never came, and erase the files of what ended long enough ago; how many there were."""
    now = clock.now()
    late = Media.objects.filter(state=State.ARRIVING, created_at__lt=now - NEVER_CAME_AFTER)
    for media_id in list(late.order_by("created_at", "id").values_list("pk", flat=True)[:IN_ONE_ROUND]):
        give_up(media_id, why="It did not come in time.", by=TIDYING)
    gone = Q(state__in=[State.REFUSED, State.DELETED]) | Q(state=State.WITHDRAWN, ended_at__lt=now - WITHDRAWN_KEPT_FOR)
    ended = Media.objects.filter(gone, erased_at__isnull=True).order_by("created_at", "id")
    erased = list(ended.values_list("pk", flat=True)[:IN_ONE_ROUND])
    for media_id in erased:
        _erase(media_id)
    return len(erased)


def content_of(sent: bytes) -> Content:
    """What is kept of these bytes. Raises InvalidMedia or ScannerUnavailable; not to be called inside a transaction."""
    sent_sha256 = hashlib.sha256(sent).hexdigest()
    if not sent:
        raise InvalidMedia("The file is empty.")
    harmful = is_harmful(sent)
    kind = kind_of(sent[:12])
    if kind is None or harmful:
        return Content(sent, Media.Kind.FILE, OPAQUE, sent_sha256, harmful)
    try:
        cleaned = CLEANER.clean(sent, kind=kind)
    except NoPicture as refusal:
        raise InvalidMedia(str(refusal)) from refusal
    return Content(
        cleaned.content, Media.Kind.PICTURE, cleaned.media_type, sent_sha256, harmful, cleaned.width, cleaned.height
    )


def describe(media: Media, content: Content) -> list[str]:
    """Write into the row what is kept; the names of the columns that say so."""
    media.kind, media.media_type, media.size_bytes = content.kind, content.media_type, len(content.kept)
    media.sha256, media.sent_sha256 = content.sha256, content.sent_sha256
    media.width, media.height = content.width, content.height
    return ["kind", "media_type", "size_bytes", "sha256", "sent_sha256", "width", "height"]


def _known(owner: str, sent_sha256: str) -> Media | None:
    same = Media.objects.filter(owner=owner, sent_sha256=sent_sha256, state__in=[State.ARRIVING, State.AVAILABLE])
    return same.first()


def _arrive(media: Media, content: Content, *, by: User) -> bool:
    """The first step; false when the same file is there already."""
    describe(media, content)
    try:
        with transaction.atomic():
            make_room(media.payer)
            media.save(force_insert=True)
            record(action="media.added", subject=media, by=Actor.user(by), to_state=media.state)
    except IntegrityError as error:
        if "one_media_per_content" in str(error):
            return False
        raise refusal_of(media.payer, error) from error
    return True


def make_room(payer: str) -> None:
    """Let the payer have an allowance, as large as the installation's setting says now."""
    if payer:
        limit = settings.MEDIA_ALLOWANCE_BYTES
        MediaAllowance.objects.bulk_create([MediaAllowance(payer=payer, limit_bytes=limit)], ignore_conflicts=True)
        changed = MediaAllowance.objects.filter(payer=payer).exclude(limit_bytes=Greatest(limit, F("used_bytes")))
        changed.update(limit_bytes=Greatest(limit, F("used_bytes")))


def refusal_of(payer: str, error: IntegrityError) -> Exception:
    """What a rule of the database about media means, when it is one that people meet."""
    if "media_allowance_is_kept" not in str(error):
        return error
    allowance = MediaAllowance.objects.get(payer=payer)
    return AllowanceUsedUp(
        f"There is no room for this file: {allowance.used_bytes:,} of {allowance.limit_bytes:,} bytes are taken. "
        "Delete media that are not used.",
        {"used_bytes": allowance.used_bytes, "limit_bytes": allowance.limit_bytes},
    )


def keep_content(media: Media, content: Content, *, by: Actor) -> Media:
    """The second step and the third, for a row that is arriving and says what its content is."""
    try:
        keep_file(media, content.kept)
    except OSError:
        give_up(media.pk, why="The file could not be written.", by=by)
        raise
    with transaction.atomic():
        kept = Media.objects.select_for_update(no_key=True).get(pk=media.pk)
        if content.is_harmful:
            move(kept, State.QUARANTINED, by=by, why="the scanner found something in it")
        else:
            move(kept, State.AVAILABLE, by=by, why="it is here")
    return kept


@transaction.atomic
def give_up(media_id: UUID, *, why: str, by: Actor) -> None:
    """Let a media that is still arriving be refused; its file, if there is any, is tidied away."""
    media = Media.objects.select_for_update(no_key=True).get(pk=media_id)
    if media.state == State.ARRIVING:
        media.ended_at, media.failure = clock.now(), why
        move(media, State.REFUSED, by=by, why=why, fields=["ended_at", "failure"])


@transaction.atomic
def _erase(media_id: UUID) -> None:
    media = Media.objects.select_for_update(no_key=True).get(pk=media_id)
    if media.erased_at is None:
        erase_file(media)  # again, should this not be committed
        media.erased_at = clock.now()
        media.save(update_fields=["erased_at"])
        record(action="media.erased", subject=media, by=TIDYING)


def _locked(media_id: UUID, owner: str) -> Media:
    media = Media.objects.select_for_update(no_key=True).filter(pk=media_id, owner=owner).first()
    if media is None:
        raise NotFound("media")
    return media

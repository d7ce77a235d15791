"""Media: files that people give us to show, and how much room each payer has for them."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from kernel import clock
from kernel.states import Flow


class Media(models.Model):
    """A file that somebody gave us: a picture that was written anew, or anything else, kept as it came.

    ``owner`` is what it belongs to, as an opaque name such as ``job:…``, and ``payer`` whose allowance it takes room in
    (nobody's when empty). ``name`` is what its sender called it: shown, and never part of a path or a header. What is
    kept never changes (a trigger), nor is a row ever deleted; its file is gone from ``erased_at`` on.
    """

    class State(models.TextChoices):
        ARRIVING = "arriving"
        AVAILABLE = "available"
        QUARANTINED = "quarantined"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"
        DELETED = "deleted"

    class Kind(models.TextChoices):
        PICTURE = "picture"
        FILE = "file"

    FLOW: ClassVar[Flow] = Flow(
        {
            State.ARRIVING: {State.AVAILABLE, State.QUARANTINED, State.REFUSED},
            State.AVAILABLE: {State.WITHDRAWN, State.DELETED},
            State.QUARANTINED: {State.DELETED},
        }
    )
    ENDED = (State.REFUSED, State.WITHDRAWN, State.DELETED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.CharField(max_length=100)
    payer = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(max_length=12, choices=State.choices, default=State.ARRIVING)
    name = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(max_length=10, choices=Kind.choices, blank=True, default="")
    media_type = models.CharField(max_length=60, blank=True, default="")
    size_bytes = models.BigIntegerField(default=0)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True, default="", help_text="Of what is kept.")
    sent_sha256 = models.CharField(max_length=64, blank=True, default="", help_text="Of what was sent.")
    source_url = models.TextField(blank=True, default="", help_text="Where it was fetched from, if it was.")
    failure = models.TextField(blank=True, default="", help_text="Why it was refused or withdrawn.")
    added_by = models.ForeignKey("kernel.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=clock.now)
    used_at = models.DateTimeField(null=True, help_text="From when on items refer to it.")
    ended_at = models.DateTimeField(null=True, help_text="When it was refused, withdrawn or deleted.")
    erased_at = models.DateTimeField(null=True, help_text="From when on its file is gone.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["arriving", "available", "quarantined", "refused", "withdrawn", "deleted"]),
                name="media_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["arriving", "refused"]) | (Q(size_bytes__gt=0) & ~Q(sha256="") & ~Q(kind="")),
                name="media_that_came_has_its_content",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["", "file"], width__isnull=True, height__isnull=True)
                | Q(kind="picture", width__gt=0, height__gt=0),
                name="media_picture_has_its_size",
            ),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(state__in=["available", "withdrawn"], kind="picture"),
                name="media_in_use_is_kept",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["refused", "withdrawn", "deleted"], ended_at__isnull=False)
                | Q(state__in=["arriving", "available", "quarantined"], ended_at__isnull=True, erased_at__isnull=True),
                name="media_state_has_its_times",
            ),
            models.UniqueConstraint(
                fields=["owner", "sent_sha256"],
                condition=Q(state__in=["arriving", "available"]) & ~Q(sent_sha256=""),
                name="one_media_per_content",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "created_at", "id"], name="media_by_owner"),
            models.Index(
                fields=["created_at", "id"],
                condition=Q(erased_at__isnull=True, state__in=["arriving", "refused", "withdrawn", "deleted"]),
                name="media_to_tidy",
            ),
        ]
        verbose_name = "media"

    def __str__(self) -> str:
        return f"media {self.pk}"

    @property
    def file_name(self) -> str:
        """Where its file stands in the store: under our own id, whatever its sender called it."""
        return f"{self.pk.hex[:2]}/{self.pk.hex}"


class MediaAllowance(models.Model):
    """How much room a payer's media take, and may take. A trigger keeps ``used_bytes`` the sum of what there is."""

    payer = models.CharField(max_length=100, primary_key=True)
    used_bytes = models.BigIntegerField(default=0)
    limit_bytes = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(used_bytes__gte=0), name="media_allowance_from_zero"),
            models.CheckConstraint(condition=Q(used_bytes__lte=F("limit_bytes")), name="media_allowance_is_kept"),
        ]

    def __str__(self) -> str:
        return f"{self.payer}: {self.used_bytes} of {self.limit_bytes} bytes"

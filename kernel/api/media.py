"""What addresses for media have in common, whatever the media belong to: how they come in, and how they are shown."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from kernel.api import fields
from kernel.api.input import refuse_encodings
from kernel.api.serializers import In, Out, Query
from kernel.api.uploads import UploadView
from kernel.content_addresses import REFERENCE, AddressOf, reference_to
from kernel.models import Media
from kernel.scanning import ScannerUnavailable
from kernel.services.media import LARGEST_MEDIA_BYTES, AllowanceUsedUp, InvalidMedia

MEDIA_ID: Final = "9b2d5e1c-7a40-4f13-8c55-0d1e2f3a4b5c"
UPLOADS: Final = dict.fromkeys(("image/png", "image/jpeg", "image/webp", "image/gif", "application/octet-stream"), "…")
"""What a file may be said to be; its bytes tell what it is."""

FORMS: Final = ("multipart/", "application/x-www-form-urlencoded")
MAY_NOT_COME_IN: Final = (InvalidMedia, AllowanceUsedUp, ScannerUnavailable)


class MediaNameQuery(Query):
    """What the file is called."""

    name = fields.LineField(
        required=False, max_length=200, help_text="Shown beside it, and nothing else: no path and no type follows."
    )


class MediaQuery(Query):
    """Which media."""

    state = fields.ChoiceField(choices=Media.State.choices, required=False)


class MediaFetchIn(In):
    """Where a picture is to be had."""

    EXAMPLE = {"url": "https://files.example.org/scan-1.png"}
    url = fields.LineField(max_length=2_048, help_text="An `https://` address on the public internet.")
    name = fields.LineField(required=False, max_length=200, help_text="Shown beside it, and nothing else.")


class MediaWithdrawalIn(In):
    """Why nobody is to be shown this any more."""

    EXAMPLE = {"why": "It shows somebody's address."}
    why = fields.TextField(max_length=1_000)


class MediaOut(Out):
    """A file that was given to be shown."""

    EXAMPLE = {
        "id": MEDIA_ID,
        "reference": f"{REFERENCE}{MEDIA_ID}",
        "name": "scan-1.png",
        "state": "available",
        "kind": "picture",
        "media_type": "image/png",
        "size_bytes": 20480,
        "width": 640,
        "height": 480,
        "sha256": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
        "is_used": True,
        "failure": "",
        "created_at": "2026-05-17T12:00:00Z",
        "url": "https://content.example.net/…",
    }
    id = fields.UUIDField()
    reference = fields.LineField(help_text="How the value of an item refers to it.")
    name = fields.TextField()
    state = fields.ChoiceField(choices=Media.State.choices)
    kind = fields.ChoiceField(
        choices=[*Media.Kind.choices, ""], help_text="Items can only refer to a `picture`; a `file` is for downloading."
    )
    media_type = fields.LineField(help_text="What it is kept and served as.")
    size_bytes = fields.IntegerField()
    width = fields.IntegerField(allow_null=True)
    height = fields.IntegerField(allow_null=True)
    sha256 = fields.LineField(help_text="Of the file as it is kept and served.")
    is_used = fields.BooleanField(help_text="Whether items refer to it; then it can be withdrawn, but not deleted.")
    failure = fields.TextField(help_text="Why it was refused or withdrawn; else empty.")
    created_at = fields.DateTimeField()
    url = fields.LineField(
        allow_null=True, help_text="Where it can be had for a few minutes, by whoever asked for this; as a download."
    )


class MediaUploadView(UploadView):
    """A view whose POST takes one file as its body, whatever it is said to be."""

    upload_types: ClassVar[Sequence[str]] = tuple(UPLOADS)
    largest_body_bytes = LARGEST_MEDIA_BYTES

    def refuse_type(self, request: Request) -> None:
        if self.upload_type.startswith(FORMS):
            raise UnsupportedMediaType(self.upload_type, detail="Send the file itself as the body, and no form.")
        refuse_encodings(request, "")

    def show(self, media: Media, address_of: AddressOf) -> dict[str, Any]:
        """One media, as ``MediaOut`` shows it."""
        return shown_media([media], address_of)[0]


def shown_media(rows: Sequence[Media], address_of: AddressOf) -> list[dict[str, Any]]:
    """Media as ``MediaOut`` shows them, with addresses for whoever asks."""
    return [
        {
            **{name: getattr(media, name) for name in _AS_KEPT},
            "reference": reference_to(media.pk),
            "is_used": media.used_at is not None,
            "url": address_of(media.pk) if media.state == Media.State.AVAILABLE else None,
        }
        for media in rows
    ]


_AS_KEPT: Final = (
    "id",
    "name",
    "state",
    "kind",
    "media_type",
    "size_bytes",
    "width",
    "height",
    "sha256",
    "failure",
    "created_at",
)
"""What is shown of a media as it stands in its row."""

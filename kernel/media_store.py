"""Where the files of media stand: in Django's storage of that name, each under the id of its media."""

from typing import IO

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from kernel.models import Media


def keep_file(media: Media, content: bytes) -> None:
    """Write the file of ``media``. Its name is ours alone, so there is none there yet."""
    written = _store().save(media.file_name, ContentFile(content))
    assert written == media.file_name, f"The store has put {media.file_name} under {written}."


def open_file(media: Media) -> IO[bytes]:
    """The file of ``media``. Raises FileNotFoundError."""
    return _store().open(media.file_name)


def erase_file(media: Media) -> None:
    """Delete the file of ``media``; that there is none is no error."""
    _store().delete(media.file_name)


def _store() -> Storage:
    return storages["media"]

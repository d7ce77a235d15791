"""Where the files of media stand: in Django's storage of that name, each under the id of its media."""

from collections.abc import Iterator
from typing import IO, Final

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from kernel.models import Media

CHUNK_BYTES: Final = 64 * 1024


def keep_file(media: Media, content: bytes) -> None:
    """Write the file of ``media``. Its name is ours alone, so there is none there yet."""
    written = _store().save(media.file_name, ContentFile(content))
    assert written == media.file_name, f"The store has put {media.file_name} under {written}."


def open_file(media: Media) -> IO[bytes]:
    """The file of ``media``. Raises FileNotFoundError."""
    return _store().open(media.file_name)


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """What is in an open file, in pieces."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def erase_file(media: Media) -> None:
    """Delete the file of ``media``; that there is none is no error."""
    _store().delete(media.file_name)


def _store() -> Storage:
    return storages["media"]

"""Large bodies that are not read into memory: laid into a temporary file, measured and hashed on the way.

The file is complete before any transaction begins, so that a slow sender holds no lock.
"""

import hashlib
import tempfile
from collections.abc import Sequence
from typing import IO, Any, ClassVar, Final

from django.http import UnreadablePostError
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request

from kernel.api.input import BodyTooLarge, length_of, refuse_encodings
from kernel.api.views import ApiView

CHUNK_BYTES: Final = 256 * 1024
IN_MEMORY_BYTES: Final = 1024 * 1024


class UploadView(ApiView):
    """A view whose POST or PUT takes one large body, of one of the ``upload_types``."""

    parser_classes: Sequence[Any] = []
    upload_types: ClassVar[Sequence[str]]
    largest_body_bytes: int = 1024 * 1024 * 1024

    @property
    def upload_type(self) -> str:
        """Which of the ``upload_types`` was sent."""
        return str(self.request.content_type).partition(";")[0].strip().lower()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method in ("POST", "PUT"):
            self._refuse_what_is_not_read(request)
            self.before_upload(*args, **kwargs)
            self._file, self._sha256 = self._lay_down(request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if file := getattr(self, "_file", None):
            file.close()
        return super().finalize_response(request, response, *args, **kwargs)

    def before_upload(self, *args: Any, **kwargs: Any) -> None:
        """Refuse who may not send this, before anything of the body is read. Given what the address names."""

    def read_upload(self) -> IO[bytes]:
        """The body, as a file at its beginning; it is gone after the answer."""
        self._file.seek(0)
        return self._file

    def body_sha256(self) -> str:
        return self._sha256

    def refuse_type(self, request: Request) -> None:
        """Refuse a body of a type that is not read here."""
        if self.upload_type not in self.upload_types:
            possible = ", ".join(self.upload_types)
            raise UnsupportedMediaType(self.upload_type, detail=f"This is read as one of: {possible}.")
        refuse_encodings(request, str(request.content_type))

    def _refuse_what_is_not_read(self, request: Request) -> None:
        self.refuse_type(request)
        if length_of(request) > self.largest_body_bytes:
            raise BodyTooLarge(self.largest_body_bytes)

    def _lay_down(self, request: Request) -> tuple[IO[bytes], str]:
        file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  (closed with the answer)
        digest = hashlib.sha256(self.upload_type.encode())
        try:
            while chunk := request._request.read(CHUNK_BYTES):
                file.write(chunk)
                digest.update(chunk)
            if file.tell() != length_of(request):  # a server may show a broken connection as the end of the body
                raise UnreadablePostError
        except UnreadablePostError:
            file.close()
            raise ParseError("The body broke off before its end. Nothing was taken; send it again.") from None
        except BaseException:
            file.close()
            raise
        return file, digest.hexdigest()

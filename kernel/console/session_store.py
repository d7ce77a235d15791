"""Pages and console know their people by `kernel.models.Session`, as the API does: one table, one decision.

A cookie holds the key, the row only its hash. Nothing else is kept in a session, and only signing in begins one: so no
key that a browser brings along is ever taken over, and who is not signed in has none.
"""

from typing import Any, NoReturn

from django.contrib.sessions.backends.base import SessionBase

from kernel.models import Session
from kernel.services.access import authenticate_token, sign_out


class SessionStore(SessionBase):
    """The session whose key the cookie holds, if it is alive. ``row`` is it; its ``user`` is who is signed in."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._row: Session | None = None
        self._session_cache: dict[str, Any]

    @property
    def row(self) -> Session | None:
        """The living session, or None for strangers."""
        self.items()  # loads it
        return self._row

    def begin(self, session: Session, token: str) -> None:
        """Let the answer's cookie hold this session's key from now on."""
        self._session_key = token
        self._row, self._session_cache, self.accessed, self.modified = session, {}, True, True

    def load(self) -> dict[str, Any]:
        """Nothing but who it is; a key that is not alive is dropped, and its cookie with it."""
        found = authenticate_token(self.session_key or "")
        if found is None or not isinstance(found[1], Session):
            self._session_key = None
        else:
            self._row = found[1]
        return {}

    def flush(self) -> None:
        """Sign out whose session this is, and let the cookie go."""
        self.items()  # loads it
        super().flush()

    def delete(self, session_key: str | None = None) -> None:
        """Sign out whose session this is."""
        if self._row is not None:
            sign_out(session=self._row)
        self._row = None

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002  (Django's own signature)
        """There is nothing to save; what somebody put into it would be lost."""
        if must_create or self.items():
            self.create()

    def create(self) -> NoReturn:
        """Refused: a session begins where somebody signs in, and nowhere else."""
        raise TypeError("A session holds nothing but who is signed in, and is begun by kernel.services.access only.")

    def exists(self, session_key: str) -> bool:
        """Whether it is alive."""
        return authenticate_token(session_key) is not None

    @classmethod
    def clear_expired(cls) -> None:
        """Ended sessions stay, as facts."""

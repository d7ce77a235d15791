"""Who sends a page's request: the person whose session the cookie names."""

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from kernel.console.session_store import SessionStore
from kernel.models import Session, User


class SessionAuthentication(AuthenticationMiddleware):
    """`request.user` is who the session says; no second look, no second rule."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: user_of(request))  # type: ignore[assignment]  # as Django itself does


def session_of(request: HttpRequest) -> Session | None:
    """The living session of a page's request, or None for strangers."""
    store = request.session
    assert isinstance(store, SessionStore), "Pages stand on our own session store."
    return store.row


def user_of(request: HttpRequest) -> User | AnonymousUser:
    """Who sends a page's request."""
    session = session_of(request)
    return session.user if session is not None else AnonymousUser()

"""Sessions over HTTP: signing in and out, which there were, and ending somebody's."""

from typing import Any, cast
from uuid import UUID

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.throttles import SignInThrottle
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.models import Session, User
from kernel.services.access import (
    IDLE_AFTER,
    SecondFactorNeeded,
    WrongCredentials,
    end_sessions,
    sign_in,
    sign_out,
)
from kernel.services.challenges import TooManyTries


class SignInIn(In):
    """Who signs in."""

    EXAMPLE = {"email": "ada@example.org", "password": "correct horse battery staple"}
    email = fields.EmailField()
    password = fields.SecretField()


class SessionOut(Out):
    """A session with its token, which is shown only here."""

    EXAMPLE = {
        "token": "as_8FqQm3kTnD2p5Yw0yT4mJx8uYQvRr1nS6bB0aH7cKdE",
        "expires_at": "2026-05-17T20:00:00Z",
        "idle_seconds": 900,
    }
    token = fields.LineField(help_text="Send it as `Authorization: Bearer <token>`.")
    expires_at = fields.DateTimeField(help_text="When it ends at the latest.")
    idle_seconds = fields.IntegerField(help_text="It ends earlier when it is not used for so long.")


class PastSessionOut(Out):
    """A session that is or was."""

    EXAMPLE = {
        "id": "7e6d5c4b-3a29-4180-9f0e-1d2c3b4a5f6e",
        "created_at": "2026-05-17T12:00:00Z",
        "last_seen_at": "2026-05-17T12:34:00Z",
        "expires_at": "2026-05-17T20:00:00Z",
        "revoked_at": None,
        "second_factor_at": "2026-05-17T12:00:00Z",
    }
    id = fields.UUIDField()
    created_at = fields.DateTimeField()
    last_seen_at = fields.DateTimeField(help_text="Noted at most once a minute.")
    expires_at = fields.DateTimeField()
    revoked_at = fields.DateTimeField(allow_null=True, help_text="When it was ended, if it was.")
    second_factor_at = fields.DateTimeField(allow_null=True, help_text="When a second factor was shown for it, if any.")


class EndSessionsIn(In):
    """Why somebody's sessions end."""

    EXAMPLE = {"why": "Laptop stolen.", "api_keys": True}
    why = fields.LineField(max_length=500, help_text="For the audit trail.")
    api_keys = fields.BooleanField(help_text="Whether their API keys end too.")


def session_of(request: Request) -> Session:
    """The session of whoever is signed in in person."""
    return cast(Session, request.auth)


def shown_session(session: Session, token: str) -> dict[str, Any]:
    """What SessionOut shows."""
    return {"token": token, "expires_at": session.expires_at, "idle_seconds": round(IDLE_AFTER.total_seconds())}


class SessionView(ApiView):
    """One's own session."""

    throttle_classes = [SignInThrottle]

    def get_authenticators(self) -> list[BaseAuthentication]:
        # who signs in may still send the token of a session that has ended
        return [] if getattr(self.request, "method", None) == "POST" else super().get_authenticators()

    @operation(
        "Sign in",
        body=SignInIn,
        answer=SessionOut,
        status=201,
        errors=[WrongCredentials, SecondFactorNeeded, TooManyTries],
        public=True,
    )
    def post(self, request: Request) -> Response:
        """Begins a session and gives its token. The user's other sessions end: one person, one session.

        Who has a second factor is answered 401 `second_factor_needed`, and nothing has begun yet: `details` has the
        `challenge` for the next step (`POST /api/v1/session/second-factor/`), what it can be answered with (`kinds`),
        and what a browser needs for a security key (`webauthn`).
        """
        return self.answer(SessionOut(shown_session(*sign_in(**self.read_body()))), status=201)

    @operation("Sign out")
    def delete(self, request: Request) -> Response:
        """Ends the session whose token was sent. An API key cannot sign out; it is revoked."""
        sign_out(session=session_of(request))
        return self.answer()


class SessionsView(ApiView):
    """One's own sessions."""

    @operation("List sessions", answer=PastSessionOut, paged=True)
    def get(self, request: Request) -> Response:
        """One's own sessions, the newest first, with those that have ended. At most one is alive."""
        return self.page(Session.objects.filter(user=self.user), PastSessionOut, order_by=("-created_at", "-id"))


class SomebodysSessionsView(ApiView):
    """Somebody else's sessions."""

    @operation("End somebody's sessions", body=EndSessionsIn, errors=[NotFound])
    def post(self, request: Request, user_id: UUID) -> Response:
        """Ends every session of a person with their next request, and if asked for their API keys. They may sign in."""
        somebody = self.permit.among(User.objects.all()).filter(pk=user_id).first()
        if somebody is None:
            raise NotFound("user")
        end_sessions(user_id=somebody.pk, by=self.actor, **self.read_body())
        return self.answer()

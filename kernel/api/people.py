"""Signing up, signing in and out, and who one is."""

from typing import cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.throttles import SignInThrottle
from kernel.api.views import ApiView
from kernel.models import ApiKey, Session
from kernel.services.access import IDLE_AFTER, EmailTaken, WrongCredentials, sign_in, sign_out, sign_up


class SignUpIn(In):
    """Who signs up."""

    EXAMPLE = {"email": "ada@example.org", "password": "correct horse battery staple", "display_name": "Ada"}
    email = fields.EmailField()
    password = fields.SecretField(help_text="At least 12 characters, not a common one, not like the e-mail address.")
    display_name = fields.LineField(max_length=100, help_text="What others in one's own organisation see.")


class UserOut(Out):
    """A user."""

    EXAMPLE = {"id": "0b9d4c8e-6a34-4f0e-9c55-1d6b9f6d2a11", "email": "ada@example.org", "display_name": "Ada"}
    id = fields.UUIDField()
    email = fields.EmailField()
    display_name = fields.LineField()


class SignInIn(In):
    """Who signs in."""

    EXAMPLE = {"email": "ada@example.org", "password": "correct horse battery staple"}
    email = fields.EmailField()
    password = fields.SecretField()


class SessionOut(Out):
    """A session that has just begun. Its token is shown only here."""

    EXAMPLE = {
        "token": "as_8FqQm3kTnD2p5Yw0yT4mJx8uYQvRr1nS6bB0aH7cKdE",
        "expires_at": "2026-05-17T20:00:00Z",
        "idle_seconds": 900,
    }
    token = fields.LineField(help_text="Send it as `Authorization: Bearer <token>`.")
    expires_at = fields.DateTimeField(help_text="When it ends at the latest.")
    idle_seconds = fields.IntegerField(help_text="It ends earlier when it is not used for so long.")


class MeOut(UserOut):
    """Who the token belongs to."""

    EXAMPLE = {
        **UserOut.EXAMPLE,
        "roles": ["worker"],
        "signed_in_by": "session",
        "signed_in_until": "2026-05-17T20:00:00Z",
    }
    roles = fields.ListField(
        child=fields.LineField(),
        help_text="What one is here at this moment: `worker`, `owner`, `member`, `finance` and so on, or nothing yet.",
    )
    signed_in_by = fields.ChoiceField(choices=["session", "api_key"])
    signed_in_until = fields.DateTimeField()


class CredentialsRefused(APIException):
    """This e-mail address and this password do not belong together."""

    status_code = 401
    default_code = "wrong_credentials"


class UsersView(ApiView):
    """Those who sign up."""

    authentication_classes = []
    throttle_classes = [SignInThrottle]

    @operation("Sign up", body=SignUpIn, answer=UserOut, status=201, errors=[EmailTaken], public=True)
    def post(self, request: Request) -> Response:
        """Makes a user, who may then sign in, and apply as a worker, create a client, or be made a member of one."""
        return self.answer(UserOut(sign_up(**self.read_body())), status=201)


class SessionView(ApiView):
    """One's own session."""

    throttle_classes = [SignInThrottle]

    def get_authenticators(self) -> list[BaseAuthentication]:
        # who signs in may still send the token of a session that has ended
        return [] if getattr(self.request, "method", None) == "POST" else super().get_authenticators()

    @operation("Sign in", body=SignInIn, answer=SessionOut, status=201, errors=[CredentialsRefused], public=True)
    def post(self, request: Request) -> Response:
        """Begins a session and gives its token. The user's other sessions end: one person, one session."""
        try:
            session, token = sign_in(**self.read_body())
        except WrongCredentials as error:
            raise CredentialsRefused(error.message) from None
        idle_seconds = round(IDLE_AFTER.total_seconds())
        shown = {"token": token, "expires_at": session.expires_at, "idle_seconds": idle_seconds}
        return self.answer(SessionOut(shown), status=201)

    @operation("Sign out")
    def delete(self, request: Request) -> Response:
        """Ends the session whose token was sent. An API key cannot sign out; it is revoked."""
        sign_out(session=cast(Session, request.auth))
        return self.answer()


class MeView(ApiView):
    """Oneself."""

    @operation("Show who is signed in", answer=MeOut)
    def get(self, request: Request) -> Response:
        """Whose token was sent, what roles they have at this moment, and how long the token is good for."""
        way_in = cast(Session | ApiKey, request.auth)
        shown = {
            **{name: getattr(self.user, name) for name in ("id", "email", "display_name")},
            "roles": self.principal.roles(),
            "signed_in_by": "session" if isinstance(way_in, Session) else "api_key",
            "signed_in_until": way_in.expires_at,
        }
        return self.answer(MeOut(shown))

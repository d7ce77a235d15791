"""Signing up, and who one is."""

from typing import cast

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.throttles import SignInThrottle
from kernel.api.views import ApiView
from kernel.models import ApiKey, Session
from kernel.services.access import EmailTaken, sign_up


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


class UsersView(ApiView):
    """Those who sign up."""

    authentication_classes = []
    throttle_classes = [SignInThrottle]

    @operation("Sign up", body=SignUpIn, answer=UserOut, status=201, errors=[EmailTaken], public=True)
    def post(self, request: Request) -> Response:
        """Makes a user, who may then sign in, and apply as a worker, create a client, or be made a member of one."""
        return self.answer(UserOut(sign_up(**self.read_body())), status=201)


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

"""Signing up, showing that an address is one's own, another password, and who one is."""

from typing import cast

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.sessions import SessionOut, session_of, shown_session
from kernel.api.throttles import SecondStepThrottle, SignInThrottle
from kernel.api.views import ApiView
from kernel.models import ApiKey, Session
from kernel.services.access import SessionOver, WrongCredentials
from kernel.services.email_links import LinkOver
from kernel.services.signing_up import (
    AlreadyConfirmed,
    EmailTaken,
    ask_for_confirmation,
    ask_for_reset,
    ask_to_change_email,
    change_password,
    confirm_email,
    reset_password,
    sign_up,
)

LINK = "al_Qe7bXw1oZs9kTn4yVr2mJc8hLf3dGp6uAi0xEqHvKtY"
TO_CHOOSE = "At least 12 characters, not a common one, not like the e-mail address."


class SignUpIn(In):
    """Who signs up."""

    EXAMPLE = {"email": "ada@example.org", "password": "correct horse battery staple", "display_name": "Ada"}
    email = fields.EmailField()
    password = fields.NewPasswordField(help_text=TO_CHOOSE)
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
        "email_is_confirmed": True,
        "roles": ["worker"],
        "signed_in_by": "session",
        "signed_in_until": "2026-05-17T20:00:00Z",
        "second_factor_at": None,
        "fresh_until": "2026-05-17T12:10:00Z",
    }
    roles = fields.ListField(
        child=fields.LineField(),
        help_text="What one is here at this moment: `worker`, `owner`, `member`, `finance` and so on, or nothing yet.",
    )
    email_is_confirmed = fields.BooleanField(help_text="Until then one can confirm, sign out, and nothing else.")
    signed_in_by = fields.ChoiceField(choices=["session", "api_key"])
    signed_in_until = fields.DateTimeField()
    second_factor_at = fields.DateTimeField(
        allow_null=True, help_text="When a second factor was shown for the session; admins' roles need it."
    )
    fresh_until = fields.DateTimeField(allow_null=True, help_text="How long the session counts as fresh.")


class MailSentOut(Out):
    """Where a mail goes, whoever that is: the answer tells nothing of whom we know."""

    EXAMPLE = {"email": "ada@example.org"}
    email = fields.EmailField(help_text="The address, in its canonical form.")


class ResetRequestIn(In):
    """Whose password is forgotten."""

    EXAMPLE = {"email": "ada@example.org"}
    email = fields.EmailField()


class ConfirmationIn(In):
    """The token of the mail's link, and the password that was chosen with the address."""

    EXAMPLE = {"token": LINK, "password": "correct horse battery staple"}
    token = fields.SecretField()
    password = fields.SecretField()


class ResetIn(In):
    """The token of the mail's link, and another password."""

    EXAMPLE = {"token": LINK, "password": "another horse, another staple"}
    token = fields.SecretField()
    password = fields.NewPasswordField(help_text=TO_CHOOSE)


class PasswordIn(In):
    """Another password."""

    EXAMPLE = {"password": "another horse, another staple"}
    password = fields.NewPasswordField(help_text=TO_CHOOSE)


class UsersView(ApiView):
    """Those who sign up."""

    authentication_classes = []
    throttle_classes = [SignInThrottle]

    @operation("Sign up", body=SignUpIn, answer=MailSentOut, status=202, public=True)
    def post(self, request: Request) -> Response:
        """Makes a user and sends a mail to confirm the address with. Until then they can sign in and confirm, no more.

        The answer is the same for an address that is here already; its owner is told by mail.
        """
        return self.answer(MailSentOut({"email": sign_up(**self.read_body())}), status=202)


class ConfirmationsView(ApiView):
    """Addresses that are shown to be one's own."""

    authentication_classes = []
    throttle_classes = [SecondStepThrottle]

    @operation(
        "Confirm an e-mail address", body=ConfirmationIn, errors=[LinkOver, WrongCredentials, EmailTaken], public=True
    )
    def post(self, request: Request) -> Response:
        """Confirms an address by the link of a mail, that of a sign-up or a new one. The link works once."""
        confirm_email(**self.read_body())
        return self.answer()


class ResetRequestsView(ApiView):
    """Passwords that are forgotten."""

    authentication_classes = []
    throttle_classes = [SignInThrottle]

    @operation("Ask for a password reset", body=ResetRequestIn, answer=MailSentOut, status=202, public=True)
    def post(self, request: Request) -> Response:
        """Sends a mail to choose another password with. The answer is the same for an address that nobody has here."""
        email = self.read_body()["email"]
        ask_for_reset(email=email)
        return self.answer(MailSentOut({"email": email}), status=202)


class ResetsView(ApiView):
    """Passwords that are chosen anew."""

    authentication_classes = []
    throttle_classes = [SecondStepThrottle]

    @operation("Reset a password", body=ResetIn, errors=[LinkOver], public=True)
    def post(self, request: Request) -> Response:
        """Takes another password by the link of a mail, which works once. Sessions and API keys end; factors stay."""
        reset_password(**self.read_body())
        return self.answer()


class PasswordView(ApiView):
    """One's own password."""

    @operation("Change one's password", body=PasswordIn, answer=SessionOut, errors=[SessionOver])
    def put(self, request: Request) -> Response:
        """Takes another password. All one's sessions end; the answer has the token of the one that begins."""
        session, token = change_password(session=session_of(request), **self.read_body())
        return self.answer(SessionOut(shown_session(session, token)))


class EmailView(ApiView):
    """One's own address."""

    @operation("Change one's e-mail address", body=ResetRequestIn, answer=MailSentOut, status=202)
    def post(self, request: Request) -> Response:
        """Sends a mail to the new address. It counts once it is confirmed; then the old one is told."""
        return self.answer(MailSentOut({"email": ask_to_change_email(user=self.user, **self.read_body())}), status=202)


class OwnConfirmationView(ApiView):
    """The mail to confirm one's address with."""

    @operation("Ask for another confirmation", answer=MailSentOut, status=202, errors=[AlreadyConfirmed])
    def post(self, request: Request) -> Response:
        """Sends another mail to confirm one's address with. Links from before are void."""
        ask_for_confirmation(user=self.user)
        return self.answer(MailSentOut({"email": self.user.email}), status=202)


class MeView(ApiView):
    """Oneself."""

    @operation("Show who is signed in", answer=MeOut)
    def get(self, request: Request) -> Response:
        """Whose token was sent, what roles they have at this moment, and how long the token is good for."""
        way_in = cast(Session | ApiKey, request.auth)
        shown = {
            **{name: getattr(self.user, name) for name in ("id", "email", "display_name")},
            "email_is_confirmed": self.user.email_verified_at is not None,
            "roles": self.principal.roles(),
            "signed_in_by": "session" if isinstance(way_in, Session) else "api_key",
            "signed_in_until": way_in.expires_at,
            "second_factor_at": way_in.second_factor_at if isinstance(way_in, Session) else None,
            "fresh_until": way_in.fresh_until if isinstance(way_in, Session) else None,
        }
        return self.answer(MeOut(shown))

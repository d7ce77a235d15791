"""API keys: how programs come in, on behalf of the person who made the key."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.sessions import session_of
from kernel.api.views import ApiView
from kernel.errors import NotAllowed, NotFound
from kernel.models import ApiKey, Session
from kernel.principal import Principal
from kernel.scopes import SCOPES, is_for_admins
from kernel.services.access import (
    LONGEST_OVERLAP,
    KeyOver,
    SessionOver,
    TooManyApiKeys,
    create_api_key,
    revoke_api_key,
    rotate_api_key,
)
from kernel.ways_in import SecondFactorRequired


class ApiKeyIn(In):
    """The API key that is wanted."""

    EXAMPLE = {"name": "nightly import", "scopes": ["jobs.read", "jobs.write"], "expires_at": "2026-12-31T00:00:00Z"}
    name = fields.LineField(max_length=100, help_text="What it is for.")
    scopes = fields.ListField(
        child=fields.ChoiceField(choices=list(SCOPES)),
        min_length=1,
        max_length=len(SCOPES),
        help_text="What it may do: " + "; ".join(f"`{name}`: {does}" for name, does in SCOPES.items()) + ".",
    )
    expires_at = fields.DateTimeField(help_text="When it ends: within a year from now.")


class RotationIn(In):
    """How an API key is rotated."""

    EXAMPLE = {"overlap_seconds": 86400, "expires_at": "2026-12-31T00:00:00Z"}
    overlap_seconds = fields.IntegerField(
        min_value=0, max_value=round(LONGEST_OVERLAP.total_seconds()), help_text="How long the old version still works."
    )
    expires_at = fields.DateTimeField(help_text="When the new version ends: within a year from now.")


class ApiKeyOut(Out):
    """An API key, without its secret."""

    EXAMPLE = {
        "id": "5d0f7e0a-4f39-4a63-8f0f-0c1d2a3b4c5d",
        "name": "nightly import",
        "prefix": "ak_7Hq2ZxPd",
        "scopes": ["jobs.read", "jobs.write"],
        "created_at": "2026-05-17T12:00:00Z",
        "expires_at": "2026-12-31T00:00:00Z",
        "last_used_at": None,
        "revoked_at": None,
        "replaces_id": None,
    }
    id = fields.UUIDField()
    name = fields.LineField()
    prefix = fields.LineField(help_text="How the token begins, to tell keys apart.")
    scopes = fields.ListField(child=fields.ChoiceField(choices=list(SCOPES)), help_text="What it may do.")
    created_at = fields.DateTimeField()
    expires_at = fields.DateTimeField()
    last_used_at = fields.DateTimeField(allow_null=True, help_text="Noted at most once a minute.")
    revoked_at = fields.DateTimeField(allow_null=True)
    replaces_id = fields.UUIDField(allow_null=True, help_text="The version that this one was rotated from.")


class NewApiKeyOut(ApiKeyOut):
    """A new API key with its token, which is shown only here and never again."""

    EXAMPLE = {**ApiKeyOut.EXAMPLE, "token": "ak_7Hq2ZxPd_f0T8mB4kWq1ZrY6uNs3VxC5pLd9HgAe2nR4tQx"}
    token = fields.LineField(
        allow_null=True, help_text="Send it as `Authorization: Bearer <token>`. Null when the answer is a repeated one."
    )


class ApiKeysView(ApiView):
    """One's own API keys."""

    @operation("List API keys", answer=ApiKeyOut, paged=True)
    def get(self, request: Request) -> Response:
        """One's own API keys, the newest first, with those that have ended."""
        return self.page(ApiKey.objects.filter(user=self.user), ApiKeyOut, order_by=("-created_at", "-id"))

    @operation(
        "Create an API key",
        body=ApiKeyIn,
        answer=NewApiKeyOut,
        status=201,
        creates=True,
        not_kept=["token"],
        errors=[TooManyApiKeys, SessionOver],
    )
    def post(self, request: Request) -> Response:
        """Makes a key that acts for oneself until it ends or is revoked. Only its hash is stored."""
        asked = self.read_body()
        _refuse_admin_scopes(asked["scopes"], self.principal)
        key, token = create_api_key(user=self.user, by=self.actor, session=session_of(request), **asked)
        key.token = token  # type: ignore[attr-defined]  # shown beside the row's own fields, and never stored
        return self.answer(NewApiKeyOut(key), status=201)


class ApiKeyView(ApiView):
    """One of one's own API keys."""

    @operation("Revoke an API key", errors=[NotFound])
    def delete(self, request: Request, api_key_id: UUID) -> Response:
        """Ends the key at once. Ending it twice is no error."""
        revoke_api_key(api_key_id=api_key_id, user=self.user, by=self.actor)
        return self.answer()


class RotationView(ApiView):
    """One of one's own API keys, in a new version."""

    @operation(
        "Rotate an API key",
        body=RotationIn,
        answer=NewApiKeyOut,
        status=201,
        creates=True,
        not_kept=["token"],
        errors=[NotFound, KeyOver, SessionOver],
    )
    def post(self, request: Request, api_key_id: UUID) -> Response:
        """Makes a new version of the key, with its name and scopes. The old one works beside it for as long as asked.

        At most two versions work at a time: one from before ends at once.
        """
        sent = self.read_body()
        for old in ApiKey.objects.filter(pk=api_key_id, user=self.user):
            _refuse_admin_scopes(old.scopes, self.principal)
        overlap = timedelta(seconds=sent.pop("overlap_seconds"))
        key, token = rotate_api_key(
            api_key_id=api_key_id,
            user=self.user,
            overlap=overlap,
            by=self.actor,
            session=session_of(request),
            **sent,
        )
        key.token = token  # type: ignore[attr-defined]  # shown beside the row's own fields, and never stored
        return self.answer(NewApiKeyOut(key), status=201)


def _refuse_admin_scopes(scopes: Sequence[str], principal: Principal) -> None:
    # A key shows no second factor when it is used, so it is asked for where the key is made.
    if not any(map(is_for_admins, scopes)):
        return
    if not principal.admin_roles:
        raise NotAllowed("Keys with the scopes admin.read and admin.write are for those who hold an admin role.")
    way_in = principal.way_in
    if not isinstance(way_in, Session) or way_in.second_factor_at is None:
        raise SecondFactorRequired

"""Who sends a request: `Authorization: Bearer` with a session's token or an API key."""

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from kernel.api.throttles import address_of, count_or_refuse
from kernel.models import ApiKey, Session, User
from kernel.services.access import authenticate_token

LONGEST_TOKEN: Final = 200


class BearerAuthentication(BaseAuthentication):
    """Takes session tokens (`as_…`) and API keys (`ak_…`); one query either way."""

    def authenticate(self, request: Request) -> tuple[User, Session | ApiKey] | None:
        header: str = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Sign in with `Authorization: Bearer <token>`; no other scheme is taken.")
        found = authenticate_token(token.strip()) if len(token) <= LONGEST_TOKEN else None
        if found is None:
            count_or_refuse("stranger", address_of(request))  # so that nobody tries tokens faster than anything else
            raise AuthenticationFailed("This token is unknown, has run out, or was revoked. Sign in again.")
        return found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # a registry made of subclasses
    """Tells the schema about BearerAuthentication."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": (
                "A session's token (`as_…`, from `POST /api/v1/session/`; ends after 15 idle minutes, or 8 hours) for "
                "people, an API key (`ak_…`, from `POST /api/v1/api-keys/`) for programs."
            ),
        }

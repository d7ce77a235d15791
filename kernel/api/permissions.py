"""The one permission of the API: what the policy table says. Views declare none of their own."""

from typing import TYPE_CHECKING, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kernel import policy
from kernel.models import ApiKey, Session, User
from kernel.permit import admit
from kernel.principal import Principal

if TYPE_CHECKING:  # DRF loads its default classes, and so this module, while its views load
    from rest_framework.views import APIView


class ByPolicy(BasePermission):
    """Whoever the table has a row for. The view finds what it lets them do as ``permit``."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        user = request.user if isinstance(request.user, User) else None
        principal = Principal(user, cast(Session | ApiKey | None, request.auth))
        action = action_of(request, view)
        if user is None and not any(rule.role == "anyone" for rule in policy.table().of(action)):
            return False  # the framework answers that one has to sign in
        view.permit = admit(principal, action)  # type: ignore[attr-defined]  # what ApiView has it for
        return True


def action_of(request: Request, view: "APIView") -> str:
    """What the table calls what is asked for: an operation by its id, any other view by the name of its address."""
    method = getattr(view, (request.method or "").lower(), None)
    named = request.resolver_match.view_name if request.resolver_match else ""
    return getattr(method, "action", f"page.{named}")

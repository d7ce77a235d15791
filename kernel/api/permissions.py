"""Who may use a view at all. What they may see in it is the queryset's business: outside one's tenant all is 404."""

from functools import cache
from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kernel.api.roles import has_role
from kernel.models import Session, User

if TYPE_CHECKING:  # DRF loads its default classes, and so this module, while its views load
    from rest_framework.views import APIView


class Anyone(BasePermission):
    """Everybody, signed in or not."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return True


class IsSignedIn(BasePermission):
    """Whoever is signed in, in person or through an API key."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.user, User)


class IsInPerson(IsSignedIn):
    """Whoever is signed in in person: an API key is not enough."""

    message = "This needs a person: sign in and use the session's token instead of an API key."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return super().has_permission(request, view) and isinstance(request.auth, Session)


class IsAdmin(IsSignedIn):
    """The platform's own staff."""

    message = "Only an admin of the platform may do this."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return super().has_permission(request, view) and bool(request.user.is_staff)


@cache
def role(name: str) -> type[IsSignedIn]:
    """The permission of those who have the role ``name``, as registered with `kernel.api.roles`."""

    class HasRole(IsSignedIn):
        message = f"Only a {name} may do this."

        def has_permission(self, request: Request, view: "APIView") -> bool:
            return isinstance(request.user, User) and has_role(request.user, name)

    HasRole.__name__ = HasRole.__qualname__ = f"Is{name.title()}"
    return HasRole

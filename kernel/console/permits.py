"""What the policy table lets whoever is signed in to the console do."""

from django.http import HttpRequest

from kernel.console.middleware import session_of
from kernel.errors import NotAllowed
from kernel.permit import Permit, admit
from kernel.principal import Principal


def console_permit(request: HttpRequest, action: str) -> Permit | None:
    """What they may do by an action, or None when the table does not let them."""
    try:
        return admit(principal_of(request), action)
    except NotAllowed:
        return None


def principal_of(request: HttpRequest) -> Principal:
    """Whoever is signed in: one for each request, so that what costs a query is looked up once."""
    known: Principal | None = getattr(request, "principal", None)
    if known is None:
        session = session_of(request)
        known = Principal(session.user, session) if session is not None else Principal(None)
        request.principal = known  # type: ignore[attr-defined]  # kept beside what middleware keeps there
    return known

"""What stands in the way of somebody who has the role: the way they came in is not enough for this."""

from typing import ClassVar

from kernel.errors import NotAllowed
from kernel.models import ApiKey, Session
from kernel.policy import ANY_KEY, Kind, Rule


class SecondFactorRequired(NotAllowed):
    """Admin roles count only in a session that has passed a second factor."""

    code: ClassVar[str] = "second_factor_required"

    def __init__(self) -> None:
        super().__init__(
            "Your admin roles count only in a session that has passed a second factor. Add an authenticator app or a "
            "security key at /account/second-factors/ or /api/v1/second-factors/, and use it when you sign in."
        )


class FreshFactorRequired(NotAllowed):
    """This asks for a factor that was shown within the last ten minutes."""

    code: ClassVar[str] = "fresh_factor_required"

    def __init__(self) -> None:
        super().__init__(
            "This asks for a proof, not older than ten minutes, that it is you. Give one at /api/v1/session/step-up/, "
            "and send this again."
        )


class ScopeMissing(NotAllowed):
    """The API key was not made for this."""

    code: ClassVar[str] = "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This API key lacks the scope {scope}. Use one that was made with it.")


class InPersonOnly(NotAllowed):
    """An API key is not enough for this."""

    def __init__(self) -> None:
        super().__init__("This needs a person: sign in and use the session's token instead of an API key.")


class EmailNotConfirmed(NotAllowed):
    """Until the e-mail address is confirmed, one may do little more than confirm it."""

    code: ClassVar[str] = "email_not_confirmed"

    def __init__(self) -> None:
        super().__init__(
            "Confirm your e-mail address first, by the link that was sent to it. POST /api/v1/me/email-confirmation/ "
            "has another one sent."
        )


MOST_HELPFUL_FIRST = (FreshFactorRequired, ScopeMissing, InPersonOnly, EmailNotConfirmed)


def why_not_by(way_in: Session | ApiKey | None, rule: Rule, kind: Kind) -> NotAllowed | None:
    """Why a rule does not apply to who came in this way, or None. Raises SecondFactorRequired."""
    if kind is Kind.ANYONE:
        return None
    if isinstance(way_in, ApiKey):
        if rule.scope is None:
            return InPersonOnly()
        return None if rule.scope == ANY_KEY or rule.scope in way_in.scopes else ScopeMissing(rule.scope)
    if kind is Kind.ADMIN and (way_in is None or way_in.second_factor_at is None):
        raise SecondFactorRequired  # whatever else they might be let do here as somebody else
    if rule.fresh and (way_in is None or not way_in.is_fresh):
        return FreshFactorRequired()
    return None

"""What Stripe says when it refuses a request."""

from typing import Any

Json = dict[str, Any]


class Refusal(Exception):
    """A request that is refused with Stripe's status and error body.

    Nothing of the request stays, unless ``keeps_effect``: a declined card leaves its payment intent and its event.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        details: Json | None = None,
        keeps_effect: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.keeps_effect = keeps_effect
        named = {"code": code, "message": message, "param": param, "type": kind, **(details or {})}
        self.body: Json = {"error": {name: value for name, value in named.items() if value is not None}}


def missing(noun: str, stripe_id: str, *, param: str = "id") -> Refusal:
    """No such object: 404 when the address names it, 400 when a parameter does."""
    status = 404 if param == "id" else 400
    return Refusal(f"No such {noun}: '{stripe_id}'", status=status, code="resource_missing", param=param)

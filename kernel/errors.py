"""How the product says no: a code for programs and a sentence for people."""

from collections.abc import Mapping
from typing import ClassVar


class Refused(Exception):
    """A rule said no; nothing was changed. The API answers ``status`` with ``code`` and ``message``.

    ``details`` holds what a program may need to go on (plain JSON values only, nothing personal). A refusal that
    ``keeps_facts`` has left something behind on purpose (a late answer kept as evidence): what its service committed
    before it raised stays, also when the request carries an idempotency key. One by which somebody may have reached for
    more than is theirs names the ``attempt`` that the audit trail tells of.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    keeps_facts: ClassVar[bool] = False
    attempt: str = ""

    def __init__(self, message: str, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})


class Invalid(Exception):
    """What was sent cannot be meant; nothing was changed. The API answers 400 with ``code`` and ``message``.

    ``errors`` lists what is wrong where, for example ``{"row": 17, "column": "image", "message": "…"}``.
    """

    code: ClassVar[str] = "invalid"

    def __init__(self, message: str, errors: list[dict[str, object]] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.errors = errors or []


class NotFound(Exception):
    """There is no such object, or it belongs to somebody else: to the asker both are the same. The API answers 404."""

    code: ClassVar[str] = "not_found"

    def __init__(self, noun: str) -> None:
        super().__init__(f"There is no such {noun}.")
        self.message = f"There is no such {noun}."


class NotAllowed(Exception):
    """The asker sees the object, but may not do this with it; nothing was changed. The API answers 403."""

    code: ClassVar[str] = "not_allowed"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

"""Who may decide about whom."""

from typing import ClassVar
from uuid import UUID

from kernel.errors import Refused
from kernel.services.audit import Actor


class OwnCase(Refused):
    """Nobody decides about themselves."""

    code: ClassVar[str] = "own_case"


class PersonDecides(Refused):
    """A rule asked for what only a person may decide."""

    code: ClassVar[str] = "person_decides"


def refuse_own_case(*, by: Actor, user_id: UUID) -> None:
    """Raise OwnCase when ``by`` is the person whom the decision is about."""
    if by == Actor("user", str(user_id)):
        raise OwnCase("This is about yourself; another admin has to decide it.")


def refuse_rules(*, by: Actor, what: str) -> None:
    """Raise PersonDecides unless ``by`` is a person; ``what`` says what they alone may do, as in "suspend a worker"."""
    if by.kind != "user":
        raise PersonDecides(f"Only a person may {what}; {by} is a rule. It may open an escalation instead.")

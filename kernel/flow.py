"""States as data, and the one door that moves them."""

from collections.abc import Iterable, Mapping

from django.db import models

from kernel.errors import Refused
from kernel.rows import update
from kernel.services.audit import Actor, telling
from kernel.states import Flow

__all__ = ["Flow", "WrongState", "move"]


class WrongState(Refused):
    """The row is in a state from which the asked one cannot be reached."""

    code = "wrong_state"


def move(
    row: models.Model,
    to: str,
    *,
    by: Actor,
    why: str,
    fields: Iterable[str] = (),
    details: Mapping[str, object] | None = None,
) -> None:
    """Move ``row`` to state ``to``, save it and leave an audit event, all in the caller's transaction.

    The caller holds the row's lock and has set the other ``fields`` that change with the state (``decided_at``…);
    only those and ``state`` are saved. Raises WrongState, changing nothing, when the row's ``FLOW`` does not allow it.
    """
    flow: Flow = row.FLOW  # type: ignore[attr-defined]  # each stateful model declares FLOW beside its State
    before: str = row.state  # type: ignore[attr-defined]
    if not flow.allows(before, to):
        raise WrongState(_refusal(row, before, to, flow))
    row.state = str(to)  # type: ignore[attr-defined]
    told = telling(
        action=f"{row._meta.model_name}.{to}",
        subject=row,
        by=by,
        why=why,
        from_state=before,
        to_state=to,
        details=details,
    )
    update(row, ["state", *fields], beside=told)


def _refusal(row: models.Model, before: str, to: str, flow: Flow) -> str:
    noun = str(row._meta.verbose_name).capitalize()
    following = flow.next_states(before)
    possible = f"it may become: {', '.join(following)}" if following else "it cannot change any more"
    return f"{noun} {row.pk} is {before} and cannot become {to}. From {before} {possible}."

"""Which task of a job a row is about: named by the client's own id or by ours."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from marketplace.models import Job, Task
from marketplace.services.import_streams import Record, RowFault
from qualification.labels.errors import quoted

NAMES: Final = ("task", "external_id")


class TaskNames:
    """The tasks of one job by their names."""

    def __init__(self, job: Job) -> None:
        self._tasks = Task.objects.filter(job=job)

    def find(self, rows: Sequence[Record]) -> list[UUID | RowFault]:
        """For each row, in order, the task that it names, or why it names none."""
        asked = [_name(row) for row in rows]
        external = [name for name in asked if isinstance(name, str)]
        own = [name for name in asked if isinstance(name, UUID)]
        known: dict[str | UUID, UUID] = {}
        if external:
            known |= dict(self._tasks.filter(external_id__in=external).values_list("external_id", "pk"))
        if own:
            known |= {pk: pk for pk in self._tasks.filter(pk__in=own).values_list("pk", flat=True)}
        return [
            name if isinstance(name, RowFault) else known.get(name, _unknown(row.row, name))
            for row, name in zip(rows, asked, strict=True)
        ]

    def items(self, ids: Sequence[UUID]) -> dict[UUID, dict[str, object]]:
        """What each of these tasks shows."""
        return dict(self._tasks.filter(pk__in=ids).values_list("pk", "item"))


def _name(row: Record) -> str | UUID | RowFault:
    given = {name: row.values[name] for name in NAMES if row.values.get(name) is not None}
    if len(given) != 1:
        return RowFault(row.row, "task", "A row names its task once: by external_id, or by its own id as task.")
    ((column, value),) = given.items()
    if not isinstance(value, str) or not value or "\x00" in value:
        return RowFault(row.row, column, "A task's name is a text, in quotes.")
    if column == "external_id":
        return value
    try:
        return UUID(value)
    except ValueError:
        return RowFault(row.row, column, f"{quoted(value)} is no id of a task.")


def _unknown(row: int, name: str | UUID) -> RowFault:
    column = "external_id" if isinstance(name, str) else "task"
    return RowFault(row, column, f"The job has no task {quoted(str(name))}.")

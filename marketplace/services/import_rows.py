"""What a row must hold to become a task of a job: checked against the job's label schema, cell by cell."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from kernel.strict_json import NotStrictJson, loads
from marketplace.models import Band
from marketplace.services import import_cells as cells
from marketplace.services.import_streams import RESERVED, Record, RowFault
from marketplace.services.prediction_rows import GivenPrediction, PredictionForm
from qualification.items import STRUCTURED, flaw_of_shown
from qualification.labels.errors import ResultError, listed, quoted
from qualification.labels.results import Answer, to_result, validate_result
from qualification.labels.schema import LabelSchema

DEFAULT_PRIORITY: Final = 5
KNOWN: Final = ("item", *RESERVED, "predictions")


@dataclass(frozen=True, slots=True)
class Gold:
    """The right answer of a gold question in Label Studio's result form, and why it is right."""

    result: list[dict[str, object]]
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can become a task. Its item has the fields of the schema, in the schema's order, and no others."""

    number: int
    external_id: str
    item: dict[str, object]
    priority: int
    gold: Gold | None
    band: Band = Band.STANDARD
    predictions: tuple[GivenPrediction, ...] = ()


class RowForm:
    """The form that rows of one job have: made once from its label schema, then asked for every row."""

    def __init__(self, schema: LabelSchema) -> None:
        self._schema = schema
        self._flaw_of_field: dict[str, Callable[[object], str]] = {
            field: partial(flaw_of_shown, kind) for field, kind in schema.fields_needed.items()
        }
        self._structured = [field for field, kind in schema.fields_needed.items() if kind in STRUCTURED]
        self._single_choice = schema.single_choice
        self._predictions = PredictionForm(schema)

    def read(self, record: Record) -> Row | list[RowFault]:
        """The row that ``record`` stands for, or everything that is wrong with it."""
        # Null means not given: programs write it for the optional values of a table.
        given = {name: value for name, value in record.values.items() if value is not None}
        item, external_id = self._with_structures(given.get("item")), given.get("external_id", "")
        priority, gold = given.get("priority", DEFAULT_PRIORITY), None
        band = given.get("band", Band.STANDARD.value)
        flaws = list(self._flaws_of_names(given))
        flaws += self._flaws_of_item(item)
        if "external_id" in given:
            flaws.append(("external_id", cells.flaw_of_external_id(external_id)))
        if "priority" in given:
            flaws.append(("priority", cells.flaw_of_priority(priority)))
        flaws.append(("band", cells.flaw_of_band(band)))
        # Against an item with faults of its own no answer can be checked; the faults are told.
        against = item if isinstance(item, dict) and not any(message for _, message in flaws) else None
        if "gold_answer" in given or "gold_reason" in given:
            gold, flaw = self._gold(given.get("gold_answer"), given.get("gold_reason"), against)
            flaws.append(flaw)
        predictions = self._predictions.read_all(given["predictions"], against) if "predictions" in given else []
        flaws += [flaw for flaw in predictions if isinstance(flaw, tuple)]
        faults = [RowFault(record.row, column, message) for column, message in flaws if message]
        if faults:
            return faults
        assert isinstance(item, dict) and isinstance(external_id, str) and isinstance(priority, int)
        shown = {field: item[field] for field in self._flaw_of_field}
        if gold is not None:
            priority = DEFAULT_PRIORITY  # chance says when gold comes
        return Row(
            number=record.row,
            external_id=external_id,
            item=shown,
            priority=priority,
            gold=gold,
            band=Band(str(band)),
            predictions=tuple(one for one in predictions if isinstance(one, GivenPrediction)),
        )

    def _flaws_of_names(self, given: dict[str, object]) -> Iterator[tuple[str, str]]:
        for name in given:
            if name not in KNOWN:
                yield name, f"There is no {quoted(name)} in a task. It has: {listed(KNOWN)}."

    def _flaws_of_item(self, item: object) -> Iterator[tuple[str, str]]:
        if not isinstance(item, dict):
            yield "item", 'A task has an item with the fields that the schema shows: "item": {…}.'
            return
        for field, flaw_of in self._flaw_of_field.items():
            yield field, flaw_of(item[field]) if field in item else f"The field {quoted(field)} is missing."
        for field in item:
            if field not in self._flaw_of_field:
                shown = listed(list(self._flaw_of_field))
                yield field, f"The schema does not show {quoted(field)}, so it is not taken. It shows: {shown}."

    def _with_structures(self, item: object) -> object:
        """The item, where the text of an array or object (a cell of a CSV) is read as what it says."""
        if not isinstance(item, dict) or not self._structured:
            return item
        read = dict(item)
        for field in self._structured:
            if isinstance(read.get(field), str):
                try:
                    read[field] = loads(read[field])
                except NotStrictJson:
                    continue  # told as a fault of the field
        return read

    def _gold(
        self, answer: object, reason: object, item: Mapping[str, object] | None
    ) -> tuple[Gold | None, tuple[str, str]]:
        if answer is None:
            return None, ("gold_answer", "There is a gold_reason but no gold_answer.")
        try:
            result = self._result(answer, item)
        except (ResultError, NotStrictJson) as error:
            return None, ("gold_answer", str(error))
        flaw = cells.flaw_of_reason(reason)
        return Gold(result, str(reason)), ("gold_reason", flaw)

    def _result(self, answer: object, item: Mapping[str, object] | None) -> list[dict[str, object]]:
        if not isinstance(answer, str):
            return to_result(self._schema, validate_result(self._schema, answer, item))
        control = self._single_choice
        if control is not None and not (answer.startswith("[") and answer not in control.known_labels):
            if answer not in control.known_labels:
                message = f"{quoted(answer)} is no choice of {quoted(control.name)}. Choices: {listed(control.labels)}."
                raise ResultError(message, path="gold_answer")
            return to_result(self._schema, Answer.of({control.name: [answer]}))
        if not answer.lstrip().startswith("["):
            message = "must be Label Studio's result JSON, a list; plain labels are for one single choice."
            raise ResultError(message, path="gold_answer")
        return to_result(self._schema, validate_result(self._schema, loads(answer), item))

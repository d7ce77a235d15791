"""What a prediction must say to be taken: which model at which version, how sure it is, and a result."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from marketplace.services import import_cells as cells
from qualification.labels.errors import ResultError, listed, quoted
from qualification.labels.results import to_result, validate_result
from qualification.labels.schema import LabelSchema

NAMES: Final = ("model", "model_version", "score", "result")
MOST_OF_ONE_TASK: Final = 20

Flaws = Iterator[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class GivenPrediction:
    """A prediction as a client gives it; ``result`` is in canonical form, and ``answer_key`` stands for it."""

    name: str
    version: str
    score: float
    result: list[dict[str, object]]
    answer_key: str


class PredictionForm:
    """The form that predictions of one job have: made once from its label schema, then asked for every one."""

    def __init__(self, schema: LabelSchema) -> None:
        self._schema = schema

    @property
    def needs_items(self) -> bool:
        """Whether a result can be checked only against the item that it is of: regions have places in it."""
        return not self._schema.asks_only_choices

    def read(
        self, values: Mapping[str, object], item: Mapping[str, object] | None = None
    ) -> GivenPrediction | list[tuple[str, str]]:
        """The prediction of ``item`` that ``values`` stand for, or everything that is wrong with it, by name."""
        given = {name: value for name, value in values.items() if value is not None}
        flaws = [(name, message) for name, message in self._flaws(given) if message]
        if flaws:
            return flaws
        try:
            answer = validate_result(self._schema, given["result"], item)
        except ResultError as error:
            return [("result", str(error))]
        return GivenPrediction(
            name=str(given.get("model", "")),
            version=str(given["model_version"]),
            score=float(given["score"]),  # type: ignore[arg-type]  # a number, as was just seen
            result=to_result(self._schema, answer),
            answer_key=answer.key,
        )

    def read_all(
        self, value: object, item: Mapping[str, object] | None
    ) -> list[GivenPrediction] | list[tuple[str, str]]:
        """What stands in a task's ``predictions``, Label Studio's form; or what is wrong with it."""
        if not isinstance(value, list) or not 0 < len(value) <= MOST_OF_ONE_TASK:
            return [("predictions", f"The predictions of a task are a list of 1 to {MOST_OF_ONE_TASK}.")]
        read: list[GivenPrediction] = []
        flaws: list[tuple[str, str]] = []
        for place, values in enumerate(value):
            one = self.read(values, item) if isinstance(values, dict) else [("", "A prediction is an object.")]
            if isinstance(one, GivenPrediction):
                read.append(one)
            else:
                flaws += [(f"predictions[{place}]{name and '.'}{name}", message) for name, message in one]
        models = [(one.name, one.version) for one in read]
        flaws += [
            ("predictions", f"{quoted(f'{name} {version}'.strip())} predicts this task twice.")
            for name, version in sorted(set(models))
            if models.count((name, version)) > 1
        ]
        return flaws or read

    def _flaws(self, given: Mapping[str, object]) -> Flaws:
        for name in given:
            if name not in NAMES:
                yield name, f"There is no {quoted(name)} in a prediction. It has: {listed(NAMES)}."
        if "model" in given:
            yield "model", cells.flaw_of_model(given["model"])
        yield "model_version", cells.flaw_of_model(given.get("model_version"))
        yield "score", cells.flaw_of_score(given.get("score"))
        if "result" not in given:
            yield "result", "A prediction has a result, in Label Studio's form."

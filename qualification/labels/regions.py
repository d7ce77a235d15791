"""Results with anything but choices about whole objects: read into texts by control, and written again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from qualification.labels.errors import ResultError, quoted
from qualification.labels.heads import RELATION_TYPE, SIZES, control_of, sizes_in, type_of
from qualification.labels.kinds.base import kind_word
from qualification.labels.lent import LentLabels
from qualification.labels.limits import KEPT, MOST_REGIONS, PIXELS, RUNS, WRITTEN, Tally
from qualification.labels.parts import AnyControl, Control
from qualification.labels.relations import End, read_relation, relation_of, write_relation
from qualification.labels.schema import LabelSchema
from qualification.labels.units import Question, Unit, asks_for_regions, question_of

BITMASKS: Final = ("BitmaskLabels", "Bitmask")
MASKS: Final = (*BITMASKS, "BrushLabels", "Brush", "MagicWand")

Item = Mapping[str, object]


@dataclass
class _Marked:
    """A region on its way in: its question and unit, the value as it was given, and where."""

    question: Question
    unit: Unit
    given: dict[str, Any]
    path: str
    said: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def end(self) -> End:
        """What it is kept as, once all is known that was said of it."""
        whole = replace(self.unit, attributes=tuple(sorted(self.said.items())))
        return self.question.control.name, self.question.text_of(whole)


class _Reading:
    """One result that is being read."""

    def __init__(self, schema: LabelSchema, item: Item | None) -> None:
        self._schema, self._item = schema, item
        self._marked: list[_Marked] = []
        self._by_id: dict[str, _Marked] = {}
        self._lent = LentLabels()
        self._tally = Tally()
        self._texts: dict[str, list[str]] = {}

    def read(self, result: list[Any]) -> dict[str, list[str]]:
        places = [(region, f"result[{place}]") for place, region in enumerate(result)]
        relations = [(region, path) for region, path in places if _is_relation(region)]
        heads = [
            (control_of(self._schema, region, path), region, path)
            for region, path in places
            if not _is_relation(region)
        ]
        for control, region, path in heads:
            if control.name in self._schema.lenders:
                self._lent.add(self._schema.lenders[control.name], region, path)
        for control, region, path in heads:
            if control.name in self._schema.lenders:
                continue
            if asks_for_regions(control):
                self._mark(control, region, path)
            elif not control.per_region:
                self._answer(control, region, path)
        self._lent.finish()
        for control, region, path in heads:
            if control.per_region:
                self._say(control, region, path)
        self._keep_marked()
        self._relate(relations)
        return self._texts

    def _question(self, control: AnyControl) -> Question:
        return question_of(self._schema, control, self._item)

    def _mark(self, control: AnyControl, region: dict[str, Any], path: str) -> None:
        question = self._question(control)
        sizes = sizes_in(region, path)
        if control.tag in BITMASKS:
            self._tally.add(PIXELS, region.get("original_width", 0) * region.get("original_height", 0))
        beside = {**sizes, **self._lent.given_to(question, region, path)}
        unit = question.read(region["value"], f"{path}.value", beside=beside)
        self._tally.add_lists(region["value"])
        if control.tag in MASKS:
            self._tally.add(RUNS, len(unit.shape.runs))
        marked = _Marked(question, unit, region["value"], path)
        self._marked.append(marked)
        region_id = region.get("id")
        if region_id is not None:
            if region_id in self._by_id:
                raise ResultError("this id is taken by another region.", path=f"{path}.id")
            self._by_id[region_id] = marked

    def _answer(self, control: AnyControl, region: dict[str, Any], path: str) -> None:
        if control.name in self._texts:
            raise ResultError(f"control {quoted(control.name)} is answered twice.", path=path)
        for text in self._read(control, region["value"], f"{path}.value"):
            self._keep(control.name, text)

    def _read(
        self, control: AnyControl, value: Any, path: str, *, beside: Mapping[str, object] | None = None
    ) -> list[str]:
        """The texts of a value that marks nothing."""
        question = self._question(control)
        unit = question.read(value, path, beside=beside)
        if control.tag == "TextArea":
            self._tally.add(WRITTEN, sum(map(len, unit.shape)))
        return question.texts_of([unit])

    def _keep(self, name: str, text: str) -> None:
        self._tally.add(KEPT, len(text))
        self._texts.setdefault(name, []).append(text)

    def _say(self, control: AnyControl, region: dict[str, Any], path: str) -> None:
        marked = self._by_id.get(region.get("id", ""))
        if marked is None or marked.question.control.to_name != control.to_name:
            message = f"control {quoted(control.name)} is asked of regions; its id is that of none about the same."
            raise ResultError(message, path=path)
        if control.name in marked.said:
            raise ResultError(f"control {quoted(control.name)} is answered twice for one region.", path=path)
        # The editor repeats where the region is; what was said of it stands beside, and may be called the same (text).
        given = region["value"]
        keys = (*marked.given, *SIZES)
        repeated = {key: given[key] for key in keys if key in given} if isinstance(given, dict) else {}
        marked.said[control.name] = tuple(self._read(control, given, f"{path}.value", beside=repeated))

    def _keep_marked(self) -> None:
        for marked in self._marked:
            for control in self._schema.of_regions:
                is_asked = control.required and control.to_name == marked.question.control.to_name
                if is_asked and control.name not in marked.said:
                    message = f"control {quoted(control.name)} is required of every region. {control.required_message}"
                    raise ResultError(message.rstrip(), path=marked.path)
            name, text = marked.end
            if text in self._texts.get(name, ()):
                raise ResultError("the same region is marked twice.", path=marked.path)
            self._keep(name, text)

    def _relate(self, relations: list[tuple[dict[str, Any], str]]) -> None:
        control = relations_of(self._schema)
        ends = {region_id: marked.end for region_id, marked in self._by_id.items()}
        for region, path in relations:
            if control is None:
                raise ResultError("the schema has no Relations.", path=path)
            text = read_relation(control, region, ends, path).text
            if text in self._texts.get(control.name, ()):
                raise ResultError("the same relation is given twice.", path=path)
            self._keep(control.name, text)


def read_regions(schema: LabelSchema, result: object, item: Item | None) -> dict[str, list[str]]:
    """The texts of each control that a result answers; with `item` it is checked against what the task shows."""
    if not isinstance(result, list):
        raise ResultError(f"an annotation is a list of regions, not {kind_word(result)}.", path="result")
    if len(result) > MOST_REGIONS:
        raise ResultError(f"has {len(result)} regions; at most {MOST_REGIONS:,} are possible.", path="result")
    return _Reading(schema, item).read(result)


def write_regions(schema: LabelSchema, texts_of: Mapping[str, Iterable[str]]) -> list[dict[str, object]]:
    """The result that stands for these texts, in the order of the schema. Regions are numbered: `r1`, `r2`, …"""
    result: list[dict[str, object]] = []
    ids: dict[End, str] = {}
    for control in schema.controls:
        texts = tuple(texts_of.get(control.name, ()))
        if control.per_region or not texts or _is_relations(control):
            continue
        question = question_of(schema, control)
        if asks_for_regions(control):
            for text in texts:
                ids[control.name, text] = region_id = f"r{len(ids) + 1}"
                result += _written(schema, question, question.unit_of(text), region_id)
        else:
            result.append(_region(control, question.write(question.units_of(texts)[0])))
    relations = relations_of(schema)
    for text in texts_of.get(relations.name, ()) if relations else ():
        result.append(write_relation(relation_of(text), ids, path="answer"))
    return result


def relations_of(schema: LabelSchema) -> Control | None:
    """The Relations of a schema, if it asks for some."""
    return next((control for control in schema.others if _is_relations(control)), None)


def _is_relations(control: AnyControl) -> bool:
    return control.tag == "Relations"


def _is_relation(region: object) -> bool:
    return isinstance(region, dict) and region.get("type") == RELATION_TYPE


def _written(schema: LabelSchema, question: Question, unit: Unit, region_id: str) -> list[dict[str, object]]:
    value = question.shown(unit)
    shape = {key: part for key, part in value.items() if key != question.labels_key}
    written = [{**_region(question.control, shape if question.lender else value), "id": region_id}]
    if question.lender:
        written.append({**_region(question.lender, value), "id": region_id})
    for name, texts in unit.attributes:
        control = schema.control(name)
        if control is None:
            raise ResultError(f"the schema has no control {quoted(name)}.", path="answer")
        asked = question_of(schema, control)
        said = asked.write(asked.units_of(texts)[0])
        written.append({**_region(control, {**shape, **said}), "id": region_id})
    return written


def _region(control: AnyControl, value: dict[str, object]) -> dict[str, object]:
    sizes: dict[str, object] = {key: value[key] for key in SIZES if key in value}
    own = {key: part for key, part in value.items() if key not in SIZES}
    return {"from_name": control.name, "to_name": control.to_name, "type": type_of(control), "value": own, **sizes}

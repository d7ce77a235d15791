"""Gold questions: added in one piece, each checked against its label schema; retired, never changed."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.services.audit import Actor, record
from kernel.services.media import use_pictures
from qualification.items import flaw_of_image, flaw_of_shown, media_of, pictures_of
from qualification.labels.errors import ResultError, SchemaError
from qualification.labels.results import to_result, validate_result
from qualification.labels.schema import LabelSchema as ParsedSchema
from qualification.models import GoldQuestion, LabelSchema, Skill
from qualification.queries import exam_bank_of

ERRORS_SHOWN: Final = 50
ROWS_AT_ONCE: Final = 1_000


class InvalidGold(Invalid):
    """Some rows cannot be gold questions, so none was added; ``errors`` says which and why, rows counted from 1."""

    code = "invalid_gold"


class UnfitGold(ValueError):
    """One row cannot be a gold question; the message says why."""


@dataclass(frozen=True, slots=True)
class GoldRow:
    """An item (its fields), the right answer in Label Studio's result form, and the reason why it is right."""

    item: Mapping[str, object]
    result: object
    reason: str = ""


@transaction.atomic
def add_gold_questions(
    *, skill: Skill, label_schema: LabelSchema, rows: Sequence[GoldRow], by: Actor, for_exam: bool = False
) -> list[GoldQuestion]:
    """Add ``rows`` to the gold of ``skill``, all or none, in their order. Raises InvalidGold with up to 50 errors.

    With ``for_exam`` they join the item bank of the skill's exam: each needs a reason and no item stands there twice.
    Without, they are the hidden gold of some job, and exams never draw them.
    """
    questions: list[GoldQuestion] = []
    errors: list[dict[str, object]] = []
    for number, row in enumerate(rows, start=1):
        try:
            questions.append(_question(skill, label_schema, row, for_exam=for_exam))
        except UnfitGold as error:
            errors.append({"row": number, "message": str(error)})
    if for_exam and not errors:
        errors = [*_unknown_media(skill, label_schema, questions), *_repeated_items(skill, questions)]
    if errors:
        raise InvalidGold(
            f"{len(errors)} of {len(rows)} rows cannot be gold questions. Nothing was added.", errors[:ERRORS_SHOWN]
        )
    GoldQuestion.objects.bulk_create(questions, batch_size=ROWS_AT_ONCE)
    record(action="gold.added", subject=skill, by=by, details={"questions": len(questions), "for_exam": for_exam})
    return questions


def lock_question(gold_question_id: UUID) -> GoldQuestion:
    """The gold question, locked: after the tasks that ask it, before what waits for a person. Raises NotFound."""
    question = GoldQuestion.objects.select_for_update(no_key=True).filter(pk=gold_question_id).first()
    if question is None:
        raise NotFound("gold question")
    return question


@transaction.atomic
def retire_gold_question(*, gold_question_id: UUID, why: str, by: Actor) -> GoldQuestion:
    """Take a gold question out of use; exams under way keep it. Retiring it again changes nothing."""
    question = lock_question(gold_question_id)
    if question.retired_at is None:
        question.retired_at = clock.now()
        question.save(update_fields=["retired_at"])
        record(action="gold.retired", subject=question, by=by, why=why)
    return question


def _question(skill: Skill, label_schema: LabelSchema, row: GoldRow, *, for_exam: bool) -> GoldQuestion:
    schema = label_schema.checked
    try:
        schema.check_fields(row.item)
        _check_shown(schema, row.item)
        answer = validate_result(schema, row.result, row.item)
    except (SchemaError, ResultError) as error:
        raise UnfitGold(str(error)) from error
    flaws = (flaw_of_image(row.item[field]) for field in pictures_of(schema)) if for_exam else ()
    if flaw := next(filter(None, flaws), ""):
        raise UnfitGold(flaw)
    reason = row.reason.strip()
    if for_exam and not reason:
        raise UnfitGold("An exam question needs a reason: a worker who misses it learns from it.")
    return GoldQuestion(
        skill=skill,
        label_schema=label_schema,
        item=dict(row.item),
        item_sha256=_fingerprint(label_schema, row.item),
        result=to_result(schema, answer),
        answer_key=answer.key,
        reason=reason,
        for_exam=for_exam,
    )


def _check_shown(schema: ParsedSchema, item: Mapping[str, object]) -> None:
    """Refuse what an answer could not be checked against; texts and pictures are looked at where they are shown."""
    for field, kind in schema.fields_needed.items():
        flaw = "" if kind in ("Text", "Image") else flaw_of_shown(kind, item[field])
        if flaw:
            raise UnfitGold(f"{field}: {flaw}")


def _fingerprint(label_schema: LabelSchema, item: Mapping[str, object]) -> str:
    """The same for two items that look the same to a worker, whatever else they carry."""
    shown = {field: item[field] for field in label_schema.checked.fields_needed}
    text = json.dumps([label_schema.sha256, shown], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _unknown_media(skill: Skill, label_schema: LabelSchema, questions: list[GoldQuestion]) -> list[dict[str, object]]:
    pictures = pictures_of(label_schema.checked)
    named = [set(media_of(question.item, pictures).values()) for question in questions]
    asked = set().union(*named)
    unknown = use_pictures(owner=skill.media_owner, ids=asked) if asked else set()
    return [
        {"row": number, "message": f"Media {media_id} is no picture of this skill that can be shown. Upload it there."}
        for number, ids in enumerate(named, start=1)
        for media_id in sorted(ids & unknown)
    ]


def _repeated_items(skill: Skill, questions: list[GoldQuestion]) -> list[dict[str, object]]:
    Skill.objects.select_for_update(no_key=True).get(pk=skill.pk)  # who adds to the same bank waits here
    bank = exam_bank_of(skill)
    known = set(bank.filter(item_sha256__in=[q.item_sha256 for q in questions]).values_list("item_sha256", flat=True))
    errors: list[dict[str, object]] = []
    for number, question in enumerate(questions, start=1):
        if question.item_sha256 in known:
            errors.append({"row": number, "message": "This item is in the exam's bank already, or stands here twice."})
        known.add(question.item_sha256)
    return errors

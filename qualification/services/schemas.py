"""Label schemas: checked when they are posted, kept once, never changed."""

import hashlib

from django.db import transaction

from kernel.errors import Invalid
from qualification.labels.errors import SchemaError
from qualification.labels.schema import LabelSchema as ParsedSchema
from qualification.labels.schema import parse_schema
from qualification.models import LabelSchema


class InvalidSchema(Invalid):
    """The labeling config cannot be used; ``errors`` says where."""

    code = "invalid_schema"


def check_schema(*, xml: str) -> ParsedSchema:
    """What a labeling config asks and needs. Raises InvalidSchema, with the line, for one that cannot be used."""
    try:
        return parse_schema(xml)
    except SchemaError as error:
        raise InvalidSchema(
            f"The labeling config cannot be used. {error}", [{"line": error.line, "message": error.message}]
        ) from error


@transaction.atomic
def register_schema(*, xml: str) -> LabelSchema:
    """The label schema with this very text, kept from now on; the same text is kept once. Raises InvalidSchema."""
    parsed = check_schema(xml=xml)
    schema = LabelSchema(xml=xml, sha256=hashlib.sha256(xml.encode()).hexdigest(), parsed=parsed.to_dict())
    LabelSchema.objects.bulk_create([schema], ignore_conflicts=True)  # two clients may post it in the same instant
    return LabelSchema.objects.get(sha256=schema.sha256)

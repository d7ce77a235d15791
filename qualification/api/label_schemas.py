"""Label schemas over HTTP: checked before they are used, and read again by their id."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.views import ApiView
from kernel.errors import NotFound
from qualification.api import own_fields
from qualification.models import LabelSchema
from qualification.services.schemas import InvalidSchema, check_schema

LABEL_SCHEMA_ID = "7d1f0b52-2c3d-4e5f-8a9b-0c1d2e3f4a5b"
DIGITS = (
    '<View><Image name="image" value="$image"/><Choices name="digit" toName="image" required="true">'
    '<Choice value="0"/><Choice value="1"/></Choices></View>'
)
PARTS = [
    {"tag": "Image", "name": "image", "field": "image", "display": {}},
    {
        "tag": "Choices",
        "name": "digit",
        "toName": "image",
        "choice": "single",
        "required": True,
        "requiredMessage": "",
        "layout": "vertical",
        "randomize": False,
        "choices": [
            {"value": "0", "label": "0", "hotkey": "", "hint": "", "selected": False},
            {"value": "1", "label": "1", "hotkey": "", "hint": "", "selected": False},
        ],
    },
]


class SchemaIn(In):
    """A label schema to be checked."""

    EXAMPLE = {"xml": DIGITS}
    xml = own_fields.MarkupField(help_text="A Label Studio labeling config.")


class CheckedSchemaOut(Out):
    """What a label schema asks and needs."""

    EXAMPLE = {"parts": PARTS, "needs": {"image": "Image"}}
    parts = fields.ListField(child=fields.ObjectField(), help_text="What is shown and asked, in order.")
    needs = fields.ObjectField(help_text="The task fields that it shows, each with what it is shown as.")


class LabelSchemaOut(Out):
    """A label schema as it was posted, and what it says."""

    EXAMPLE = {
        "id": LABEL_SCHEMA_ID,
        "xml": DIGITS,
        "parsed": CheckedSchemaOut.EXAMPLE,
        "created_at": "2026-05-17T12:00:00Z",
    }
    id = fields.UUIDField()
    xml = own_fields.MarkupField()
    parsed = CheckedSchemaOut()
    created_at = fields.DateTimeField()


class SchemaCheckView(ApiView):
    """A check that keeps nothing."""

    @operation("Check a label schema", body=SchemaIn, answer=CheckedSchemaOut, errors=[InvalidSchema])
    def post(self, request: Request) -> Response:
        """Says what a labeling config asks and which task fields it needs, or what is wrong with it, by line.

        Nothing is kept. All controls and objects of Label Studio's open editor are taken but Chat and code of clients;
        anything else is refused by name.
        """
        return self.answer(CheckedSchemaOut(check_schema(**self.read_body()).to_dict()))


class LabelSchemaView(ApiView):
    """One label schema."""

    @operation("Show a label schema", answer=LabelSchemaOut, errors=[NotFound])
    def get(self, request: Request, label_schema_id: UUID) -> Response:
        """A schema never changes. It belongs to nobody: the same config posted twice is one. Only its id finds it."""
        return self.answer(LabelSchemaOut(LabelSchema.objects.get(pk=label_schema_id)))

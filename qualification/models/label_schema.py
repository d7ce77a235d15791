"""Label schemas: what may be answered, kept as it was posted and never changed."""

import uuid

from django.db import models

from kernel import clock
from qualification.labels.schema import LabelSchema as ParsedSchema
from qualification.labels.schema import parse_schema


class LabelSchema(models.Model):
    """One Label Studio labeling config, once. Rows are facts: a trigger refuses to change them.

    ``parsed`` is what the config says, as JSON: its parts in order and the task fields that it shows.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    xml = models.TextField()
    sha256 = models.CharField(max_length=64, unique=True)
    parsed = models.JSONField()
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"label schema {self.sha256[:12]}"

    @property
    def checked(self) -> ParsedSchema:
        """The config, ready for validating answers. The parser keeps the last ones it met, so this is cheap."""
        return parse_schema(self.xml)

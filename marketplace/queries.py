"""Reads worth naming."""

from functools import lru_cache
from uuid import UUID

from marketplace.models import JobVersion
from qualification.labels.schema import LabelSchema


@lru_cache(maxsize=1024)
def schema_of(version_id: UUID) -> LabelSchema:
    """The label schema of a job version. Versions never change, so each process reads one once."""
    return JobVersion.objects.select_related("label_schema").get(pk=version_id).label_schema.checked

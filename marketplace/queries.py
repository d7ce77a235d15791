"""Reads worth naming."""

from functools import lru_cache
from uuid import UUID

from marketplace.models import JobVersion
from qualification.labels.schema import LabelSchema


def current_schema_of(job_id: UUID) -> LabelSchema:
    """The label schema that a job's answers are weighed under: its latest, which all answers so far fit."""
    return schema_of(JobVersion.objects.filter(job_id=job_id).order_by("-number").values_list("pk", flat=True)[0])


@lru_cache(maxsize=1024)
def schema_of(version_id: UUID) -> LabelSchema:
    """The label schema of a job version. Versions never change, so each process reads one once."""
    return JobVersion.objects.select_related("label_schema").get(pk=version_id).label_schema.checked

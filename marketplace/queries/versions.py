"""What a job's workers are told and asked. Versions never change, so each process reads one once."""

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from kernel.content_addresses import AddressOf
from marketplace.models import JobVersion
from qualification.items import pictures_of, with_addresses
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import agrees


@dataclass(frozen=True, slots=True)
class Presentation:
    """A job version as workers are shown it. ``label_schema`` is a JSON value that all share: not to be changed."""

    version_id: UUID
    number: int
    instructions: str
    label_schema: dict[str, object]
    fields: tuple[str, ...]
    pictures: tuple[str, ...]

    def shown(self, item: dict[str, object], address_of: AddressOf | None = None) -> dict[str, object]:
        """Those fields of a task's item that the schema shows, in its order: the same for every task of the job.

        With ``address_of``, media have their address in place of the reference.
        """
        shown = {field: item[field] for field in self.fields if field in item}
        return with_addresses(shown, self.pictures, address_of)


def current_schema_of(job_id: UUID) -> LabelSchema:
    """The label schema that a job's answers are weighed under: its latest, which all answers so far fit."""
    return schema_of(JobVersion.objects.filter(job_id=job_id).order_by("-number").values_list("pk", flat=True)[0])


@lru_cache(maxsize=1024)
def schema_of(version_id: UUID) -> LabelSchema:
    """The label schema of a job version."""
    return JobVersion.objects.select_related("label_schema").get(pk=version_id).label_schema.checked


def says_the_same(version_id: UUID, key: str, label_key: str) -> bool:
    """Whether the answer with this key says what the label with the other says, as exactly as its kind can be."""
    if key == label_key or not label_key:
        return key == label_key
    schema = schema_of(version_id)
    return not schema.asks_only_choices and agrees(Answer.from_key(key), Answer.from_key(label_key), schema)


@lru_cache(maxsize=256)
def presentation_of(version_id: UUID) -> Presentation:
    """What the workers of a job version are shown: instructions, and the label schema as XML and read."""
    version = JobVersion.objects.select_related("label_schema").get(pk=version_id)
    checked = version.label_schema.checked
    return Presentation(
        version_id=version.pk,
        number=version.number,
        instructions=version.instructions,
        label_schema={"xml": version.label_schema.xml, "parsed": checked.to_dict()},
        fields=tuple(checked.fields_needed),
        pictures=pictures_of(checked),
    )

"""Labeling functions: rules of thumb that a client gives its job, as data."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from marketplace.models.job import Job


class LabelingFunction(models.Model):
    """A rule that names a class for an item or says nothing; ``rule`` is what `qualification.statistics.weak` reads.

    It is never changed: another one takes its place once it is retired.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="labeling_functions", db_index=False)
    name = models.CharField(max_length=100)
    rule = models.JSONField()
    created_at = models.DateTimeField(default=clock.now)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "name"], condition=Q(retired_at__isnull=True), name="one_labeling_function_per_name"
            )
        ]
        indexes = [models.Index(fields=["job", "created_at", "id"], name="labeling_function_by_job")]

    def __str__(self) -> str:
        return self.name

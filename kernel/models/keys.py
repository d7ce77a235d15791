"""Keys per subject: the row that personal data can be opened with, and whose destruction is erasure."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock


class SubjectKey(models.Model):
    """One random key for one subject and purpose, kept only as wrapped under a master key.

    A destroyed key leaves its row behind, so that no second key is made in its place without anybody noticing.
    """

    class Purpose(models.TextChoices):
        PROFILE = "profile", "what a person may have erased"
        STATUTORY = "statutory", "what tax law makes us keep"
        BLIND_INDEX = "blind_index", "equality look-up"
        PSEUDONYM = "pseudonym", "names that clients see"
        SECOND_FACTOR = "second_factor", "what proves a person beside their password"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = models.CharField(max_length=100)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    wrapped_key = models.BinaryField()
    master_key_id = models.CharField(max_length=32)
    created_at = models.DateTimeField(default=clock.now)
    rewrapped_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "purpose"], name="one_key_per_subject_and_purpose"),
            models.CheckConstraint(
                condition=Q(purpose__in=["profile", "statutory", "blind_index", "pseudonym", "second_factor"]),
                name="subject_key_purpose_known",
            ),
            models.CheckConstraint(
                condition=Q(destroyed_at__isnull=True) & ~Q(wrapped_key=b"")
                | Q(destroyed_at__isnull=False, wrapped_key=b""),
                name="destroyed_key_is_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} key of {self.subject}"

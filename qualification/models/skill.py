"""Skills: named abilities that are measured, with the rules by which one is certified."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from kernel import clock


class Skill(models.Model):
    """A named ability that is measured, and how a worker comes to be certified for it.

    ``exam_questions`` is 0 for a skill without an exam; then only an admin grants it. ``unpaid_limit`` is how many
    unpaid exam questions one worker may be asked within a year. A null ``certificate_valid_for`` never expires.
    """

    class Grant(models.TextChoices):
        SCORE = "score", "Passing the exam"
        ADMIN = "admin", "An admin"
        BOTH = "both", "Passing the exam and then an admin"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="")
    grants_by = models.CharField(max_length=5, choices=Grant.choices, default=Grant.SCORE)
    exam_questions = models.PositiveSmallIntegerField()
    pass_mark_basis_points = models.PositiveSmallIntegerField()
    exam_time_limit = models.DurationField()
    retry_after = models.DurationField()
    unpaid_limit = models.PositiveSmallIntegerField()
    certificate_valid_for = models.DurationField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(grants_by__in=["score", "admin", "both"]), name="skill_grant_known"),
            models.CheckConstraint(condition=Q(exam_questions__gte=1) | Q(grants_by="admin"), name="skill_has_an_exam"),
            models.CheckConstraint(
                condition=Q(pass_mark_basis_points__gte=1, pass_mark_basis_points__lte=10_000),
                name="skill_pass_mark_in_range",
            ),
            models.CheckConstraint(
                condition=Q(unpaid_limit__gte=F("exam_questions")), name="skill_unpaid_limit_allows_one_exam"
            ),
            models.CheckConstraint(
                condition=Q(exam_time_limit__gte=timedelta(seconds=1), retry_after__gte=timedelta(0)),
                name="skill_clocks_run_forward",
            ),
            models.CheckConstraint(
                condition=Q(certificate_valid_for__isnull=True) | Q(certificate_valid_for__gte=timedelta(seconds=1)),
                name="skill_certificate_is_valid_for_a_while",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def media_owner(self) -> str:
        """What the media of its gold questions belong to."""
        return f"skill:{self.pk}"

    @property
    def has_exam(self) -> bool:
        """Whether the skill is examined at all."""
        return self.exam_questions > 0

"""Gold questions: items whose right answer is known."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.content_addresses import AddressOf
from qualification.items import pictures_of, with_addresses
from qualification.models.label_schema import LabelSchema
from qualification.models.skill import Skill


class GoldQuestion(models.Model):
    """An item with its right answer, and the reason why it is right. Never shown to workers with either.

    Those ``for_exam`` make up the skill's item bank; the others are mixed unseen into the work of one job. What is
    asked and what is right never change (a trigger): a question that was wrong is recalled, one that is no longer
    wanted retired. ``times_drawn`` says in how many exams it stood, so that the bank is used evenly.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="gold_questions", db_index=False)
    label_schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT, related_name="+", db_index=False)
    item = models.JSONField()
    item_sha256 = models.CharField(max_length=64)
    result = models.JSONField(help_text="The right answer in Label Studio's result form.")
    answer_key = models.TextField(help_text="The right answer in canonical form, for comparing.")
    reason = models.TextField(blank=True, default="", help_text="Why it is right, for a worker who missed it.")
    for_exam = models.BooleanField(default=False)
    times_drawn = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    retired_at = models.DateTimeField(null=True)
    doubted_at = models.DateTimeField(null=True, help_text="Since when it is asked no more, until a person decides.")
    kept_at = models.DateTimeField(null=True, help_text="When a person last kept it, though it was doubted.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["skill", "item_sha256"],
                condition=Q(for_exam=True, retired_at__isnull=True),
                name="one_exam_question_per_item",
            ),
            models.CheckConstraint(condition=Q(for_exam=False) | ~Q(reason=""), name="exam_question_has_a_reason"),
        ]
        indexes = [
            models.Index(fields=["skill", "created_at", "id"], name="gold_by_skill"),
            models.Index(fields=["item_sha256"], name="gold_by_item"),
        ]

    def __str__(self) -> str:
        return f"gold question {self.pk}"

    def shown_item(self, address_of: AddressOf | None = None) -> dict[str, object]:
        """The fields of the item that the label schema shows; whatever else it carries stays sealed.

        With ``address_of``, media have their address in place of the reference.
        """
        schema = self.label_schema.checked
        return with_addresses(
            {field: self.item[field] for field in schema.fields_needed}, pictures_of(schema), address_of
        )

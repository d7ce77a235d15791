"""Who a person is, sealed: a table of its own, so that no list of workers or labels ever carries it."""

from uuid import UUID

from django.db import models
from django.db.models import Q

from kernel import clock


class Identity(models.Model):
    """One person's identity as ciphertext. Only ``services.identity`` opens it, for a purpose, with an audit event.

    The columns under the profile key can be erased by destroying that key. Those under the statutory key exist once a
    tax id was given, and outlive such an erasure: ``tax_copy`` repeats what a tax report must say beside the tax id.
    """

    user = models.OneToOneField("kernel.User", primary_key=True, on_delete=models.PROTECT, related_name="+")
    region = models.CharField(max_length=30)
    profile_key = models.ForeignKey("kernel.SubjectKey", on_delete=models.PROTECT, related_name="+")
    legal_name = models.BinaryField()
    address = models.BinaryField()
    birth_date = models.BinaryField()
    statutory_key = models.ForeignKey("kernel.SubjectKey", null=True, on_delete=models.PROTECT, related_name="+")
    tax_id = models.BinaryField(null=True)
    tax_copy = models.BinaryField(null=True)
    tax_id_index = models.CharField(max_length=64, blank=True, default="", help_text="Blind index of the tax id.")
    stored_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.CheckConstraint(
                condition=Q(statutory_key__isnull=True, tax_id__isnull=True, tax_copy__isnull=True, tax_id_index="")
                | Q(statutory_key__isnull=False, tax_id__isnull=False, tax_copy__isnull=False) & ~Q(tax_id_index=""),
                name="tax_columns_come_together",
            )
        ]
        indexes = [models.Index(fields=["tax_id_index"], condition=~Q(tax_id_index=""), name="identities_by_tax_id")]

    def __str__(self) -> str:
        return f"identity of user {self.user_id}"

    user_id: UUID

"""What moved the platform's balance at Stripe, and the posting of ours that says why."""

import uuid

from django.db import models
from django.db.models import Q

from billing.models.ledger import Posting
from kernel import clock
from kernel.flow import Flow
from kernel.money import NO_CURRENCY


class StripeMovement(models.Model):
    """One movement of the platform's balance at Stripe, once. One posting says why, another what was kept of it.

    ``amount_minor`` is as Stripe has it: below zero for what left. One without a posting waits for a person. So does
    one that Stripe has ``converted_from`` another currency: what it was there no posting of ours says.
    """

    class State(models.TextChoices):
        UNMATCHED = "unmatched", "no posting of ours says why"
        MATCHED = "matched", "one posting says why"
        EXPLAINED = "explained", "a person said why"

    FLOW = Flow({State.UNMATCHED: {State.MATCHED, State.EXPLAINED}, State.EXPLAINED: {State.MATCHED}})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    stripe_id = models.CharField(max_length=255, unique=True)
    kind = models.CharField(max_length=60, help_text="In Stripe's own words.")
    category = models.CharField(max_length=60, help_text="In Stripe's own words.")
    source_id = models.CharField(max_length=255, blank=True, default="")
    related_id = models.CharField(
        max_length=255, blank=True, default="", help_text="The payment or transfer behind it."
    )
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    converted_from = models.CharField(
        max_length=3, blank=True, default="", help_text="The currency before Stripe converted it, if it did."
    )
    moved_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.UNMATCHED)
    posting = models.OneToOneField(Posting, null=True, on_delete=models.PROTECT, related_name="stripe_movement")
    note = models.TextField(blank=True, default="", help_text="What a person found.")
    seen_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["unmatched", "matched", "explained"]), name="stripe_movement_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="matched", posting__isnull=False) | ~Q(state="matched") & Q(posting__isnull=True),
                name="stripe_movement_matched_has_its_posting",
            ),
            models.CheckConstraint(
                condition=~Q(state="explained") | ~Q(note=""), name="stripe_movement_explained_has_why"
            ),
            models.CheckConstraint(
                condition=~Q(state="matched") | Q(converted_from=""), name="stripe_movement_converted_is_not_matched"
            ),
        ]
        indexes = [
            models.Index(fields=["moved_at", "id"], name="stripe_movement_by_time"),
            models.Index(fields=["moved_at", "id"], condition=Q(state="unmatched"), name="stripe_movement_unmatched"),
        ]
        verbose_name = "Stripe movement"

    def __str__(self) -> str:
        return f"{self.kind} {self.stripe_id}"

    @property
    def conversion(self) -> str:
        """What a person has to know of one that Stripe has converted; empty of all others."""
        if not self.converted_from:
            return ""
        before = "another currency" if self.converted_from == NO_CURRENCY else self.converted_from
        return (
            f"Stripe converted this from {before} into {self.amount_minor} minor units of {self.currency}. The books "
            "keep each currency for itself: nothing was posted of it, nor of Stripe's fee. Give the platform's account "
            f"at Stripe a balance in {before}, so that the next is not converted, and explain this one with a note."
        )

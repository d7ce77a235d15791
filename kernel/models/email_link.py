"""Links in mails: each works once, for one thing, for a while."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock


class EmailLink(models.Model):
    """A link that is owed to an address. Its token is made when the mail is sent, and only its hash is kept.

    Without a user it was asked for an address that nobody has here; then it is never sent. ``email`` is where it goes;
    ``email_before``, where its person was reached until they used it to change that.
    """

    class Purpose(models.TextChoices):
        CONFIRM = "confirm", "showing that mail reaches its person"
        KNOWN = "known", "telling somebody who signs up again that they are here already"
        RESET = "reset", "choosing another password"
        CHANGE = "change", "being reached at another address"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("kernel.User", on_delete=models.CASCADE, related_name="email_links", null=True)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    email = models.EmailField(max_length=254, blank=True, default="")
    email_before = models.EmailField(max_length=254, blank=True, default="")
    token_sha256 = models.CharField(max_length=64, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(default=clock.now, db_index=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    void_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=["confirm", "known", "reset", "change"]), name="email_link_purpose_known"
            ),
            models.CheckConstraint(
                condition=Q(used_at=None) | ~Q(token_sha256=""), name="email_link_used_has_its_token"
            ),
            models.UniqueConstraint(
                fields=["token_sha256"], condition=~Q(token_sha256=""), name="email_link_token_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"link {self.id}"

"""Ways in: short sessions for people, keys for programs. Only hashes of the secrets are kept."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from kernel import clock

FRESH_FOR: Final = timedelta(minutes=10)


class Session(models.Model):
    """A signed-in person. It ends 15 idle minutes after ``last_seen_at``, at ``expires_at``, or when revoked.

    ``second_factor_at`` tells that a second factor was shown for it; ``fresh_at``, when its person last proved to be
    there.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("kernel.User", on_delete=models.CASCADE, related_name="api_sessions")
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    second_factor_at = models.DateTimeField(null=True)
    fresh_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(revoked_at=None), name="one_live_session_per_user")
        ]

    def __str__(self) -> str:
        return f"session {self.id}"

    @property
    def fresh_until(self) -> datetime | None:
        """How long it counts that its person was there, if it ever did."""
        return self.fresh_at + FRESH_FOR if self.fresh_at else None

    @property
    def is_fresh(self) -> bool:
        """Whether its person has shown within the last minutes that it is them."""
        return self.fresh_until is not None and self.fresh_until > clock.now()


class ApiKeys(models.QuerySet["ApiKey"]):
    """API keys, to be asked about."""

    def live(self) -> "ApiKeys":
        """Those that let a program in now."""
        return self.filter(revoked_at=None, expires_at__gt=clock.now())


class ApiKey(models.Model):
    """A program's way in, acting for the user who made it, within its ``scopes`` (`kernel.scopes`).

    Shown once; the ``prefix`` tells keys apart afterwards. When it is rotated, it works on beside the key that
    ``replaces`` it, until its own end.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("kernel.User", on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.TextField(), default=list)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    replaces = models.OneToOneField("self", on_delete=models.RESTRICT, related_name="replaced_by", null=True)

    objects = ApiKeys.as_manager()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Challenge(models.Model):
    """What a person is asked to prove: answered once, within minutes and a few tries, or over.

    ``state`` is what the answer is checked against, its secrets sealed.
    """

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in", "the second step of a sign-in"
        STEP_UP = "step_up", "being there still"
        NEW_TOTP = "new_totp", "an authenticator app that is added"
        NEW_WEBAUTHN = "new_webauthn", "a security key that is added"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("kernel.User", on_delete=models.CASCADE, related_name="challenges")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    token_sha256 = models.CharField(max_length=64, unique=True)
    state = models.JSONField(default=dict)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, db_index=True)
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=["sign_in", "step_up", "new_totp", "new_webauthn"]),
                name="challenge_purpose_known",
            )
        ]

    def __str__(self) -> str:
        return f"challenge {self.id}"

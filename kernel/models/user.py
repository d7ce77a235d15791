"""People who sign in."""

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.email_address import CANONICAL, canonical_email, email_to_look_up


class UserManager(BaseUserManager["User"]):
    """Makes users; their e-mail addresses are kept in one canonical form."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """A user with a hashed password (or none that works). ``email`` is canonicalised first. Raises Invalid.

        It counts as verified, as whoever calls this vouches for it; who signs up by themselves has to show it first.
        """
        user = self.model(email=canonical_email(email), **{"email_verified_at": clock.now(), **fields})
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, email: str | None) -> "User":
        """The user with this e-mail address, however it was written."""
        return self.get(email=email_to_look_up(email or ""))


class User(AbstractBaseUser):
    """A person who signs in by e-mail. What they may do follows from being a worker, a client's member or an admin.

    There are no superusers: admins hold admin roles (`AdminRole`), and nobody may everything.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    display_name = models.CharField(max_length=100, blank=True, default="")
    is_staff = models.BooleanField(default=False, help_text="Whether they hold an admin role.")
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=clock.now)
    email_verified_at = models.DateTimeField(
        null=True, help_text="When they showed that mail to this address reaches them."
    )

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(email__regex=CANONICAL), name="user_email_canonical")]

    def __str__(self) -> str:
        return self.email

"""Links in mails, each of which works once, for one thing, for a while: owed, sent, used.

Nothing tells who asks whether an address is known here: the same work is done for one that is not, all but the mail.
"""

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from django.db.models import F, QuerySet

from kernel import clock
from kernel.errors import Refused
from kernel.events import EmailLinkOwed
from kernel.mail import link_to, send_mail
from kernel.models import EmailLink, User
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce
from kernel.tokens import LINK_MARK, new_token, sha256_of

Purpose = EmailLink.Purpose

LASTS: Final = {
    Purpose.CONFIRM: timedelta(days=3),
    Purpose.KNOWN: timedelta(hours=1),
    Purpose.RESET: timedelta(hours=1),
    Purpose.CHANGE: timedelta(days=1),
}
MOST_AT_ONCE: Final = 3
AT_ONCE: Final = timedelta(minutes=15)
MOST_TRIES: Final = 5
KEPT_FOR: Final = timedelta(days=30)


class LinkOver(Refused):
    """The link is unknown, has run out, was used, or another one has taken its place. Ask for a new one."""

    code: ClassVar[str] = "link_over"


def owe_link(*, user: User | None, purpose: EmailLink.Purpose, by: Actor, email: str = "") -> None:
    """Owe ``user`` a mail with a link, at ``email`` or where they are reached; in the caller's transaction.

    Without a user nothing will be sent, and all else is done. Links for the same purpose from before are void. After
    three mails within a quarter of an hour no more are sent until one of them is that old, and the last one stays good:
    whoever asks on and on, for somebody else, takes no way in from them.
    """
    now = clock.now()
    same = EmailLink.objects.filter(user=user, purpose=purpose)
    sent = same.filter(asked_at__gt=now - AT_ONCE).exclude(void_at=F("asked_at"))
    enough = sent.count() >= MOST_AT_ONCE
    replaced = same.filter(used_at=None, void_at=None, asked_at__lte=now - AT_ONCE if enough else now)
    replaced.exclude(user=None).update(void_at=now)  # one statement in any case, so that the time does not tell
    link = EmailLink.objects.create(
        user=user,
        purpose=purpose,
        email=(email or user.email) if user is not None else "",
        asked_at=now,
        expires_at=now + LASTS[purpose],
        void_at=now if enough else None,
    )
    whose = {"purpose": str(purpose), "user": str(user.pk) if user is not None else ""}
    record(action="email_link.owed", subject=link, by=by, details=whose)
    announce(EmailLinkOwed(link_id=str(link.pk)))


def send_link(event: EmailLinkOwed) -> None:
    """Make the link's token, keep its hash, and send the mail. Run again, it sends another link in place of the first.

    That counts also when the mail of the first went out all the same: the last mail is the one that works.
    """
    token = new_token(LINK_MARK)
    living = _living().filter(pk=event.link_id, user__is_active=True)
    if not living.update(token_sha256=sha256_of(token)):
        return
    link = EmailLink.objects.get(pk=UUID(event.link_id))
    template, page = MAILS[Purpose(link.purpose)]
    send_mail(to=link.email, template=template, shown={"link": link_to(page, token=token)})


def take_link(token: str, *, purposes: tuple[EmailLink.Purpose, ...]) -> tuple[EmailLink, User]:
    """The living link of this token and whose it is, both locked. Raises LinkOver."""
    found = _living().filter(token_sha256=sha256_of(token), purpose__in=purposes, tries__lt=MOST_TRIES)
    link = found.select_for_update(no_key=True).first()
    user = None
    if link is not None:
        user = User.objects.select_for_update(no_key=True).filter(email_links=link, is_active=True).first()
    if link is None or user is None:
        raise LinkOver("This link is unknown, has run out, or was used. Ask for a new one.")
    return link, user


def use_up(link: EmailLink) -> None:
    """It has done its work."""
    link.used_at = clock.now()
    link.save(update_fields=["used_at"])


def void_links(user: User) -> None:
    """Let no link work that was sent to ``user`` before: what it was made for is not so any more."""
    EmailLink.objects.filter(user=user, used_at=None, void_at=None).update(void_at=clock.now())


def forget_old_links() -> int:
    """Delete links that were over long ago; how many there were."""
    deleted, _ = EmailLink.objects.filter(expires_at__lt=clock.now() - KEPT_FOR).delete()
    return deleted


MAILS: Final = {
    Purpose.CONFIRM: ("confirm_email", "confirm_email"),
    Purpose.KNOWN: ("already_here", "reset_password"),
    Purpose.RESET: ("reset_password", "reset_password"),
    Purpose.CHANGE: ("change_email", "confirm_email"),
}
"""For each purpose the template of the mail, and the page that its link leads to."""


def _living() -> QuerySet[EmailLink]:
    return EmailLink.objects.filter(used_at=None, void_at=None, expires_at__gt=clock.now())

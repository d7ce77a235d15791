"""Telling people by mail what happened to their account, so that a thief cannot do it unseen."""

from uuid import UUID

from kernel.events import EmailChanged, NoticeOwed
from kernel.mail import send_mail
from kernel.models import EmailLink, User
from kernel.services.outbox import announce


def tell(*, user_id: UUID, notice: str, detail: str = "") -> None:
    """Owe somebody the mail `templates/email/<notice>.txt`, in the caller's transaction.

    ``detail`` is for the template, and nothing secret: it waits in the outbox.
    """
    announce(NoticeOwed(user_id=str(user_id), notice=notice, detail=detail))


def send_notice(event: NoticeOwed) -> None:
    """Send what is owed, to the address that they have now."""
    user = User.objects.filter(pk=event.user_id).first()
    if user is not None:
        send_mail(to=user.email, template=event.notice, shown={"detail": event.detail})


def tell_address_before(event: EmailChanged) -> None:
    """Tell the old address that it is not used any more."""
    link = EmailLink.objects.select_related("user").get(pk=event.link_id)
    if link.email_before and link.user is not None:
        send_mail(to=link.email_before, template="email_changed", shown={})

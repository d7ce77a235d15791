"""The mail that tells somebody of an invitation: to whoever has the address, whether or not they have an account.

It holds nothing that somebody could write to people whom they do not know: no name of a client, no title of a job.
Those are shown to whoever has signed in with the address.
"""

from datetime import timedelta
from typing import Final

from django.db import transaction

from kernel import clock
from kernel.mail import send_mail
from kernel.models import User
from kernel.services.audit import Actor, record
from marketplace.events import InvitationGiven
from marketplace.models import Invitation

MOST_MAILS_A_DAY: Final = 3
"""To one address, whoever invites: more are not sent, and nobody is told of it."""


def send_invitation(event: InvitationGiven) -> None:
    """Send the mail of an invitation that is still open. Run again, it sends another."""
    now = clock.now()
    found = Invitation.objects.filter(pk=event.invitation_id, state=Invitation.State.OPEN, expires_at__gt=now)
    invitation = found.select_related("invited_by").first()
    if invitation is None:
        return
    sent = Invitation.objects.filter(email=invitation.email, mailed_at__gt=now - timedelta(days=1)).count()
    user = User.objects.filter(email=invitation.email).first()
    if sent >= MOST_MAILS_A_DAY or (user is not None and not user.is_active):
        return
    known = user is not None and user.email_verified_at is not None
    send_mail(
        to=invitation.email,
        template="invitation" if known else "invitation_to_newcomer",
        shown={
            "invited_by": invitation.invited_by.email,
            "to_a_job": invitation.job_id is not None,
            "expires_at": f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC",
        },
    )
    _note_mail(invitation)


@transaction.atomic
def _note_mail(invitation: Invitation) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(mailed_at=clock.now())
    record(action="invitation.mailed", subject=invitation, by=Actor.system("mail"))

"""What was mailed: reactions are run as the relay runs them, and links are read as people read them."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core import mail

from kernel.services import outbox


def delivered() -> list[Any]:
    """Every mail that was sent by now, once the outbox owes nothing."""
    while due := outbox.take_due():
        for message_id, lease in due:
            outbox.deliver(message_id=message_id, lease=lease)
    return list(mail.outbox)


def mails_to(email: str) -> list[Any]:
    """The mails to an address, the oldest first."""
    return [each for each in delivered() if each.to == [email]]


def token_for(email: str) -> str:
    """The token of the link in the last mail to an address."""
    return token_in(mails_to(email)[-1])


def token_in(message: Any) -> str:
    """The token of the link in a mail."""
    (link,) = re.findall(r"https?://\S+\?link=\S+", message.body)
    assert link.startswith(f"{settings.BASE_URL}/account/")
    return str(parse_qs(urlsplit(link).query)["link"][0])

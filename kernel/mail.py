"""Mail to people: plain text from `templates/email/`, the subject in its first line. Sent by reactions, never earlier.

What stands in a mail is written when it is sent: tokens of links are made then, so that none waits anywhere.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse


def send_mail(*, to: str, template: str, shown: Mapping[str, Any]) -> None:
    """Send the mail of this template to an address. Raises what the mail server's client raises."""
    text = render_to_string(f"email/{template}.txt", {**shown, "base_url": settings.BASE_URL})
    subject, _, body = text.partition("\n")
    EmailMessage(subject=subject.strip(), body=body.strip() + "\n", to=[to]).send()


def link_to(page: str, *, token: str) -> str:
    """Where a mail sends its reader: a page of ours, at the address that was configured, whatever a request said."""
    return f"{settings.BASE_URL}{reverse(page)}?link={token}"

"""What the kernel announces. The reactions that follow are named on the page of wiring, ``marketplace/wiring.py``.

Mail is sent by reactions, with ``in_transaction=False``. None of these events holds a secret or an address.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaWanted:
    """A file is to be fetched from the address that its row names (``media_fetching.fetch_media``)."""

    media_id: str


@dataclass(frozen=True, slots=True)
class EmailLinkOwed:
    """Somebody is owed a mail with a link (``email_links.send_link``)."""

    link_id: str


@dataclass(frozen=True, slots=True)
class NoticeOwed:
    """Somebody is owed a mail that tells of something (``notices.send_notice``).

    ``notice`` names its template, and ``detail`` is what that shows.
    """

    user_id: str
    notice: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EmailChanged:
    """Somebody is reached at another address now; the one before is told (``notices.tell_address_before``)."""

    link_id: str

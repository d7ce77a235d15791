"""What the kernel announces. The reactions that follow are named on the page of wiring, ``marketplace/wiring.py``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaWanted:
    """A file is to be fetched from the address that its row names (``media_fetching.fetch_media``)."""

    media_id: str

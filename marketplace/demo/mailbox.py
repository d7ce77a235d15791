"""The mailboxes of simulated people: without a mail server, mails are files in a folder."""

import email
import email.policy
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

BETWEEN_MAILS: Final = re.compile(rb"\n-{79}\n")
LINK: Final = re.compile(r"\?link=(\S+)")
PATIENCE_SECONDS: Final = 60.0


class NoMail(Exception):
    """A mail that somebody waits for did not come."""


@dataclass
class Mailboxes:
    """Everybody's mail, read from the ``folder`` that an installation writes it to."""

    folder: Path
    _read: dict[Path, int] = field(default_factory=dict)
    _links: dict[str, str] = field(default_factory=dict)

    def link_for(self, address: str) -> str:
        """The token of the link in the last mail to this address, as soon as there is one; it is taken out."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while address not in self._links:
            if time.monotonic() > deadline:
                raise NoMail(f"No mail with a link has come to {address}; mails are files in {self.folder}.")
            self._look()
            if address not in self._links:
                time.sleep(0.2)
        return self._links.pop(address)

    def _look(self) -> None:
        for path in sorted(self.folder.glob("*.log")):
            size = path.stat().st_size
            if self._read.get(path) != size:
                self._read[path] = size
                for message in BETWEEN_MAILS.split(path.read_bytes()):
                    self._take(message)

    def _take(self, written: bytes) -> None:
        message = email.message_from_bytes(written, policy=email.policy.default)
        found = LINK.search(message.get_content()) if message["To"] else None
        if found:
            self._links[message["To"]] = found[1]

"""E-mail addresses in one canonical form, so that an address has one account however it is written.

Compatibility forms, case, and what pasting leaves unseen make no difference, and a domain is kept as DNS asks for it
(``xn--…``). Before the @ only ASCII is taken: there letters that look alike, or fold alike in one language and not in
another, cannot be two mailboxes for us and one for a mail server, or the other way round (ADR 0016).
"""

import re
import unicodedata
from typing import Final

import idna

from kernel.errors import Invalid
from kernel.text import CARRIES_NOTHING

LONGEST_ADDRESS: Final = 254
LONGEST_LOCAL_PART: Final = 64

_LOCAL_PART: Final = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN: Final = re.compile(r"([a-z0-9-]+\.)+(?![0-9]+$)[a-z0-9-]{2,63}")

CANONICAL: Final = rf"^{_LOCAL_PART.pattern}@([a-z0-9-]+\.)+[a-z0-9-]+$"
"""What the database holds every stored address to, in the words of a regular expression that PostgreSQL reads too."""


def canonical_email(email: str) -> str:
    """``email`` as it is stored and looked up. Raises Invalid for what is no address that mail could be sent to."""
    if len(email) > 2 * LONGEST_ADDRESS:  # what pasting left unseen aside, nothing that is longer becomes shorter
        raise _invalid(f"An e-mail address has at most {LONGEST_ADDRESS} characters.")
    bare = unicodedata.normalize("NFKC", email.translate(CARRIES_NOTHING)).strip()
    local, at, domain = bare.rpartition("@")
    if not at or not local.isascii() or not _LOCAL_PART.fullmatch(local.lower()):
        raise _invalid("An e-mail address is written name@example.org, before the @ without spaces and accents.")
    address = f"{local.lower()}@{_canonical_domain(domain)}"
    if len(local) > LONGEST_LOCAL_PART or len(address) > LONGEST_ADDRESS:
        raise _invalid(
            f"An e-mail address has at most {LONGEST_ADDRESS} characters, {LONGEST_LOCAL_PART} of them before the @."
        )
    return address


def email_to_look_up(email: str) -> str:
    """The canonical form of ``email``, or nothing, which is nobody's address, for what is no address."""
    try:
        return canonical_email(email)
    except Invalid:
        return ""


def _canonical_domain(domain: str) -> str:
    try:
        encoded = idna.encode(domain.removesuffix("."), uts46=True).decode()
    except (idna.IDNAError, UnicodeError):  # also the surrogates, which no encoding takes
        encoded = ""
    if not _DOMAIN.fullmatch(encoded):
        raise _invalid("What stands behind the @ of an e-mail address is a domain, such as example.org.")
    return encoded


def _invalid(message: str) -> Invalid:
    return Invalid(message, [{"field": "email", "message": message}])

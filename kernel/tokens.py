"""Secrets that are shown once and kept as hashes: how they are made, and how one that is shown again is found."""

import hashlib
import secrets
import zlib
from typing import Final

SESSION_MARK: Final = "as_"
API_KEY_MARK: Final = "ak_"
CHALLENGE_MARK: Final = "ac_"
LINK_MARK: Final = "al_"
INVITATION_MARK: Final = "ai_"

_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM_LETTERS: Final = 6


def new_token(mark: str) -> str:
    """A token of 256 random bits; the ``mark`` says what it is for."""
    return mark + secrets.token_urlsafe(32)


def sha256_of(token: str) -> str:
    """What is kept of a token, and what it is looked up by."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_api_key() -> tuple[str, str]:
    """An API key's token, which ends in a checksum so that a typing error costs no look-up, and how it begins."""
    prefix = API_KEY_MARK + _random_letters(8)
    written = f"{prefix}_{_random_letters(32)}"
    return written + _checksum(written), prefix


def is_api_key(token: str) -> bool:
    """Whether ``token`` may be an API key: its mark and its checksum are right."""
    return token.startswith(API_KEY_MARK) and token.isascii() and _has_its_checksum(token)


def _random_letters(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _checksum(written: str) -> str:
    number, letters = zlib.crc32(written.encode()), ""
    for _ in range(_CHECKSUM_LETTERS):
        number, position = divmod(number, len(_LETTERS))
        letters += _LETTERS[position]
    return letters


def _has_its_checksum(token: str) -> bool:
    return _checksum(token[:-_CHECKSUM_LETTERS]) == token[-_CHECKSUM_LETTERS:]

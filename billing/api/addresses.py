"""Addresses that a browser is sent on to."""

from typing import Any
from urllib.parse import urlsplit

from kernel.api import fields


class AddressField(fields.LineField):
    """A plain http or https address: a host, no sign-in data, nothing that only looks like an address."""

    written_as = {"format": "uri", "pattern": "^https?://"}
    default_error_messages = {"address": "This must be an address such as https://example.org/done."}

    def to_internal_value(self, data: Any) -> str:
        address: str = super().to_internal_value(data)
        try:
            parts = urlsplit(address)
            is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
            has_good_port = parts.port is None or parts.port > 0
        except ValueError:
            is_plain = has_good_port = False
        if not (is_plain and has_good_port) or not address.isascii() or " " in address or "\\" in address:
            self.fail("address")
        return address

"""How Stripe's package reaches Stripe: through the one way out, and nowhere but to Stripe's API or to our double."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import stripe

from kernel.destinations import origin_of
from kernel.kept_connections import KeptConnections
from kernel.outbound import Limits, Outbound, OutboundRefused

STRIPE: Final = origin_of("https://api.stripe.com")
LIMITS: Final = Limits(connect_seconds=5, read_seconds=30, total_seconds=60, body_bytes=16 * 1024 * 1024)


class GuardedClient(stripe.HTTPClient):
    """The HTTP client that the package is given. With ``double``, an origin on this machine, it speaks to no other."""

    name = "assay"

    def __init__(self, *, double: str = "") -> None:
        super().__init__()
        self._kept = KeptConnections()
        if double:
            origin = frozenset({origin_of(double)})
            self._outbound = Outbound(only=origin, internal=origin, kept=self._kept)
        else:
            authorities = Path(stripe.ca_bundle_path)
            self._outbound = Outbound(only=frozenset({STRIPE}), authorities=authorities, kept=self._kept)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """One request, sent once; what the package does after a fault depends on max_network_retries."""
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            answer = self._outbound.ask(method=method.upper(), url=url, headers=headers, body=body, limits=LIMITS)
        except OutboundRefused as refusal:
            raise _no_connection(refusal.message) from refusal
        return answer.body.decode(errors="replace"), answer.status, answer.headers

    def close(self) -> None:
        """Close the connections that wait for the next request."""
        self._kept.close()


def _no_connection(message: str) -> stripe.APIConnectionError:
    error: stripe.APIConnectionError = stripe.APIConnectionError(message)  # type: ignore[no-untyped-call]  # it is so
    return error

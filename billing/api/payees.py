"""Who is paid here. Billing knows owners by name only; which of them a signed-in person is, an upper app says.

It does so from the page of wiring, with ``register_payees``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kernel.api.views import ApiView
from kernel.principal import Principal


@dataclass(frozen=True, slots=True)
class Payee:
    """Somebody who earns: their owner name in the ledger, and the country that they are paid in (ISO 3166)."""

    owner: str
    country: str


Lookup = Callable[[Principal], Payee]

_lookups: list[Lookup] = []


def register_payees(lookup: Lookup) -> None:
    """Let ``lookup`` say as whom a person is paid. Called once, while the apps load."""
    assert not _lookups, "Payees are looked up in one way."
    _lookups.append(lookup)


class PayeeView(ApiView):
    """A view of one's own earnings and payouts."""

    @property
    def payee(self) -> Payee:
        """As whom the signed-in person is paid. The policy lets nobody in here who is not."""
        (lookup,) = _lookups
        return lookup(self.principal)

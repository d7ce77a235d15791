"""Who is paid here. Billing knows owners by name only; which of them a signed-in person is, an upper app says.

It does so from the page of wiring, with ``register_payees``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.models import User


@dataclass(frozen=True, slots=True)
class Payee:
    """Somebody who earns: their owner name in the ledger, and the country that they are paid in (ISO 3166)."""

    owner: str
    country: str


class NotAPayee(NotFound):
    """Whoever asks is no worker here."""

    code = "not_a_worker"

    def __init__(self) -> None:
        super().__init__("worker")
        self.message = "You are not a worker here yet, so nothing is earned and nothing paid out."


Lookup = Callable[[User], Payee | None]

_lookups: list[Lookup] = []


def register_payees(lookup: Lookup) -> None:
    """Let ``lookup`` say as whom a person is paid, or None. Called once, while the apps load."""
    assert not _lookups, "Payees are looked up in one way."
    _lookups.append(lookup)


class PayeeView(ApiView):
    """A view of one's own earnings and payouts."""

    @property
    def payee(self) -> Payee:
        """As whom the signed-in person is paid. Raises NotAPayee."""
        (lookup,) = _lookups
        payee = lookup(self.user)
        if payee is None:
            raise NotAPayee
        return payee

"""Orders to a running double, and the presses of its buttons, from another process or a test."""

import json
import time
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from billing.demo.stripe_double.errors import Json

TIMEOUT_SECONDS = 30.0


class DoubleControl:
    """The control of the double at ``base_url``; an order that is refused raises ValueError with its sentence."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def reset(self) -> None:
        self._order("POST", "reset")

    def totals(self) -> dict[str, dict[str, int]]:
        """By currency, in minor units: paid_in, fees, refunded, disputed, transferred, at_banks, available."""
        return self._order("GET", "totals")

    def fault(self, match: str, kind: str, **order: object) -> None:
        """Order a fault (see ``faults.Fault``): ``fault("POST /v1/transfers", "drop_after", times=2)``."""
        self._order("POST", "faults", match=match, kind=kind, **order)

    def standing_faults(self) -> list[Json]:
        """The orders that have not been used up."""
        faults: list[Json] = self._order("GET", "faults")["faults"]
        return faults

    def struck(self) -> dict[str, int]:
        """How many answers went wrong by order, by how."""
        counts: dict[str, int] = self._order("GET", "faults")["struck"]
        return counts

    def webhooks_taken(self) -> int:
        """How many webhooks an endpoint has taken."""
        taken: int = self._order("GET", "webhooks")["taken"]
        return taken

    def clear_faults(self) -> None:
        self._order("DELETE", "faults")

    def webhooks(self, **order: object) -> None:
        """Say where webhooks go (``url``, ``secret``) and how they misbehave (``lost``, ``duplicated``, …)."""
        self._order("POST", "webhooks", **order)

    def wait_for_webhooks(self, *, timeout_seconds: float = 10.0) -> None:
        """Wait until every webhook has been taken."""
        end = time.monotonic() + timeout_seconds
        while left := self._order("GET", "webhooks")["left"]:
            if time.monotonic() > end:
                raise TimeoutError(f"{left} webhooks were not taken within {timeout_seconds} seconds.")
            time.sleep(0.02)

    def settle(self, *, failure_code: str | None = None) -> list[Json]:
        """Let the days pass: balances of connected accounts go to their banks, and arrive or come back."""
        payouts: list[Json] = self._order("POST", "settle", failure_code=failure_code)["payouts"]
        return payouts

    def advance(self, *, seconds: int) -> None:
        self._order("POST", "advance", seconds=seconds)

    def set_capability(self, account_id: str, *, capability: str, status: str) -> None:
        self._order("POST", "capability", account=account_id, capability=capability, status=status)

    def change_bank(self, account_id: str, *, bank: str) -> None:
        self._order("POST", "bank", account=account_id, bank=bank)

    def fail_refund(self, refund_id: str) -> None:
        self._order("POST", "refund_failure", refund=refund_id)

    def take_back(self, transfer_id: str, *, amount: int | None = None) -> Json:
        """A transfer, or a part of it, is reversed in the dashboard, even if its account falls below zero by it."""
        return self._order("POST", "transfer_reversal", transfer=transfer_id, amount=amount)

    def send_back(self, payout_id: str) -> None:
        """A bank sends a payout back, also one that had arrived."""
        self._order("POST", "payout_failure", payout=payout_id)

    def end_debits(self, *, failure_code: str | None = None) -> list[Json]:
        """Days pass: bank debits bring their money, or bounce with ``failure_code``."""
        intents: list[Json] = self._order("POST", "debits", failure_code=failure_code)["payment_intents"]
        return intents

    def keep_pending(self, *, seconds: int) -> None:
        """What is charged from now on is pending so long, by Stripe's clock (``advance``)."""
        self._order("POST", "pace", pending_seconds=seconds)

    def convert(self, currency: str, *, into: str, rate: str) -> None:
        """From now on Stripe converts what moves the platform's balance in ``currency``, by a decimal ``rate``."""
        self._order("POST", "conversion", currency=currency, into=into, rate=rate)

    def dispute(self, payment_intent_id: str, **order: object) -> Json:
        """A payer's bank takes a payment back: the dispute. ``amount``: a part; ``inquiry=True``: it only asks."""
        return self._order("POST", "dispute", payment_intent=payment_intent_id, **order)

    def escalate_dispute(self, dispute_id: str) -> None:
        """After its question the bank takes the payment back."""
        self._order("POST", "dispute_escalation", dispute=dispute_id)

    def give_back(self, dispute_id: str, *, amount: int | None = None) -> None:
        """The bank gives a part of what it took back, and has not decided about the rest."""
        self._order("POST", "dispute_return", dispute=dispute_id, amount=amount)

    def end_dispute(self, dispute_id: str, *, won: bool, amount: int | None = None, refundable: bool = False) -> None:
        """The payment comes back (also after it was lost: an appeal), or stays with the payer but for ``amount``.

        ``refundable``: what was not disputed of it takes refunds all the same.
        """
        self._order("POST", "dispute_end", dispute=dispute_id, won=won, amount=amount, refundable=refundable)

    def requests(self) -> list[Json]:
        """The last API requests, oldest first: method, path, idempotency_key, status, replayed."""
        requests: list[Json] = self._order("GET", "requests")["requests"]
        return requests

    def press(self, page_url: str, **choice: str) -> tuple[int, str]:
        """Press a button on a hosted page as a browser would: status, and where it would go next or the page.

        Checkout: ``card="pm_card_visa"`` (the usual), ``"pm_card_chargeDeclined"`` or a bank debit; onboarding:
        ``action="complete"`` (the usual) or ``"leave"``, and ``bank`` for a bank account of that name.
        """
        return _browse("POST", page_url, urlencode(choice))

    def look(self, page_url: str) -> tuple[int, str]:
        """Open a hosted page as a browser would: status, and where it would go next or the page."""
        return _browse("GET", page_url, "")

    def _order(self, method: str, name: str, **order: object) -> Json:
        headers = {"Content-Type": "application/json"}
        with _connected(self.base_url) as connection:
            connection.request(method, f"/_control/{name}", json.dumps(order), headers)
            answer = connection.getresponse()
            body: Json = json.load(answer)
        if answer.status != 200:
            raise ValueError(body["error"]["message"])
        return body


def _browse(method: str, url: str, form: str) -> tuple[int, str]:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with _connected(url) as connection:
        connection.request(method, urlsplit(url).path, form, headers)
        answer = connection.getresponse()
        page = answer.read().decode()
        return answer.status, answer.headers.get("Location") or page


def _connected(url: str) -> closing[HTTPConnection]:
    return closing(HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS))

"""Stripe's side of the world: its objects, its clock, and the two things that happen to them (events and money)."""

import secrets
import string
import time
from dataclasses import dataclass, field
from fractions import Fraction

from stripe import api_version

from billing.demo.stripe_double.errors import Json, missing
from billing.demo.stripe_double.faults import WebhookFaults
from billing.demo.stripe_double.store import Store

LETTERS = string.ascii_letters + string.digits


@dataclass
class World:
    """What every operation of the double works on. Its methods are called inside ``store.transaction``."""

    store: Store
    base_url: str = ""
    fee_basis_points: int = 0
    fee_fixed_minor: int = 0
    dispute_fee_minor: int = 0
    pending_seconds: int = 0
    webhook_faults: WebhookFaults = field(default_factory=WebhookFaults)
    sends_webhooks: bool = False
    ahead_seconds: int = 0
    conversions: dict[str, tuple[str, Fraction]] = field(default_factory=dict)
    """What Stripe makes of the platform's money in a currency that its account has no balance in."""

    def now(self) -> int:
        """Stripe's clock, which the control can set forward."""
        return int(time.time()) + self.ahead_seconds

    def create(self, kind: str, prefix: str, fields: Json, *, account: str = "", parent: str = "") -> Json:
        """A new object of ``kind`` in ``account`` ("" is the platform); listed fast under ``parent``."""
        body: Json = {"id": new_id(prefix), "object": kind, "created": self.now(), "livemode": False, **fields}
        self.store.insert(body, account=account, parent=parent)
        return body

    def get(self, kind: str, stripe_id: str, *, account: str = "", noun: str = "", param: str = "id") -> Json:
        """The object of that kind in that account, or Stripe's refusal."""
        found = self.store.find(stripe_id)
        if found is None or found["object"] != kind or self.store.account_of(stripe_id) != account:
            raise missing(noun or kind, stripe_id, param=param)
        return found

    def save(self, body: Json, *, parent: str | None = None) -> None:
        """Keep what was changed in an object."""
        self.store.save(body, parent=parent)

    def emit(self, event_type: str, subject: Json, *, account: str = "") -> None:
        """Record an event with ``subject`` as it is now, and plan its webhooks."""
        fields: Json = {
            "api_version": api_version,
            "data": {"object": subject},
            "pending_webhooks": int(self.sends_webhooks),
            "request": {"id": None, "idempotency_key": None},
            "type": event_type,
        }
        if account:
            fields["account"] = account
        event = self.create("event", "evt", fields, account=account)
        for seconds in self.webhook_faults.plan() if self.sends_webhooks else []:
            self.store.schedule(event["id"], seconds=seconds)

    def move_money(
        self,
        *,
        amount: int,
        currency: str,
        kind: str,
        source: str,
        account: str = "",
        fee: int = 0,
        category: str = "",
        waits_seconds: int = 0,
    ) -> str:
        """Add ``amount`` (negative: take it) less ``fee`` to a balance; the id of the balance transaction.

        It is pending for ``waits_seconds`` by Stripe's clock, and available after. The platform's may be converted.
        """
        available_on = self.now() + waits_seconds
        rate = None
        if not account and currency in self.conversions:
            currency, rate = self.conversions[currency]
            amount, fee = round(amount * rate), round(fee * rate)
        fields: Json = {
            "amount": amount,
            "available_on": available_on,
            "currency": currency,
            "description": None,
            "exchange_rate": None if rate is None else float(rate),
            "fee": fee,
            "fee_details": [fee_detail(fee, currency)] if fee else [],
            "net": amount - fee,
            "reporting_category": category or kind,
            "source": source,
            "status": "pending" if waits_seconds else "available",
            "type": kind,
        }
        transaction = self.create("balance_transaction", "txn", fields, account=account, parent=source)
        self.store.add_to_sums(account=account, currency=currency, kind=category or kind, amount=amount, fee=fee)
        self.store.add_to_balance(
            account=account, currency=currency, amount=amount - fee, available_on=available_on if waits_seconds else 0
        )
        transaction_id: str = transaction["id"]
        return transaction_id

    def available(self, *, currency: str, account: str = "") -> int:
        """What may be moved out of an account now, in minor units."""
        return self.balances(account).get(currency, 0)

    def balances(self, account: str = "") -> dict[str, int]:
        """What may be moved out of an account now, by currency."""
        self.store.release_what_is_due(self.now())
        return self.store.balances(account)


def new_id(prefix: str) -> str:
    """A random id in Stripe's shape."""
    length = 16 if prefix == "acct" else 58 if prefix.startswith("cs_") else 24
    return f"{prefix}_{''.join(secrets.choice(LETTERS) for _ in range(length))}"


def fee_detail(fee: int, currency: str) -> Json:
    return {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }

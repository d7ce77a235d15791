"""The control: orders that no Stripe takes (faults, resets, the passing of time) and totals for reports."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from typing import Any

from billing.demo.stripe_double import accounts, checkout, disputes, payouts, refunds, transfers
from billing.demo.stripe_double.api import Api
from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.faults import Fault, FaultBoard, FaultKind, WebhookFaults
from billing.demo.stripe_double.webhooks import Endpoint, Sender
from billing.demo.stripe_double.world import World


@dataclass(frozen=True)
class Control:
    """The parts of a double that can be ordered about."""

    world: World
    api: Api
    faults: FaultBoard
    sender: Sender

    def obey(self, method: str, path: str, given: Json) -> Json:
        """Do what ``/_control/…`` asks for."""
        name = path.removeprefix("/_control/").strip("/")
        order = ORDERS.get(f"{method} {name}")
        if order is None:
            raise Refusal(f"There is no control {method} {name}. There are: {', '.join(ORDERS)}.", status=404)
        try:
            with self.world.store.transaction():
                return order(self, **given)
        except (TypeError, ValueError) as problem:
            raise Refusal(f"{method} {name} cannot be carried out: {problem}") from problem

    def reset(self) -> Json:
        self.world.store.clear()
        self.world.ahead_seconds = self.world.pending_seconds = 0
        self.world.conversions.clear()
        self.world.webhook_faults = WebhookFaults()
        self.faults.clear()
        self.api.requests.clear()
        return {}

    def totals(self) -> Json:
        """By currency, in minor units: what came in, went back, went on to accounts, and what banks have received."""
        return totals_of(self.world)

    def add_fault(self, **order: Any) -> Json:
        fault = Fault(**order)
        if fault.kind is FaultKind.DOWN:
            fault.times, fault.until = None, self.world.now() + fault.seconds
        self.faults.add(fault)
        return {}

    def list_faults(self) -> Json:
        self.faults.forget_over(now=self.world.now())
        return {"faults": [_shown(fault) for fault in self.faults.standing()], "struck": dict(self.faults.struck)}

    def clear_faults(self) -> Json:
        self.faults.clear()
        return {}

    def set_webhooks(self, url: str = "", secret: str = "", **order: Any) -> Json:
        """Where webhooks go (if named) and how they misbehave (from now on; nothing named: not at all)."""
        if url:
            self.sender.endpoint = Endpoint(url, secret)
            self.world.sends_webhooks = True
        self.world.webhook_faults = WebhookFaults(**order)
        return self.webhooks()

    def webhooks(self) -> Json:
        return {
            "left": self.world.store.deliveries_left(),
            "taken": self.sender.taken,
            **_shown(self.world.webhook_faults),
        }

    def settle(self, failure_code: str | None = None) -> Json:
        """The days pass: accounts are paid out, and payouts arrive (or all come back with ``failure_code``)."""
        return {"payouts": payouts.settle(self.world, failure_code=failure_code)}

    def advance(self, seconds: int) -> Json:
        """Set Stripe's clock forward; webhooks are still signed by the real one."""
        self.world.ahead_seconds += int(seconds)
        return {"now": self.world.now()}

    def set_capability(self, account: str, capability: str, status: str) -> Json:
        return accounts.change_capability(self.world, account, name=capability, status=status)

    def change_bank(self, account: str, bank: str) -> Json:
        return accounts.change_bank(self.world, account, bank=bank)

    def take_back(self, transfer: str, amount: int | None = None) -> Json:
        """A transfer (``amount``: a part of it) is reversed in the dashboard, whatever its account still has."""
        return transfers.take_back(self.world, transfer, amount=amount)

    def send_back(self, payout: str, failure_code: str = "account_closed") -> Json:
        return payouts.send_back(self.world, payout, failure_code=failure_code)

    def fail_refund(self, refund: str, reason: str = "lost_or_stolen_card") -> Json:
        return refunds.fail_refund(self.world, refund, reason=reason)

    def end_debits(self, **order: Any) -> Json:
        """Bank debits bring their money, or bounce (``failure_code``); all, or that of one ``payment_intent``."""
        return {"payment_intents": checkout.end_debits(self.world, **order)}

    def set_pace(self, pending_seconds: int) -> Json:
        """How long what is charged from now on stays pending, by Stripe's clock."""
        self.world.pending_seconds = int(pending_seconds)
        return {}

    def convert(self, currency: str, into: str, rate: str) -> Json:
        """The platform's account has no balance in ``currency`` from now on: what moves it is converted."""
        self.world.conversions[currency] = (into, Fraction(rate))
        return {}

    def open_dispute(self, payment_intent: str, **order: Any) -> Json:
        """A payer's bank takes a payment back (``amount``: a part of it; ``inquiry``: it only asks)."""
        return disputes.open_dispute(self.world, payment_intent, **order)

    def escalate_dispute(self, dispute: str) -> Json:
        return disputes.escalate_dispute(self.world, dispute)

    def give_back(self, dispute: str, amount: int | None = None) -> Json:
        """The bank gives a part of what it took back, and has not decided about the rest."""
        return disputes.give_back(self.world, dispute, amount=amount)

    def close_dispute(self, *, dispute: str, **order: Any) -> Json:
        """The end; ``amount``: of what was lost so much comes again; ``refundable``: the rest takes refunds."""
        return disputes.close_dispute(self.world, dispute, **order)

    def requests(self) -> Json:
        """The last API requests, oldest first."""
        return {"requests": list(self.api.requests)}


def totals_of(world: World) -> Json:
    """Per currency: paid_in, fees, refunded, disputed, transferred (less what came back), at_banks, available."""
    totals: dict[str, dict[str, int]] = {}
    signs = {"charge": ("paid_in", 1), "refund": ("refunded", -1), "refund_failure": ("refunded", -1)}
    signs |= {"transfer": ("transferred", -1), "transfer_reversal": ("transferred", -1)}
    signs |= {"dispute": ("disputed", -1), "dispute_reversal": ("disputed", -1)}
    own = {"paid_in": 0, "fees": 0, "refunded": 0, "disputed": 0, "transferred": 0, "at_banks": 0, "available": 0}
    for of_platform in (True, False):
        for entry in world.store.sums(of_platform=of_platform):
            row = totals.setdefault(entry.currency, dict(own))
            if of_platform:
                row["available"] += entry.amount - entry.fee
                row["fees"] += entry.fee
            if of_platform and entry.kind in signs:
                name, sign = signs[entry.kind]
                row[name] += sign * entry.amount
            if entry.kind in ("payout", "payout_failure"):
                row["at_banks"] -= entry.amount
    return totals


def _shown(order: Fault | WebhookFaults) -> Json:
    public = {entry.name for entry in fields(order) if not entry.name.startswith("_")}
    return {name: value for name, value in asdict(order).items() if name in public}


ORDERS: dict[str, Callable[..., Json]] = {
    "POST reset": Control.reset,
    "GET totals": Control.totals,
    "POST faults": Control.add_fault,
    "GET faults": Control.list_faults,
    "DELETE faults": Control.clear_faults,
    "POST webhooks": Control.set_webhooks,
    "GET webhooks": Control.webhooks,
    "POST settle": Control.settle,
    "POST advance": Control.advance,
    "POST capability": Control.set_capability,
    "POST bank": Control.change_bank,
    "POST refund_failure": Control.fail_refund,
    "POST transfer_reversal": Control.take_back,
    "POST payout_failure": Control.send_back,
    "POST debits": Control.end_debits,
    "POST pace": Control.set_pace,
    "POST conversion": Control.convert,
    "POST dispute": Control.open_dispute,
    "POST dispute_escalation": Control.escalate_dispute,
    "POST dispute_return": Control.give_back,
    "POST dispute_end": Control.close_dispute,
    "GET requests": Control.requests,
}

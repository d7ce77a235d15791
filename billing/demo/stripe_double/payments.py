"""Money in: customers, payment intents and the charges they make."""

import re

from billing.demo.stripe_double.errors import Json, Refusal, missing
from billing.demo.stripe_double.operation import Call
from billing.demo.stripe_double.world import World

GOOD_CARDS = frozenset({"pm_card_visa", "pm_card_mastercard", "pm_card_bypassPending"})
DECLINED_CARDS = {
    "pm_card_chargeDeclined": ("generic_decline", "Your card was declined."),
    "pm_card_chargeDeclinedInsufficientFunds": ("insufficient_funds", "Your card has insufficient funds."),
}
BANK_DEBITS = {"pm_usBankAccount_success": None, "pm_usBankAccount_accountClosed": "account_closed"}
"""Days pass before their bank brings the money, or says why not."""

SMALLEST_CHARGE = {"gbp": 30}
SMALLEST_CHARGE_ELSEWHERE = 50
THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})


def create_customer(world: World, call: Call) -> Json:
    given = call.given
    return new_customer(world, email=given.get("email"), name=given.get("name"), metadata=given.get("metadata"))


def new_customer(world: World, *, email: str | None, name: str | None = None, metadata: Json | None = None) -> Json:
    """Somebody who pays."""
    customer = world.create("customer", "cus", {"email": email, "name": name, "metadata": metadata or {}})
    world.emit("customer.created", customer)
    return customer


def retrieve_customer(world: World, call: Call) -> Json:
    return world.get("customer", call.ids[0])


def create_payment_intent(world: World, call: Call) -> Json:
    given = call.given
    intent = new_payment_intent(
        world,
        amount=given["amount"],
        currency=given["currency"],
        customer=given.get("customer"),
        metadata=given.get("metadata") or {},
        transfer_group=given.get("transfer_group"),
        payment_method=given.get("payment_method"),
    )
    return confirm(world, intent) if given.get("confirm") else intent


def confirm_payment_intent(world: World, call: Call) -> Json:
    intent = world.get("payment_intent", call.ids[0])
    if "payment_method" in call.given:
        intent["payment_method"] = known_card(call.given["payment_method"])
    return confirm(world, intent)


def retrieve_payment_intent(world: World, call: Call) -> Json:
    return world.get("payment_intent", call.ids[0])


def retrieve_charge(world: World, call: Call) -> Json:
    return world.get("charge", call.ids[0])


def new_payment_intent(
    world: World,
    *,
    amount: int,
    currency: str,
    customer: str | None,
    metadata: Json,
    transfer_group: str | None,
    payment_method: str | None,
) -> Json:
    """A payment intent that waits for its payment method or its confirmation."""
    check_charge(amount, currency)
    if customer is not None:
        world.get("customer", customer, param="customer")
    intent = world.create(
        "payment_intent",
        "pi",
        {
            "amount": amount,
            "amount_received": 0,
            "currency": currency,
            "customer": customer,
            "last_payment_error": None,
            "latest_charge": None,
            "metadata": metadata,
            "payment_method": known_card(payment_method) if payment_method else None,
            "payment_method_types": ["card"],
            "status": "requires_confirmation" if payment_method else "requires_payment_method",
            "transfer_group": transfer_group,
        },
    )
    world.emit("payment_intent.created", intent)
    return intent


def confirm(world: World, intent: Json) -> Json:
    """Charge the intent's card: the intent succeeds, or is refused and waits for another card."""
    if intent["status"] == "succeeded":
        raise Refusal(
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.",
            code="payment_intent_unexpected_state",
        )
    if intent["payment_method"] is None:
        raise Refusal(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    if intent["payment_method"] in DECLINED_CARDS:
        raise _declined(world, intent)
    if intent["payment_method"] in BANK_DEBITS:
        charge = _charge(world, intent, status="pending", method="us_bank_account")
        intent.update(status="processing", latest_charge=charge["id"], last_payment_error=None)
        world.save(intent)
        world.emit("charge.pending", charge)
        world.emit("payment_intent.processing", intent)
        return intent
    return _take(world, intent, _charge(world, intent, status="succeeded", method="card"), kind="charge")


def end_debit(world: World, intent: Json, *, failure_code: str | None) -> Json:
    """The payer's bank brings the money of a debit, or says why not."""
    charge = world.get("charge", intent["latest_charge"])
    if failure_code is None:
        return _take(world, intent, charge, kind="payment")
    message = f"The bank account could not be debited ({failure_code})."
    charge.update(status="failed", failure_code=failure_code, failure_message=message)
    world.save(charge)
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        last_payment_error={"code": failure_code, "message": message, "type": "card_error"},
    )
    world.save(intent)
    world.emit("charge.failed", charge)
    world.emit("payment_intent.payment_failed", intent)
    return intent


def _take(world: World, intent: Json, charge: Json, *, kind: str) -> Json:
    amount, currency = intent["amount"], intent["currency"]
    charge.update(status="succeeded", paid=True)
    charge["balance_transaction"] = world.move_money(
        amount=amount,
        currency=currency,
        kind=kind,
        category="charge",
        source=charge["id"],
        fee=(amount * world.fee_basis_points + 5_000) // 10_000 + world.fee_fixed_minor,
        waits_seconds=world.pending_seconds,
    )
    world.save(charge)
    intent.update(status="succeeded", amount_received=amount, latest_charge=charge["id"], last_payment_error=None)
    world.save(intent)
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    return intent


def known_card(payment_method: str) -> str:
    if not any(payment_method in known for known in (GOOD_CARDS, DECLINED_CARDS, BANK_DEBITS)):
        raise missing("PaymentMethod", payment_method, param="payment_method")
    return payment_method


def check_charge(amount: int, currency: str) -> None:
    """Stripe's own limits on what a card can be charged."""
    check_amount(amount, currency)
    smallest = SMALLEST_CHARGE.get(currency, SMALLEST_CHARGE_ELSEWHERE)
    if amount < smallest:
        raise Refusal(f"Amount must be at least {smallest} {currency}.", code="amount_too_small", param="amount")
    if amount > 99_999_999:
        raise Refusal(f"Amount must be no more than 99999999 {currency}.", code="amount_too_large", param="amount")


def check_amount(amount: int, currency: str) -> None:
    if not re.fullmatch("[a-z]{3}", currency):
        raise Refusal(f"Invalid currency: {currency}", param="currency")
    if amount < 1:
        raise Refusal(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if currency in THREE_DECIMALS and amount % 10:
        raise Refusal(
            f"Invalid amount: the last digit of an amount in {currency} must be 0.",
            code="parameter_invalid_integer",
            param="amount",
        )


def _charge(world: World, intent: Json, *, status: str, method: str) -> Json:
    return world.create(
        "charge",
        "ch",
        {
            "amount": intent["amount"],
            "amount_refunded": 0,
            "balance_transaction": None,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "disputed": False,
            "metadata": intent["metadata"],
            "paid": False,
            "payment_intent": intent["id"],
            "refunded": False,
            "payment_method_details": {"type": method},
            "status": status,
            "transfer_group": intent["transfer_group"],
        },
        parent=intent["id"],
    )


def _declined(world: World, intent: Json) -> Refusal:
    reason, message = DECLINED_CARDS[intent["payment_method"]]
    charge = _charge(world, intent, status="failed", method="card")
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        latest_charge=charge["id"],
        last_payment_error={"code": "card_declined", "decline_code": reason, "message": message, "type": "card_error"},
    )
    world.save(intent)
    world.emit("charge.failed", charge)
    world.emit("payment_intent.payment_failed", intent)
    return Refusal(
        message,
        status=402,
        kind="card_error",
        code="card_declined",
        details={"charge": charge["id"], "decline_code": reason, "payment_intent": intent},
        keeps_effect=True,
    )

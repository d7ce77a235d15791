"""Money back: refunds of a payment, never more than was paid."""

from billing.demo.stripe_double.disputes import is_disputed
from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.listing import page_of
from billing.demo.stripe_double.operation import Call
from billing.demo.stripe_double.payments import check_amount
from billing.demo.stripe_double.world import World


def create_refund(world: World, call: Call) -> Json:
    given = call.given
    charge = _charge_of(world, given)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise Refusal(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if is_disputed(world, charge):
        raise Refusal(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    amount = given.get("amount", left)
    check_amount(amount, charge["currency"])
    if amount > left:
        raise Refusal(
            f"Refund amount ({amount} {charge['currency']}) is greater than unrefunded amount on charge"
            f" ({left} {charge['currency']})",
            param="amount",
        )
    if amount > world.available(currency=charge["currency"]):
        raise Refusal(
            "You have insufficient funds in your Stripe balance to refund this amount.", code="balance_insufficient"
        )
    refund = _book(world, charge, amount=amount, reason=given.get("reason"), metadata=given.get("metadata") or {})
    world.emit("refund.created", refund)
    world.emit("charge.refunded", charge)
    world.emit("refund.updated", refund)
    return refund


def retrieve_refund(world: World, call: Call) -> Json:
    return world.get("refund", call.ids[0])


def list_refunds(world: World, call: Call) -> Json:
    charge = call.given.get("charge")
    parent = call.given.get("payment_intent", "")
    return page_of(world, call, "refund", parent=parent, wanted=lambda refund: charge in (None, refund["charge"]))


def fail_refund(world: World, refund_id: str, *, reason: str) -> Json:
    """The bank sends a refund back: its money returns to the balance."""
    refund = world.get("refund", refund_id)
    if refund["status"] != "succeeded":
        raise Refusal(f"Refund {refund_id} is {refund['status']} and cannot fail any more.")
    charge = world.get("charge", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    world.save(charge)
    refund.update(status="failed", failure_reason=reason)
    refund["failure_balance_transaction"] = world.move_money(
        amount=refund["amount"], currency=refund["currency"], kind="refund_failure", source=refund_id
    )
    world.save(refund)
    world.emit("refund.failed", refund)
    world.emit("refund.updated", refund)
    return refund


def _charge_of(world: World, given: Json) -> Json:
    if "charge" in given:
        return world.get("charge", given["charge"], param="charge")
    if "payment_intent" not in given:
        raise Refusal(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    intent = world.get("payment_intent", given["payment_intent"], param="payment_intent")
    if intent["status"] != "succeeded":
        raise Refusal(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", param="payment_intent"
        )
    return world.get("charge", intent["latest_charge"])


def _book(world: World, charge: Json, *, amount: int, reason: str | None, metadata: Json) -> Json:
    refund = world.create(
        "refund",
        "re",
        {
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "currency": charge["currency"],
            "failure_reason": None,
            "metadata": metadata,
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "succeeded",
        },
        parent=charge["payment_intent"],
    )
    refund["balance_transaction"] = world.move_money(
        amount=-amount,
        currency=charge["currency"],
        kind="refund" if charge["payment_method_details"]["type"] == "card" else "payment_refund",
        category="refund",
        source=refund["id"],
    )
    world.save(refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.save(charge)
    return refund

"""Disputes: a payer's bank asks about a payment, takes it back, and in the end gives it back or keeps it."""

from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.listing import page_of
from billing.demo.stripe_double.operation import Call
from billing.demo.stripe_double.world import World

DAYS_TO_ANSWER = 7
IS_ASKING = "warning_needs_response"
HAS_TAKEN = "needs_response"


def retrieve_dispute(world: World, call: Call) -> Json:
    return world.get("dispute", call.ids[0])


def list_disputes(world: World, call: Call) -> Json:
    charge = call.given.get("charge")
    parent = call.given.get("payment_intent", "")
    return page_of(world, call, "dispute", parent=parent, wanted=lambda dispute: charge in (None, dispute["charge"]))


def open_dispute(
    world: World, payment_intent: str, *, amount: int | None = None, reason: str = "fraudulent", inquiry: bool = False
) -> Json:
    """The payer's bank takes a payment back, or (``inquiry``) only asks about it."""
    intent = world.get("payment_intent", payment_intent)
    if intent["status"] != "succeeded":
        raise Refusal(f"PaymentIntent {payment_intent} is {intent['status']}: there is nothing to dispute.")
    charge = world.get("charge", intent["latest_charge"])
    left = charge["amount"] - sum(_in_dispute(each) for each in world.store.walk("dispute", parent=payment_intent))
    if left == 0:
        raise Refusal(f"Charge {charge['id']} is disputed already.")
    disputed = left if amount is None else amount
    if not 1 <= disputed <= left:
        raise Refusal(f"Of {charge['amount']} that were paid, {disputed} cannot be disputed: {left} are left.")
    charge["disputed"] = True
    world.save(charge)
    dispute = world.create(
        "dispute",
        "du",
        {
            "amount": disputed,
            "balance_transactions": [],
            "charge": charge["id"],
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {},
            "evidence_details": {"due_by": world.now() + DAYS_TO_ANSWER * 86_400, "has_evidence": False},
            "is_charge_refundable": inquiry,
            "metadata": {},
            "payment_intent": payment_intent,
            "reason": reason,
            "status": IS_ASKING if inquiry else HAS_TAKEN,
        },
        parent=payment_intent,
    )
    if not inquiry:
        _move(world, dispute, amount=-disputed, category="dispute", fee=world.dispute_fee_minor)
    world.emit("charge.dispute.created", dispute)
    if not inquiry:
        world.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def escalate_dispute(world: World, dispute_id: str) -> Json:
    """After its question the bank takes the payment back."""
    dispute = world.get("dispute", dispute_id)
    _require(dispute, IS_ASKING)
    dispute.update(status=HAS_TAKEN, is_charge_refundable=False)
    _move(world, dispute, amount=-dispute["amount"], category="dispute", fee=world.dispute_fee_minor)
    world.emit("charge.dispute.updated", dispute)
    world.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(
    world: World, dispute_id: str, *, won: bool, amount: int | None = None, refundable: bool = False
) -> Json:
    """The end: the payment is back, or it stays with the payer; a question that was only asked is closed.

    Where only ``amount`` of it comes again the dispute is lost in Stripe's words, and "partially won" in its dashboard.
    What was lost takes no refunds, of the rest of the payment neither, unless it is ``refundable``.
    """
    dispute = world.get("dispute", dispute_id)
    if dispute["status"] == IS_ASKING:
        return _close(world, dispute, "warning_closed")
    if not ((won or amount) and dispute["status"] == "lost"):  # what was lost may still be won on appeal
        _require(dispute, HAS_TAKEN)
    if won or amount:
        give_back(world, dispute_id, amount=amount)
        dispute = world.get("dispute", dispute_id)
    dispute["is_charge_refundable"] = refundable
    return _close(world, dispute, "lost" if _in_dispute(dispute) else "won")


def give_back(world: World, dispute_id: str, *, amount: int | None = None) -> Json:
    """The bank gives ``amount`` of what it took, or all that is left of it, back; nothing else changes."""
    dispute = world.get("dispute", dispute_id)
    left = _in_dispute(dispute)
    given = left if amount is None else amount
    if not 1 <= given <= left:
        raise Refusal(f"Of what dispute {dispute_id} took {left} are left, and {given} cannot be given back.")
    _move(world, dispute, amount=given, category="dispute_reversal", fee=0)
    world.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def _in_dispute(dispute: Json) -> int:
    """What was taken, or is asked about, and was not given back."""
    if dispute["status"] == "warning_closed":
        return 0
    if dispute["status"] == IS_ASKING:
        return int(dispute["amount"])
    return -sum(int(movement["amount"]) for movement in dispute["balance_transactions"])


def is_disputed(world: World, charge: Json) -> bool:
    """Whether a dispute is in the way of refunds of this charge."""
    disputes = world.store.walk("dispute", parent=charge["payment_intent"])
    return any(not dispute["is_charge_refundable"] and dispute["status"] != "won" for dispute in disputes)


def _close(world: World, dispute: Json, status: str) -> Json:
    dispute["status"] = status
    world.save(dispute)
    world.emit("charge.dispute.closed", dispute)
    return dispute


def _require(dispute: Json, status: str) -> None:
    if dispute["status"] != status:
        raise Refusal(f"Dispute {dispute['id']} is {dispute['status']}, not {status}.")


def _move(world: World, dispute: Json, *, amount: int, category: str, fee: int) -> None:
    moved = world.move_money(
        amount=amount,
        currency=dispute["currency"],
        kind="adjustment",
        category=category,
        source=dispute["id"],
        fee=fee,
    )
    dispute["balance_transactions"].append(world.get("balance_transaction", moved))
    world.save(dispute)

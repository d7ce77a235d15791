"""Checkout sessions: a hosted page where a client pays once."""

from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.operation import Call
from billing.demo.stripe_double.payments import (
    BANK_DEBITS,
    check_charge,
    confirm,
    end_debit,
    known_card,
    new_customer,
    new_payment_intent,
)
from billing.demo.stripe_double.world import World

SHORTEST_SECONDS = 30 * 60
LONGEST_SECONDS = 24 * 60 * 60


def create_session(world: World, call: Call) -> Json:
    given = call.given
    if given.get("mode") != "payment":
        raise Refusal("This double of Stripe carries checkout sessions of mode payment only.", param="mode")
    if "success_url" not in given:
        raise Refusal("Missing required param: success_url.", code="parameter_missing", param="success_url")
    amount, currency = _total(given.get("line_items") or [])
    check_charge(amount, currency)
    if given.get("customer"):
        world.get("customer", given["customer"], param="customer")
    session = world.create(
        "checkout.session",
        "cs_test",
        {
            "amount_subtotal": amount,
            "amount_total": amount,
            "cancel_url": given.get("cancel_url"),
            "client_reference_id": given.get("client_reference_id"),
            "currency": currency,
            "customer": given.get("customer"),
            "customer_creation": given.get("customer_creation", "if_required"),
            "customer_email": given.get("customer_email"),
            "expires_at": _expires_at(world, given.get("expires_at")),
            "metadata": given.get("metadata") or {},
            "mode": "payment",
            "payment_intent": None,
            "payment_method_types": given.get("allowed_payment_method_types") or ["card", "us_bank_account"],
            "payment_status": "unpaid",
            "status": "open",
            "success_url": given["success_url"],
            "url": None,
        },
    )
    session["url"] = f"{world.base_url}/checkout/{session['id']}"
    world.save(session)
    # What the payment intent is to carry is known now, but the intent comes into being with the payment.
    world.create("checkout.intent", "csi", {"session": session["id"], **_intent_fields(given)}, parent=session["id"])
    return session


def retrieve_session(world: World, call: Call) -> Json:
    return current_session(world, call.ids[0])


def expire_session(world: World, call: Call) -> Json:
    session = current_session(world, call.ids[0])
    if session["status"] != "open":
        raise Refusal(f'Only Checkout Sessions with a status in ["open"] can be expired, not {session["status"]}.')
    return _expire(world, session)


def current_session(world: World, session_id: str) -> Json:
    """The session as it is now: one whose time is over has expired."""
    session = world.get("checkout.session", session_id)
    if session["status"] == "open" and world.now() >= session["expires_at"]:
        return _expire(world, session)
    return session


def pay_session(world: World, session_id: str, *, card: str) -> Json:
    """What the button on the hosted page does: pay with ``card``, or be declined and stay open."""
    session = current_session(world, session_id)
    if session["status"] != "open":
        raise Refusal(f"This checkout session is {session['status']} and cannot be paid.")
    if session["customer"] is None and session["customer_creation"] == "always":
        session["customer"] = new_customer(world, email=session["customer_email"])["id"]
    intent = _intent_of(world, session, card=card)
    session["payment_intent"] = intent["id"]
    world.save(session, parent=intent["id"])
    is_paid = confirm(world, intent)["status"] == "succeeded"
    session.update(payment_status="paid" if is_paid else "unpaid", status="complete")
    world.save(session)
    world.emit("checkout.session.completed", session)
    return session


def end_debits(world: World, *, failure_code: str | None = None, payment_intent: str = "") -> list[Json]:
    """Days pass: bank debits (or that of ``payment_intent``) bring their money, or bounce with ``failure_code``.

    Those of an account that is closed bounce in any case.
    """
    waiting = [intent for intent in world.store.walk("payment_intent") if intent["status"] == "processing"]
    chosen = [intent for intent in reversed(waiting) if payment_intent in ("", intent["id"])]
    for intent in chosen:
        end_debit(world, intent, failure_code=failure_code or BANK_DEBITS[intent["payment_method"]])
        for session in world.store.walk("checkout.session", parent=intent["id"]):
            is_paid = intent["status"] == "succeeded"
            session["payment_status"] = "paid" if is_paid else "unpaid"
            world.save(session)
            world.emit(f"checkout.session.async_payment_{'succeeded' if is_paid else 'failed'}", session)
    return chosen


def _intent_of(world: World, session: Json, *, card: str) -> Json:
    """The intent of an earlier, declined try with the new card, or a new one."""
    if session["payment_intent"]:
        intent = world.get("payment_intent", session["payment_intent"])
        intent["payment_method"] = known_card(card)
        return intent
    wanted = next(world.store.walk("checkout.intent", parent=session["id"]))
    return new_payment_intent(
        world,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        metadata=wanted["metadata"],
        transfer_group=wanted["transfer_group"],
        payment_method=card,
    )


def _total(line_items: list[Json]) -> tuple[int, str]:
    if not line_items:
        raise Refusal("Missing required param: line_items.", code="parameter_missing", param="line_items")
    total, currencies = 0, set()
    for number, line in enumerate(line_items):
        price = line.get("price_data")
        if price is None or "unit_amount" not in price:
            raise Refusal(
                "This double of Stripe prices a line by price_data and unit_amount.", param=f"line_items[{number}]"
            )
        if "product_data" not in price:
            raise Refusal(
                "You must specify either `product` or `product_data` when creating a price.",
                code="parameter_missing",
                param=f"line_items[{number}][price_data][product]",
            )
        total += price["unit_amount"] * line.get("quantity", 1)
        currencies.add(price["currency"])
    if len(currencies) > 1:
        raise Refusal("All line items must have the same currency.", param="line_items")
    return total, currencies.pop()


def _expires_at(world: World, asked: int | None) -> int:
    if asked is None:
        return world.now() + LONGEST_SECONDS
    if not SHORTEST_SECONDS <= asked - world.now() <= LONGEST_SECONDS:
        raise Refusal(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return asked


def _intent_fields(given: Json) -> Json:
    wanted = given.get("payment_intent_data") or {}
    return {"metadata": wanted.get("metadata") or {}, "transfer_group": wanted.get("transfer_group")}


def _expire(world: World, session: Json) -> Json:
    session.update(status="expired", url=None)
    world.save(session)
    world.emit("checkout.session.expired", session)
    return session

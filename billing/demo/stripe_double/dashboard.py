"""A page on which a person plays the bank: disputes, bank debits that settle or bounce, the passing of days."""

from html import escape
from itertools import islice
from urllib.parse import parse_qs

from billing.demo.stripe_double import checkout, disputes, payouts, transfers
from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.world import World

ROWS = 30


def rows(world: World) -> str:
    """What there is, the newest first, and what can be done with it, as HTML."""
    parts = [
        ("Payments", "payment_intent", _of_payment),
        ("Disputes", "dispute", _of_dispute),
        ("Transfers to workers", "transfer", _of_transfer),
    ]
    shown = ["<form method=post><button class=yes name=days value=pass>Let the days pass</button></form>"]
    for title, kind, actions in parts:
        found = list(islice(world.store.walk(kind), ROWS))
        lines = "".join(f"<li>{_line(body)} {_buttons(actions(body), body['id'])}</li>" for body in found)
        shown.append(f"<h2>{title}</h2><ul>{lines or '<li>none yet</li>'}</ul>")
    return "".join(shown)


def press(world: World, form: str) -> None:
    """What a button does: one order."""
    ((order, subject),) = ((name, values[-1]) for name, values in parse_qs(form).items())
    match order:
        case "dispute":
            disputes.open_dispute(world, subject)
        case "ask":
            disputes.open_dispute(world, subject, inquiry=True)
        case "escalate":
            disputes.escalate_dispute(world, subject)
        case "win" | "lose" | "half":
            half = world.get("dispute", subject)["amount"] // 2 if order == "half" else None
            disputes.close_dispute(world, subject, won=order == "win", amount=half)
        case "bring":
            checkout.end_debits(world, payment_intent=subject)
        case "bounce":
            checkout.end_debits(world, payment_intent=subject, failure_code="insufficient_funds")
        case "take_back" | "take_half":
            left = _left(world.get("transfer", subject))
            transfers.take_back(world, subject, amount=left if order == "take_back" else max(1, left // 2))
        case "days":
            checkout.end_debits(world)
            payouts.settle(world)
        case _:
            raise Refusal(f"There is no order {order}.", status=404)


def _of_payment(intent: Json) -> dict[str, str]:
    if intent["status"] == "processing":
        return {"bring": "The bank brings it", "bounce": "It bounces"}
    return {"dispute": "Dispute it", "ask": "The bank asks about it"} if intent["status"] == "succeeded" else {}


def _of_dispute(dispute: Json) -> dict[str, str]:
    if dispute["status"] == disputes.IS_ASKING:
        return {"escalate": "Take it back", "win": "Ask no more"}
    if dispute["status"] != disputes.HAS_TAKEN:
        return {}
    return {"win": "It comes again", "half": "Half comes again", "lose": "It is lost"}


def _of_transfer(transfer: Json) -> dict[str, str]:
    return {"take_back": "Take it back", "take_half": "Take half back"} if _left(transfer) else {}


def _left(transfer: Json) -> int:
    return int(transfer["amount"] - transfer["amount_reversed"])


def _line(body: Json) -> str:
    state = body.get("status") or ("reversed" if body.get("reversed") else "sent")
    return f"{escape(body['id'])}: {body['amount']} {escape(body['currency'])}, {escape(state)}"


def _buttons(actions: dict[str, str], subject: str) -> str:
    buttons = "".join(
        f'<button class=no name="{name}" value="{escape(subject)}">{escape(label)}</button>'
        for name, label in actions.items()
    )
    return f"<form method=post>{buttons}</form>" if buttons else ""

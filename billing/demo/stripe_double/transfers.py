"""Money out, first half: transfers from the platform to connected accounts, and their reversals."""

from billing.demo.stripe_double.accounts import get_account
from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.listing import page_of
from billing.demo.stripe_double.operation import Call
from billing.demo.stripe_double.payments import check_amount
from billing.demo.stripe_double.world import World, new_id

REVERSALS_SHOWN = 10
"""By a transfer itself, the newest first; its list has them all."""


def create_transfer(world: World, call: Call) -> Json:
    given = call.given
    if "amount" not in given:
        raise Refusal("Missing required param: amount.", code="parameter_missing", param="amount")
    amount, currency = given["amount"], given["currency"]
    check_amount(amount, currency)
    account = get_account(world, given["destination"], param="destination")
    if account["capabilities"].get("transfers") != "active":
        raise Refusal(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers,"
            " crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    if amount > world.available(currency=currency):
        raise Refusal(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your available"
            " balance.",
            code="balance_insufficient",
        )
    return _book_transfer(world, given, account)


def retrieve_transfer(world: World, call: Call) -> Json:
    return world.get("transfer", call.ids[0])


def list_transfers(world: World, call: Call) -> Json:
    destination = call.given.get("destination")
    return page_of(
        world,
        call,
        "transfer",
        parent=call.given.get("transfer_group", ""),
        wanted=lambda transfer: destination in (None, transfer["destination"]),
    )


def create_reversal(world: World, call: Call) -> Json:
    transfer = world.get("transfer", call.ids[0])
    left = transfer["amount"] - transfer["amount_reversed"]
    if left == 0:
        raise Refusal(f"Transfer {transfer['id']} has already been fully reversed.", code="transfer_already_reversed")
    amount = call.given.get("amount", left)
    currency = transfer["currency"]
    check_amount(amount, currency)
    if amount > left:
        raise Refusal(
            f"Transfer reversal ({amount} {currency}) is greater than unreversed amount on transfer"
            f" ({left} {currency})",
            param="amount",
        )
    if amount > world.available(currency=currency, account=transfer["destination"]):
        raise Refusal(
            "The recipient of the transfer does not have sufficient funds in their Stripe balance to reverse this"
            " amount.",
            code="balance_insufficient",
        )
    return _book_reversal(world, transfer, amount=amount, metadata=call.given.get("metadata") or {})


def take_back(world: World, transfer_id: str, *, amount: int | None = None) -> Json:
    """The platform takes a transfer, or a part of it, back in its dashboard, even when its account falls below zero."""
    transfer = world.get("transfer", transfer_id)
    left = transfer["amount"] - transfer["amount_reversed"]
    if left == 0:
        raise Refusal(f"Transfer {transfer_id} has already been fully reversed.", code="transfer_already_reversed")
    taken = left if amount is None else amount
    if not 1 <= taken <= left:
        raise Refusal(f"Of transfer {transfer_id} {left} are left, and {taken} cannot be taken back.", param="amount")
    return _book_reversal(world, transfer, amount=taken, metadata={})


def list_reversals(world: World, call: Call) -> Json:
    transfer = world.get("transfer", call.ids[0])
    return page_of(world, call, "transfer_reversal", parent=transfer["id"])


def _book_transfer(world: World, given: Json, account: Json) -> Json:
    amount, currency = given["amount"], given["currency"]
    transfer = world.create(
        "transfer",
        "tr",
        {
            "amount": amount,
            "amount_reversed": 0,
            "balance_transaction": None,
            "currency": currency,
            "description": given.get("description"),
            "destination": account["id"],
            "destination_payment": new_id("py"),
            "metadata": given.get("metadata") or {},
            "reversals": {"object": "list", "data": [], "has_more": False, "total_count": 0, "url": ""},
            "reversed": False,
            "source_transaction": given.get("source_transaction"),
            "source_type": given.get("source_type", "card"),
            "transfer_group": given.get("transfer_group"),
        },
        parent=given.get("transfer_group", ""),
    )
    transfer["reversals"]["url"] = f"/v1/transfers/{transfer['id']}/reversals"
    transfer["balance_transaction"] = world.move_money(
        amount=-amount, currency=currency, kind="transfer", source=transfer["id"]
    )
    world.move_money(
        amount=amount,
        currency=currency,
        kind="payment",
        source=transfer["destination_payment"],
        account=account["id"],
    )
    world.save(transfer)
    world.emit("transfer.created", transfer)
    return transfer


def _book_reversal(world: World, transfer: Json, *, amount: int, metadata: Json) -> Json:
    reversal = world.create(
        "transfer_reversal",
        "trr",
        {
            "amount": amount,
            "balance_transaction": None,
            "currency": transfer["currency"],
            "metadata": metadata,
            "transfer": transfer["id"],
        },
        parent=transfer["id"],
    )
    reversal["balance_transaction"] = world.move_money(
        amount=amount,
        currency=transfer["currency"],
        kind="transfer_refund",
        category="transfer_reversal",
        source=reversal["id"],
    )
    world.move_money(
        amount=-amount,
        currency=transfer["currency"],
        kind="payment_refund",
        source=new_id("pyr"),
        account=transfer["destination"],
    )
    world.save(reversal)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    shown = transfer["reversals"]
    shown["total_count"] += 1
    shown["data"] = [reversal, *shown["data"]][:REVERSALS_SHOWN]
    shown["has_more"] = shown["total_count"] > REVERSALS_SHOWN
    world.save(transfer)
    world.emit("transfer.reversed", transfer)
    return reversal

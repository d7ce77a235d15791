"""What has happened and where the money stands: balance, balance transactions, events."""

from fnmatch import fnmatchcase

from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.listing import page_of
from billing.demo.stripe_double.operation import Call
from billing.demo.stripe_double.world import World


def retrieve_balance(world: World, call: Call) -> Json:
    balances = world.balances(call.account) or {"usd": 0}
    pending = {**dict.fromkeys(balances, 0), **world.store.pending(call.account)}
    return {
        "object": "balance",
        "available": [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency, amount in balances.items()
        ],
        "livemode": False,
        "pending": [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency, amount in pending.items()
        ],
    }


def list_balance_transactions(world: World, call: Call) -> Json:
    kind, currency = call.given.get("type"), call.given.get("currency")
    page = page_of(
        world,
        call,
        "balance_transaction",
        account=call.account,
        parent=call.given.get("source", ""),
        wanted=lambda entry: kind in (None, entry["type"]) and currency in (None, entry["currency"]),
    )
    return {**page, "data": [_as_of_now(world, entry) for entry in page["data"]]}


def retrieve_balance_transaction(world: World, call: Call) -> Json:
    return _as_of_now(world, world.get("balance_transaction", call.ids[0], account=call.account))


def _as_of_now(world: World, entry: Json) -> Json:
    return {**entry, "status": "available" if entry["available_on"] <= world.now() else "pending"}


def list_events(world: World, call: Call) -> Json:
    if "type" in call.given and "types" in call.given:
        raise Refusal("You may only specify one of these parameters: type, types.")
    wanted = call.given.get("types") or [call.given.get("type", "*")]
    delivered = call.given.get("delivery_success")
    return page_of(
        world,
        call,
        "event",
        account=call.account,
        wanted=lambda event: (
            any(fnmatchcase(event["type"], pattern) for pattern in wanted)
            and delivered in (None, event["pending_webhooks"] == 0)
        ),
    )


def retrieve_event(world: World, call: Call) -> Json:
    return world.get("event", call.ids[0], account=call.account)

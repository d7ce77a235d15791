"""Money out, second half: payouts from a connected account (or the platform) to its owner's bank."""

from billing.demo.stripe_double.accounts import get_account
from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.listing import page_of
from billing.demo.stripe_double.operation import Call
from billing.demo.stripe_double.payments import check_amount
from billing.demo.stripe_double.world import World

DAYS_TO_ARRIVE = 2
ON_THE_WAY = "on the way"


def create_payout(world: World, call: Call) -> Json:
    given = call.given
    check_amount(given["amount"], given["currency"])
    if call.account and not get_account(world, call.account)["payouts_enabled"]:
        raise Refusal("Payouts are not enabled on this account.", code="payouts_not_allowed")
    if given["amount"] > world.available(currency=given["currency"], account=call.account):
        raise Refusal("You have insufficient funds in your Stripe account.", code="balance_insufficient")
    return _book(
        world,
        account=call.account,
        amount=given["amount"],
        currency=given["currency"],
        automatic=False,
        metadata=given.get("metadata") or {},
    )


def retrieve_payout(world: World, call: Call) -> Json:
    return world.get("payout", call.ids[0], account=call.account)


def list_payouts(world: World, call: Call) -> Json:
    status = call.given.get("status")
    return page_of(
        world, call, "payout", account=call.account, wanted=lambda payout: status in (None, payout["status"])
    )


def settle(world: World, *, failure_code: str | None = None) -> list[Json]:
    """What the passing of days does: accounts on a schedule are paid out, and each payout arrives or comes back."""
    for account_id, currency, available in world.store.accounts_with_money():
        account = get_account(world, account_id)
        if account["payouts_enabled"] and account["settings"]["payouts"]["schedule"]["interval"] != "manual":
            _book(world, account=account_id, amount=available, currency=currency, automatic=True, metadata={})
    on_the_way = list(world.store.walk("payout", parent=ON_THE_WAY))
    return [_arrive(world, payout, failure_code=failure_code) for payout in reversed(on_the_way)]


def send_back(world: World, payout_id: str, *, failure_code: str) -> Json:
    """The bank sends a payout back, also one that had arrived."""
    payout = world.store.find(payout_id)
    if payout is None or payout["object"] != "payout" or payout["status"] == "failed":
        raise Refusal(f"There is no payout {payout_id} that its bank could send back.")
    return _arrive(world, payout, failure_code=failure_code)


def _arrive(world: World, payout: Json, *, failure_code: str | None) -> Json:
    account = world.store.account_of(payout["id"])
    if failure_code is None:
        payout["status"] = "paid"
        event_type = "payout.paid"
    else:
        payout.update(status="failed", failure_code=failure_code)
        payout["failure_balance_transaction"] = world.move_money(
            amount=payout["amount"],
            currency=payout["currency"],
            kind="payout_failure",
            source=payout["id"],
            account=account,
        )
        event_type = "payout.failed"
    world.save(payout, parent="")
    world.emit(event_type, payout, account=account)
    return payout


def _book(world: World, *, account: str, amount: int, currency: str, automatic: bool, metadata: Json) -> Json:
    payout = world.create(
        "payout",
        "po",
        {
            "amount": amount,
            "arrival_date": world.now() + DAYS_TO_ARRIVE * 86_400,
            "automatic": automatic,
            "balance_transaction": None,
            "currency": currency,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "metadata": metadata,
            "method": "standard",
            "status": "pending",
            "type": "bank_account",
        },
        account=account,
        parent=ON_THE_WAY,
    )
    payout["balance_transaction"] = world.move_money(
        amount=-amount, currency=currency, kind="payout", source=payout["id"], account=account
    )
    world.save(payout)
    world.emit("payout.created", payout, account=account)
    return payout

"""Connected accounts: made by the platform, opened by their owner on a hosted page."""

import hashlib
from typing import Any

from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.operation import Call
from billing.demo.stripe_double.world import World, new_id

LINK_SECONDS = 300
TO_BE_GIVEN = ("external_account", "individual.dob.day", "individual.first_name", "tos_acceptance.date")
TYPE_BY_DASHBOARD = {"express": "express", "full": "standard", "none": "custom"}


def create_account(world: World, call: Call) -> Json:
    given = call.given
    if "type" in given and "controller" in given:
        raise Refusal("You may not provide the `type` and `controller` parameters together.", param="type")
    country = given.get("country", "US")
    if len(country) != 2 or not country.isupper():
        raise Refusal(
            f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code.", param="country"
        )
    asked_for = [name for name, wish in (given.get("capabilities") or {}).items() if wish.get("requested")]
    return world.create(
        "account",
        "acct",
        {
            "business_type": given.get("business_type"),
            "capabilities": dict.fromkeys(asked_for, "inactive"),
            "charges_enabled": False,
            "country": country,
            "default_currency": given.get("default_currency", "usd"),
            "details_submitted": False,
            "email": given.get("email"),
            "external_accounts": {"object": "list", "data": [], "has_more": False},
            "metadata": given.get("metadata") or {},
            "payouts_enabled": False,
            "requirements": _requirements(due=TO_BE_GIVEN),
            "settings": {"payouts": {"schedule": _payout_schedule(given)}},
            "type": _account_type(given),
        },
    )


def retrieve_account(world: World, call: Call) -> Json:
    return get_account(world, call.ids[0])


def create_account_link(world: World, call: Call) -> Json:
    given = call.given
    get_account(world, given["account"], param="account")
    if given["type"] != "account_onboarding":
        raise Refusal("You cannot create `account_update` type Account Links for this account.", param="type")
    for needed in ("refresh_url", "return_url"):
        if needed not in given:
            raise Refusal(f"Missing required param: {needed}.", code="parameter_missing", param=needed)
    link: Json = {
        "account": given["account"],
        "expires_at": world.now() + LINK_SECONDS,
        "refresh_url": given["refresh_url"],
        "return_url": given["return_url"],
        "used": False,
    }
    secret = world.create("account_link.secret", "link", link)
    return {
        "object": "account_link",
        "created": secret["created"],
        "expires_at": secret["expires_at"],
        "url": f"{world.base_url}/onboarding/{secret['id']}",
    }


def open_link(world: World, link_id: str) -> Json | None:
    """The onboarding link behind a page, or None when it is used up or too old."""
    link = world.get("account_link.secret", link_id)
    return None if link["used"] or world.now() >= link["expires_at"] else link


def complete_onboarding(world: World, link: Json, *, bank: str = "") -> Json:
    """The owner has given everything: what was requested becomes active, and payouts are possible.

    Somebody who is through already changes nothing, unless they name another ``bank``.
    """
    link["used"] = True
    world.save(link)
    account = get_account(world, link["account"])
    account.update(details_submitted=True, payouts_enabled=True, requirements=_requirements(due=()))
    if bank or not account["external_accounts"]["data"]:
        _set_bank(world, account, bank)
    for name in account["capabilities"]:
        _set_capability(world, account, name, "active")
    account["charges_enabled"] = account["capabilities"].get("card_payments") == "active"
    world.save(account)
    world.emit("account.updated", account, account=account["id"])
    return account


def change_capability(world: World, account_id: str, *, name: str, status: str) -> Json:
    """Stripe takes a capability away, or gives it back."""
    account = get_account(world, account_id)
    if name not in account["capabilities"]:
        raise Refusal(f"Account {account_id} has not requested the capability {name}.")
    _set_capability(world, account, name, status)
    world.save(account)
    world.emit("account.updated", account, account=account_id)
    return account


def change_bank(world: World, account_id: str, *, bank: str) -> Json:
    """The owner names another bank account on Stripe's own dashboard; the same ``bank`` is the same for everybody."""
    account = get_account(world, account_id)
    _set_bank(world, account, bank)
    world.save(account)
    world.emit("account.updated", account, account=account_id)
    return account


def get_account(world: World, account_id: str, *, param: str = "id") -> Json:
    return world.get("account", account_id, param=param, noun="account" if param == "id" else param)


def _set_capability(world: World, account: Json, name: str, status: str) -> None:
    account["capabilities"][name] = status
    capability: Json = {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "requested": True,
        "status": status,
    }
    world.emit("capability.updated", capability, account=account["id"])


def _account_type(given: Json) -> Any:
    if "type" in given:
        return given["type"]
    dashboard = (given.get("controller") or {}).get("stripe_dashboard") or {}
    return TYPE_BY_DASHBOARD[dashboard.get("type", "full")]


def _payout_schedule(given: Json) -> Json:
    asked = ((given.get("settings") or {}).get("payouts") or {}).get("schedule") or {}
    return {"delay_days": 2, "interval": asked.get("interval", "daily")}


def _requirements(*, due: tuple[str, ...]) -> Json:
    return {
        "currently_due": list(due),
        "disabled_reason": "requirements.past_due" if due else None,
        "errors": [],
        "eventually_due": list(due),
        "past_due": list(due),
        "pending_verification": [],
    }


def _set_bank(world: World, account: Json, bank: str) -> None:
    external = _bank_account(account, bank or new_id("number"))
    account["external_accounts"]["data"] = [external]
    world.emit("account.external_account.created", external, account=account["id"])


def _bank_account(account: Json, number: str) -> Json:
    return {
        "id": new_id("ba"),
        "object": "bank_account",
        "fingerprint": hashlib.sha256(number.encode()).hexdigest()[:16],
        "account": account["id"],
        "bank_name": "STRIPE TEST BANK",
        "country": account["country"],
        "currency": account["default_currency"],
        "default_for_currency": True,
        "last4": "6789",
        "status": "new",
    }

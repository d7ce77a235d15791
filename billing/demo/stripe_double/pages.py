"""The pages that Stripe would host: paying for a checkout session, opening a connected account, and a dashboard."""

from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs

from billing.demo.stripe_double import accounts, checkout, dashboard
from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.world import World

STYLE = """
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 4rem auto; padding: 0 1rem; color: #1a1f36 }
.note { background: #fff4d6; border-left: .3rem solid #b98900; padding: .6rem 1rem }
.amount { font-size: 2.2rem; font-weight: 600; margin: 1rem 0 }
.error { color: #a31621; font-weight: 600 }
button { font: inherit; padding: .7rem 1.4rem; margin: 0 .6rem .6rem 0; border: 0; border-radius: .4rem }
.yes { background: #4338ca; color: #fff } .no { background: #e3e8ee; color: #1a1f36 }
"""
DASHBOARD = "dashboard"
DIGITS_BEHIND_THE_POINT = {"jpy": 0, "kwd": 3}


@dataclass(frozen=True)
class Page:
    """A page to show, or (``location``) where the browser goes next."""

    html: str = ""
    status: int = 200
    location: str = ""


def show(world: World, path: str) -> Page:
    """What a browser sees at an address."""
    if path.strip("/") == DASHBOARD:
        with world.store.transaction():
            return _page("Play the bank", dashboard.rows(world))
    noun, stripe_id = _place(path)
    with world.store.transaction():
        if noun == "checkout":
            return _checkout_page(checkout.current_session(world, stripe_id))
        link = accounts.open_link(world, stripe_id)
        return _onboarding_page(link) if link else _stale_link(world, stripe_id)


def press(world: World, path: str, form: str) -> Page:
    """What a button does."""
    if path.strip("/") == DASHBOARD:
        with world.store.transaction():
            dashboard.press(world, form)
        return Page(status=303, location=f"{world.base_url}/{DASHBOARD}")
    noun, stripe_id = _place(path)
    choice = {name: values[-1] for name, values in parse_qs(form).items()}
    return _pay(world, stripe_id, choice) if noun == "checkout" else _onboard(world, stripe_id, choice)


def _place(path: str) -> tuple[str, str]:
    match path.strip("/").split("/"):
        case ["checkout" | "onboarding" as noun, stripe_id]:
            return noun, stripe_id
    raise Refusal(f"There is no page at {path}.", status=404)


def _pay(world: World, session_id: str, choice: dict[str, str]) -> Page:
    try:
        with world.store.transaction():
            session = checkout.pay_session(world, session_id, card=choice.get("card", "pm_card_visa"))
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        with world.store.transaction():
            session = checkout.current_session(world, session_id)
        return _checkout_page(session, error=str(refusal), status=refusal.status)
    return Page(status=303, location=session["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id))


def _onboard(world: World, link_id: str, choice: dict[str, str]) -> Page:
    with world.store.transaction():
        link = accounts.open_link(world, link_id)
        if link is None:
            return _stale_link(world, link_id)
        if choice.get("action", "complete") == "complete":
            accounts.complete_onboarding(world, link, bank=choice.get("bank", ""))
        return Page(status=303, location=link["return_url"])


def _stale_link(world: World, link_id: str) -> Page:
    """An onboarding link works once and for minutes; after that the platform has to make another."""
    return Page(status=303, location=world.get("account_link.secret", link_id)["refresh_url"])


def _checkout_page(session: Json, *, error: str = "", status: int = 200) -> Page:
    amount = f"<p class=amount>{escape(_amount(session['amount_total'], session['currency']))}</p>"
    if session["status"] != "open":
        title = f"This payment is {session['status']}"
        return _page(title, f"{amount}<p>Nothing more can be paid here.</p>", status=status)
    problem = f"<p class=error role=alert>{escape(error)}</p>" if error else ""
    leave = ""
    if session["cancel_url"]:
        leave = f'<p><a href="{escape(session["cancel_url"])}">Leave without paying</a></p>'
    return _page(
        "Pay with a test card",
        f"""{amount}<p>{escape(session["customer_email"] or "")}</p>{problem}
        <form method=post>
        <button class=yes name=card value=pm_card_visa>Pay</button>
        <button class=no name=card value=pm_card_chargeDeclined>Pay with a card that is declined</button>
        <button class=no name=card value=pm_usBankAccount_success>Pay by bank debit, which takes days</button>
        <button class=no name=card value=pm_usBankAccount_accountClosed>Pay by a bank debit that will bounce</button>
        </form>{leave}""",
        status=status,
    )


def _onboarding_page(link: Json) -> Page:
    return _page(
        "Set up your payouts",
        f"""<p>Account {escape(link["account"])}. A real page would now ask for your identity and your bank account.</p>
        <form method=post>
        <button class=yes name=action value=complete>Give everything and finish</button>
        <button class=no name=action value=leave>Leave it for later</button>
        <p><label>Bank account, if it is to be another: <input name=bank></label></p>
        </form>""",
    )


def _page(title: str, content: str, *, status: int = 200) -> Page:
    return Page(
        f"""<!doctype html><html lang=en><head><meta charset=utf-8><title>{escape(title)}</title>
        <meta name=viewport content="width=device-width"><style>{STYLE}</style></head><body>
        <p class=note>This is a stand-in for Stripe on your own machine. No real money moves.</p>
        <h1>{escape(title)}</h1>{content}</body></html>""",
        status=status,
    )


def _amount(minor: int, currency: str) -> str:
    digits = DIGITS_BEHIND_THE_POINT.get(currency, 2)
    whole, rest = divmod(minor, 10**digits)
    return f"{whole:,}{f'.{rest:0{digits}d}' if digits else ''} {currency.upper()}"

"""Clients, who acts for them, and their money."""

from typing import Final

from kernel.policy import allow
from marketplace.policy.shapes import MOVEMENT, PERSON
from marketplace.policy.words import OWN

SIDE: Final = "owner member"
READERS: Final = "escalations finance auditor"

CLIENT: Final = "id name country created_at"
MEMBER: Final = f"id user({PERSON}) role may created_at"
BALANCE: Final = (
    "client balances(currency available_minor escrow_minor refunds_in_flight_minor) "
    "escrow(job title currency amount_minor)"
)
FUNDING: Final = "id state amount_minor currency checkout_url refunded_minor failure created_at settled_at"
REFUND: Final = "id funding state amount_minor currency failure created_at finished_at"

ROWS: Final = (
    *allow("list_clients", on="client", to=SIDE, reads=CLIENT, scope="jobs.read"),
    *allow("list_clients", on="client", to=READERS, reads=CLIENT, scope="admin.read"),
    *allow(
        "create_a_client",
        on="client",
        to="person",
        reads=CLIENT,
        writes="name country",
        scope="jobs.write",
        why="Its first owner.",
    ),
    *allow("show_a_client", on="client", to=SIDE, reads=CLIENT, scope="jobs.read"),
    *allow("show_a_client", on="client", to=READERS, reads=CLIENT, scope="admin.read"),
    *allow("list_members", on="member", to=SIDE, reads=MEMBER, scope="jobs.read"),
    *allow("list_members", on="member", to="auditor", reads=MEMBER, scope="admin.read"),
    *allow("add_a_member", on="member", to="owner", reads=MEMBER, writes="email role", scope="jobs.write"),
    *allow("remove_a_member", on="member", to="owner", scope="jobs.write"),
    *allow("remove_a_member", on="member", to="member", when=OWN, scope="jobs.write", why="Anybody may leave."),
    *allow("show_a_client_s_balance", on="client's money", to=SIDE, reads=BALANCE, scope="money.read"),
    *allow("show_a_client_s_balance", on="client's money", to="finance auditor", reads=BALANCE, scope="admin.read"),
    *allow("show_a_client_s_statement", on="client's money", to=SIDE, reads=MOVEMENT, scope="money.read"),
    *allow("show_a_client_s_statement", on="client's money", to="finance auditor", reads=MOVEMENT, scope="admin.read"),
    *allow("list_fundings", on="funding", to=SIDE, reads=FUNDING, scope="money.read"),
    *allow("list_fundings", on="funding", to="finance auditor", reads=FUNDING, scope="admin.read"),
    *allow("show_a_funding", on="funding", to=SIDE, reads=FUNDING, scope="money.read"),
    *allow("show_a_funding", on="funding", to="finance auditor", reads=FUNDING, scope="admin.read"),
    *allow(
        "fund_a_client",
        on="funding",
        to="owner",
        reads=FUNDING,
        writes="amount_minor currency success_url cancel_url",
        scope="money.write",
    ),
    *allow("list_refunds", on="refund", to=SIDE, reads=REFUND, scope="money.read"),
    *allow("list_refunds", on="refund", to="finance auditor", reads=REFUND, scope="admin.read"),
    *allow(
        "take_money_back",
        on="refund",
        to="owner",
        reads=f"refunds({REFUND})",
        writes="amount_minor currency",
        scope="money.write",
    ),
)

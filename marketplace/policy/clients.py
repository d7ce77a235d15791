"""Clients, who acts for them, and their money."""

from typing import Final

from kernel.policy import allow
from marketplace.policy.words import OWN

SIDE: Final = "owner member"
READERS: Final = "escalations finance auditor"

ROWS: Final = (
    *allow("list_clients", on="client", to=SIDE, scope="jobs.read"),
    *allow("list_clients", on="client", to=READERS, scope="admin.read"),
    *allow("create_a_client", on="client", to="person", scope="jobs.write", why="Its first owner."),
    *allow("show_a_client", on="client", to=SIDE, scope="jobs.read"),
    *allow("show_a_client", on="client", to=READERS, scope="admin.read"),
    *allow("list_members", on="member", to=SIDE, scope="jobs.read"),
    *allow("list_members", on="member", to="auditor", scope="admin.read"),
    *allow("add_a_member", on="member", to="owner", scope="jobs.write"),
    *allow("remove_a_member", on="member", to="owner", scope="jobs.write"),
    *allow("remove_a_member", on="member", to="member", when=OWN, scope="jobs.write", why="Anybody may leave."),
    *allow("show_a_client_s_balance", on="client's money", to=SIDE, scope="money.read"),
    *allow("show_a_client_s_balance", on="client's money", to="finance auditor", scope="admin.read"),
    *allow("show_a_client_s_statement", on="client's money", to=SIDE, scope="money.read"),
    *allow("show_a_client_s_statement", on="client's money", to="finance auditor", scope="admin.read"),
    *allow("list_fundings", on="funding", to=SIDE, scope="money.read"),
    *allow("list_fundings", on="funding", to="finance auditor", scope="admin.read"),
    *allow("show_a_funding", on="funding", to=SIDE, scope="money.read"),
    *allow("show_a_funding", on="funding", to="finance auditor", scope="admin.read"),
    *allow("fund_a_client", on="funding", to="owner", scope="money.write"),
    *allow("list_refunds", on="refund", to=SIDE, scope="money.read"),
    *allow("list_refunds", on="refund", to="finance auditor", scope="admin.read"),
    *allow("take_money_back", on="refund", to="owner", scope="money.write"),
)

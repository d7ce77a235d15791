"""Clients, who acts for them, and their money."""

from typing import Final

from kernel.policy import allow
from marketplace.policy.shapes import INVITATION, MOVEMENT, OWN_TRACE, PERSON
from marketplace.policy.words import INVITED, OWN

SIDE: Final = "owner member"
READERS: Final = "escalations finance auditor"

CLIENT: Final = "id name country created_at"
MEMBER: Final = f"id user({PERSON}) role may created_at"
BALANCE: Final = (
    "client balances(currency available_minor escrow_minor reserve_minor disputed_minor refunds_in_flight_minor) "
    "escrow(job title currency amount_minor)"
)
SPENT: Final = (
    "job title state currency rewards_minor fees_minor bonuses_minor lifts_minor interruptions_minor spent_minor "
    "accepted_answers unused_answers unused_minor labels cost_per_label_minor "
    "rejected(answers held_answers held_minor reversed_answers reversed_minor released_answers released_minor)"
)
MONTH: Final = (
    f"month is_closed currencies(currency opening_minor added_minor taken_minor closing_minor lines({MOVEMENT}))"
)
INVOICE: Final = (
    "id number client client_name month currency lines(job title charged_for times amount_minor) pay_minor fees_minor "
    "total_minor issued_at"
)
TIERS: Final = "tiers(from_spent_minor basis_points)"
FEES: Final = f"currency minimum_minor {TIERS} spent_minor basis_points set_at"
FUNDING: Final = "id state amount_minor currency checkout_url refunded_minor failure created_at settled_at"
CREDIT: Final = "id state amount_minor currency reason funding granted_at taken_back_at"
DISPUTE: Final = (
    "id funding state sentence amount_minor from_funds_minor returned_minor returned_to_funds_minor currency reason "
    "evidence_due_at created_at opened_at "
    "finished_at"
)
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
    *allow("change_a_member_s_role", on="member", to="owner", reads=MEMBER, writes="role", fresh=True),
    *allow("remove_a_member", on="member", to="owner", why="A program decides about nobody's rights."),
    *allow("remove_a_member", on="member", to="member", when=OWN, why="Anybody may leave."),
    *allow("invite_a_member", on="invitation", to="owner", reads=INVITATION, writes="email role", fresh=True),
    *allow("list_invitations_of_a_client", on="invitation", to="owner", reads=INVITATION, scope="jobs.read"),
    *allow("list_invitations_of_a_client", on="invitation", to="auditor", reads=INVITATION, scope="admin.read"),
    *allow("withdraw_an_invitation", on="invitation", to="owner", scope="jobs.write"),
    *allow("list_invitations", on="invitation", to="person", when=INVITED, reads=INVITATION),
    *allow(
        "accept_an_invitation",
        on="invitation",
        to="person",
        when=INVITED,
        reads=INVITATION,
        why="Whose confirmed address it names, and nobody else.",
    ),
    *allow("decline_an_invitation", on="invitation", to="person", when=INVITED, reads=INVITATION),
    *allow("show_a_client_s_balance", on="client's money", to=SIDE, reads=BALANCE, scope="money.read"),
    *allow("show_a_client_s_balance", on="client's money", to="finance auditor", reads=BALANCE, scope="admin.read"),
    *allow("show_a_client_s_statement", on="client's money", to=SIDE, reads=MOVEMENT, scope="money.read"),
    *allow("show_a_client_s_statement", on="client's money", to="finance auditor", reads=MOVEMENT, scope="admin.read"),
    *allow("show_a_client_s_statement_of_a_month", on="client's money", to=SIDE, reads=MONTH, scope="money.read"),
    *allow(
        "show_a_client_s_statement_of_a_month",
        on="client's money",
        to="finance auditor",
        reads=MONTH,
        scope="admin.read",
    ),
    *allow("download_a_client_s_statement_of_a_month", on="client's money", to=SIDE, reads="file", scope="money.read"),
    *allow(
        "download_a_client_s_statement_of_a_month",
        on="client's money",
        to="finance auditor",
        reads="file",
        scope="admin.read",
    ),
    *allow("list_what_a_client_s_jobs_cost", on="client's money", to=SIDE, reads=SPENT, scope="money.read"),
    *allow(
        "list_what_a_client_s_jobs_cost", on="client's money", to="finance auditor", reads=SPENT, scope="admin.read"
    ),
    *allow("list_invoices", on="invoice", to=SIDE, reads=INVOICE, scope="money.read"),
    *allow("list_invoices", on="invoice", to="finance auditor", reads=INVOICE, scope="admin.read"),
    *allow("show_an_invoice", on="invoice", to=SIDE, reads=INVOICE, scope="money.read"),
    *allow("show_an_invoice", on="invoice", to="finance auditor", reads=INVOICE, scope="admin.read"),
    *allow("download_an_invoice", on="invoice", to=SIDE, reads="file", scope="money.read"),
    *allow("download_an_invoice", on="invoice", to="finance auditor", reads="file", scope="admin.read"),
    *allow("issue_an_invoice", on="invoice", to="owner", reads=INVOICE, writes="month currency", scope="money.write"),
    *allow("issue_an_invoice", on="invoice", to="finance", reads=INVOICE, writes="month currency", scope="admin.write"),
    *allow("page.client_money", on="client's money", to=f"{SIDE} finance auditor"),
    *allow("page.invoice", on="invoice", to=f"{SIDE} finance auditor"),
    *allow(
        "page.money_trace", on="client's money", to=f"{SIDE} worker finance auditor", why="Each as far as it is theirs."
    ),
    *allow("follow_a_client_s_money", on="client's money", to=SIDE, reads=OWN_TRACE, scope="money.read"),
    *allow("follow_a_client_s_money", on="client's money", to="finance auditor", reads=OWN_TRACE, scope="admin.read"),
    *allow(
        "show_a_client_s_fees",
        on="client's money",
        to=SIDE,
        reads=f"usual_basis_points schedules({FEES})",
        scope="money.read",
    ),
    *allow(
        "show_a_client_s_fees",
        on="client's money",
        to="finance auditor",
        reads=f"usual_basis_points schedules({FEES})",
        scope="admin.read",
    ),
    *allow(
        "set_a_client_s_fees",
        on="client's money",
        to="finance",
        reads=FEES,
        writes=f"currency minimum_minor {TIERS} why",
        fresh=True,
    ),
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
    *allow("list_disputes_of_a_client", on="client's money", to=SIDE, reads=DISPUTE, scope="money.read"),
    *allow("list_disputes_of_a_client", on="client's money", to="finance auditor", reads=DISPUTE, scope="admin.read"),
    *allow("list_credits_of_a_client", on="credit", to=SIDE, reads=CREDIT, scope="money.read"),
    *allow("list_credits_of_a_client", on="credit", to="finance auditor", reads=CREDIT, scope="admin.read"),
    *allow(
        "grant_a_credit",
        on="credit",
        to="finance",
        reads=CREDIT,
        writes="amount_minor currency reason funding",
        scope="admin.write",
        why="The platform's own money, up to a cap.",
    ),
    *allow("take_a_credit_back", on="credit", to="finance", reads=CREDIT, writes="reason", scope="admin.write"),
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

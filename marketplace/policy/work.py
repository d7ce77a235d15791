"""Working: the turns of a worker, what they earn, and how it is paid out."""

from typing import Final

from kernel.policy import allow

ROWS: Final = (
    *allow("list_one_s_own_assignments", on="assignment", to="person", scope="work"),
    *allow("claim_a_task", on="assignment", to="worker", scope="work"),
    *allow("show_one_s_own_assignment", on="assignment", to="person", scope="work"),
    *allow("submit_an_answer", on="assignment", to="worker", scope="work"),
    *allow("return_a_task", on="assignment", to="worker", scope="work"),
    *allow("show_one_s_own_earnings", on="earnings", to="worker", scope="money.read"),
    *allow("list_changes_of_one_s_own_earnings", on="earnings", to="worker", scope="money.read"),
    *allow("list_one_s_own_payouts", on="payout", to="worker", scope="money.read"),
    *allow("request_a_payout", on="payout", to="worker", scope="money.write"),
    *allow("show_one_s_own_payout", on="payout", to="worker", scope="money.read"),
    *allow("cancel_one_s_own_payout", on="payout", to="worker", scope="money.write"),
    *allow("show_one_s_own_payout_account", on="payout account", to="worker", scope="money.read"),
    *allow("open_a_payout_account", on="payout account", to="worker", scope="money.write"),
    *allow("change_one_s_own_payout_account", on="payout account", to="worker", fresh=True),
    *allow(
        "make_an_onboarding_link",
        on="payout account",
        to="worker",
        fresh=True,
        why="On Stripe's page one says, and changes, where one's money goes.",
    ),
)

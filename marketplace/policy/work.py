"""Working: the turns of a worker, what they earn, and how it is paid out."""

from typing import Final

from kernel.policy import allow
from marketplace.policy.shapes import OWN_TRACE

TURN: Final = (
    "id job title state reward_minor currency claimed_at expires_at submitted_at decision_due_at decided_at "
    "rejection(reason message rejected_at reversible_until reversed_at pay "
    "appeal(state text appealed_at due_at decided_at note)) soft_rejection(reason message rejected_at) "
    "interruption(amount_minor currency seconds expected_seconds why interrupted_at)"
)
TURN_WITH_TASK: Final = f"{TURN} instructions label_schema(xml parsed(parts needs)) item result"
EARNINGS: Final = (
    "balances(currency pending_minor pending_answers held_minor held_answers available_minor in_flight_minor "
    "paid_out_minor)"
)
CHANGE: Final = "id at kind explanation subject job job_title change_minor currency"
EARNED_IN_MONTH: Final = (
    f"month is_closed currencies(currency opening_minor added_minor taken_minor closing_minor lines({CHANGE}))"
)
PAYOUT: Final = "id state amount_minor returned_minor currency failure created_at held_until sent_at finished_at"
PAYOUT_ACCOUNT: Final = (
    "country is_ready transfers_active payouts_enabled requirements_due disabled_reason failure opened_at refreshed_at "
    "held_until held_because"
)
SCHEDULE: Final = "every minimum_minor"
SHOWN_SCHEDULE: Final = f"{SCHEDULE} next_on"
BANK_PAYOUT: Final = "id state amount_minor currency failure expected_at"

ROWS: Final = (
    *allow("list_one_s_own_assignments", on="assignment", to="person", reads=TURN, scope="work"),
    *allow("claim_a_task", on="assignment", to="worker", reads=TURN_WITH_TASK, writes="job", scope="work"),
    *allow("show_one_s_own_assignment", on="assignment", to="person", reads=TURN_WITH_TASK, scope="work"),
    *allow("submit_an_answer", on="assignment", to="worker", reads=TURN, writes="result", scope="work"),
    *allow("appeal_a_rejection", on="assignment", to="worker", reads=TURN, writes="text", scope="work"),
    *allow("say_that_one_is_at_a_task", on="assignment", to="worker", scope="work"),
    *allow("return_a_task", on="assignment", to="worker", reads=TURN, scope="work"),
    *allow("show_one_s_own_earnings", on="earnings", to="worker", reads=EARNINGS, scope="money.read"),
    *allow("list_changes_of_one_s_own_earnings", on="earnings", to="worker", reads=CHANGE, scope="money.read"),
    *allow(
        "show_one_s_own_statement_of_a_month", on="earnings", to="worker", reads=EARNED_IN_MONTH, scope="money.read"
    ),
    *allow("download_one_s_own_statement_of_a_month", on="earnings", to="worker", reads="file", scope="money.read"),
    *allow("page.earnings", on="earnings", to="worker"),
    *allow("follow_one_s_own_earnings", on="earnings", to="worker", reads=OWN_TRACE, scope="money.read"),
    *allow("list_one_s_own_payouts", on="payout", to="worker", reads=PAYOUT, scope="money.read"),
    *allow(
        "request_a_payout", on="payout", to="worker", reads=PAYOUT, writes="amount_minor currency", scope="money.write"
    ),
    *allow("show_one_s_own_payout", on="payout", to="worker", reads=PAYOUT, scope="money.read"),
    *allow("cancel_one_s_own_payout", on="payout", to="worker", reads=PAYOUT, scope="money.write"),
    *allow("show_one_s_own_payout_account", on="payout account", to="worker", reads=PAYOUT_ACCOUNT, scope="money.read"),
    *allow("show_one_s_own_payout_schedule", on="payout", to="worker", reads=SHOWN_SCHEDULE, scope="money.read"),
    *allow(
        "set_one_s_own_payout_schedule",
        on="payout",
        to="worker",
        reads=SHOWN_SCHEDULE,
        writes=SCHEDULE,
        scope="money.write",
    ),
    *allow("list_what_went_on_to_one_s_bank", on="bank payout", to="worker", reads=BANK_PAYOUT, scope="money.read"),
    *allow("open_a_payout_account", on="payout account", to="worker", reads=PAYOUT_ACCOUNT, scope="money.write"),
    *allow("change_one_s_own_payout_account", on="payout account", to="worker", reads=PAYOUT_ACCOUNT, fresh=True),
    *allow(
        "make_an_onboarding_link",
        on="payout account",
        to="worker",
        reads="url expires_at",
        writes="return_url refresh_url",
        fresh=True,
        why="On Stripe's page one says, and changes, where one's money goes.",
    ),
)

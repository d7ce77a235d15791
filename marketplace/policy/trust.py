"""What waits for a person, the books, and the audit trail."""

from collections.abc import Iterator
from typing import Final

from kernel.policy import ANY, ANY_KEY, Rule, allow
from marketplace.policy.shapes import TRACE
from marketplace.policy.words import OF_A_WORKER, OF_MONEY

ESCALATION: Final = (
    "id kind owner state job task worker subject opened_at due_at overdue_at claimed_by decided_by decided_at "
    "decision note"
)
BOOKS: Final = (
    "books(currency funded_minor client_funds_minor job_escrow_minor pay_reserve_minor worker_earnings_minor "
    "payouts_in_flight_minor refunds_in_flight_minor disputed_minor platform_fees_minor processor_fees_minor "
    "loss_minor refunded_minor paid_out_minor taken_back_minor processing_minor)"
)
PAY_FLOOR: Final = "id country currency hourly_minor valid_from"
EXCEPTIONS: Final = (
    "exceptions(kind subject since sentence why amount_minor currency stripe console evidence(id at action actor why))"
)
IN_FLIGHT: Final = "id owner state amount_minor currency created_at age_seconds attempt held_until transfer"
MOVED: Final = "id stripe_id kind source_id amount_minor fee_minor currency converted_from moved_at state posting note"
EVENT: Final = "id at actor_kind actor action subject_type subject from_state to_state why details tx"
PROOF: Final = "kind event position path checkpoint"
CHECKPOINT: Final = "checkpoint size signed_at keys consistency"


def on_escalations(action: str, *, reads: str) -> Iterator[Rule]:
    """Let admins look: those for escalations and auditors at all, others at those that are about their own field."""
    yield from allow(action, on="escalation", to="escalations auditor", reads=reads, scope="admin.read")
    yield from allow(action, on="escalation", to="certification", when=OF_A_WORKER, reads=reads, scope="admin.read")
    yield from allow(action, on="escalation", to="finance", when=OF_MONEY, reads=reads, scope="admin.read")


def decided_on_escalations(action: str, *, writes: str = "") -> Iterator[Rule]:
    """Let the same admins take a step towards a decision, the auditors aside."""
    for role, when in (("escalations", ""), ("certification", OF_A_WORKER), ("finance", OF_MONEY)):
        yield from allow(
            action, on="escalation", to=role, when=when, reads=ESCALATION, writes=writes, scope="admin.write"
        )


ROWS: Final = (
    *on_escalations("list_escalations", reads=ESCALATION),
    *on_escalations("show_an_escalation", reads=f"{ESCALATION} matter"),
    *decided_on_escalations("claim_an_escalation"),
    *decided_on_escalations("release_an_escalation"),
    *decided_on_escalations("decide_an_escalation", writes="result decision note"),
    *allow("list_pay_floors", on="pay floor", to="person", when=ANY, reads=PAY_FLOOR, scope=ANY_KEY),
    *allow(
        "set_a_pay_floor",
        on="pay floor",
        to="finance",
        reads=PAY_FLOOR,
        writes="country currency hourly_minor valid_from",
        scope="admin.write",
    ),
    *allow("list_movements_at_stripe", on="books", to="finance auditor", reads=MOVED, scope="admin.read"),
    *allow("explain_a_movement_at_stripe", on="books", to="finance", reads=MOVED, writes="note", scope="admin.write"),
    *allow("show_the_books", on="books", to="finance auditor", reads=BOOKS, scope="admin.read"),
    *allow("list_money_s_exceptions", on="books", to="finance auditor", reads=EXCEPTIONS, scope="admin.read"),
    *allow("list_payouts_in_flight", on="payout in flight", to="finance auditor", reads=IN_FLIGHT, scope="admin.read"),
    *allow(
        "download_the_1099_nec_report",
        on="tax report",
        to="finance",
        reads="file",
        fresh=True,
        why="It reads identities, each with an event.",
    ),
    *allow(
        "download_the_dac7_report",
        on="tax report",
        to="finance",
        reads="file",
        fresh=True,
        why="It reads identities, each with an event.",
    ),
    *allow("page.money", on="books", to="finance auditor"),
    *allow("follow_money", on="books", to="finance auditor", reads=TRACE, scope="admin.read"),
    *allow("list_audit_events", on="audit event", to="access auditor", reads=EVENT, scope="admin.read"),
    *allow("prove_an_audit_event", on="audit event", to="access auditor", reads=PROOF, scope="admin.read"),
    *allow(
        "show_the_audit_checkpoint", on="audit checkpoint", to="access auditor", reads=CHECKPOINT, scope="admin.read"
    ),
)

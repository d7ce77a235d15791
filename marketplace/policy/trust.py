"""What waits for a person, the books, and the audit trail."""

from typing import Final

from kernel.policy import allow
from marketplace.policy.words import OF_A_CERTIFICATION, OF_A_PAYOUT

STEPS: Final = ("claim_an_escalation", "release_an_escalation", "decide_an_escalation")

ROWS: Final = (
    *(
        row
        for action in ("list_escalations", "show_an_escalation")
        for row in (
            *allow(action, on="escalation", to="escalations auditor", scope="admin.read"),
            *allow(action, on="escalation", to="certification", when=OF_A_CERTIFICATION, scope="admin.read"),
            *allow(action, on="escalation", to="finance", when=OF_A_PAYOUT, scope="admin.read"),
        )
    ),
    *(
        row
        for action in STEPS
        for row in (
            *allow(action, on="escalation", to="escalations", scope="admin.write"),
            *allow(action, on="escalation", to="certification", when=OF_A_CERTIFICATION, scope="admin.write"),
            *allow(action, on="escalation", to="finance", when=OF_A_PAYOUT, scope="admin.write"),
        )
    ),
    *allow("show_the_books", on="books", to="finance auditor", scope="admin.read"),
    *allow("list_audit_events", on="audit event", to="access auditor", scope="admin.read"),
)

"""The groups that the API reference shows its operations in, in the order in which a reader meets them."""

from typing import Any, Final

GROUPS: Final = {
    "users": "Signing up.",
    "email-confirmations": "Showing that an address is one's own.",
    "password-resets": "Choosing another password when one is forgotten.",
    "session": "Signing in and out, and showing that one is still there.",
    "sessions": "When one was signed in.",
    "second-factors": "What proves a person beside their password.",
    "me": "Who one is here.",
    "api-keys": "How programs come in.",
    "clients": "Organisations that post work: their members and their money.",
    "invitations": "Being asked to act for a client or to look after a job, and saying yes or no.",
    "jobs": "Orders of work: posted, funded, launched, watched, reviewed, and their results.",
    "tasks": "The items of a job.",
    "label-schemas": "What may be answered: Label Studio labeling configs, checked and kept for good.",
    "skills": "Named abilities that are measured, and their gold questions.",
    "gold-questions": "Questions whose right answer is known.",
    "applications": "Asking to work here, and the decision.",
    "workers": "People who annotate: their standing, and what is kept about them.",
    "exams": "Gold questions taken to earn a certification.",
    "certifications": "Granted, expiring rights to work with a skill.",
    "scores": "Measured quality, and what it rests on.",
    "confusions": "What a worker says when each answer is right, measured on gold.",
    "signals": "What in somebody's answers honest work seldom looks like, for a person to look at.",
    "assignments": "A worker's turns: claimed, answered or given back, decided.",
    "pay-floors": "What an hour of work is worth at least, by country.",
    "earnings": "What a worker has earned, posting by posting.",
    "payout-account": "Where a worker is paid out to.",
    "payouts": "Money on its way to a worker.",
    "payout-schedule": "How often earnings are paid out without being asked for.",
    "escalations": "What waits for a person, with a clock.",
    "admin-roles": "Who is an admin, and what for.",
    "admin-invitations": "Becoming an admin: invited by one, or by whoever runs the installation.",
    "books": "The ledger as admins see it.",
    "money": "Following a dollar, what is on its way, and what finance has to look at.",
    "stripe-movements": "What moved at Stripe, each beside the posting that says why.",
    "tax-reports": "What has to be reported of workers' pay, year by year.",
    "audit-events": "Who did what, when and why.",
    "audit": "The sealed log of audit events, and the checkpoints over it.",
}


def in_order(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Name and describe the groups that the schema uses, in reading order; a group unknown here comes last."""
    used = {
        tag
        for item in result["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
        for tag in operation.get("tags", [])
    }
    known = [{"name": name, "description": about} for name, about in GROUPS.items() if name in used]
    return {**result, "tags": [*known, *({"name": name} for name in sorted(used - GROUPS.keys()))]}

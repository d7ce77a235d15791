"""What an API key may be made for: each scope by name, with what it lets a program do for the key's owner."""

from typing import Final

SCOPES: Final = {
    "jobs.read": "see clients, jobs, tasks and their progress",
    "jobs.write": "post and change jobs, import tasks, review answers",
    "results.read": "download results",
    "money.read": "see balances, fundings, refunds, earnings, payouts and statements",
    "money.write": "fund clients, take money back, request payouts",
    "work": "claim, answer and return tasks, take exams",
    "admin.read": "see what the owner's admin roles see",
    "admin.write": "decide what the owner's admin roles decide",
}
"""No scope gives more than the owner has at that moment, and none what is asked for in person only."""


def is_for_admins(scope: str) -> bool:
    """Whether a scope opens something to those alone who hold an admin role."""
    return scope.startswith("admin.")

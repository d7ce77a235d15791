"""The admin roles, by name: who looks after what for the platform."""

from typing import Final

ADMIN_ROLES: Final = {
    "certification": "An admin who approves and certifies workers, and keeps skills and gold.",
    "escalations": "An admin who decides what waits for a person, and looks after jobs.",
    "finance": "An admin who answers for the money.",
    "access": "An admin who says who is an admin, and ends others' sessions.",
    "auditor": "An admin who reads what an auditor needs, and changes nothing.",
}
ACCESS: Final = "access"
"""The role whose last holder stays: without one nobody could make another."""

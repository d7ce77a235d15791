"""Becoming a worker, being one, and who decides about it."""

from typing import Final

from kernel.policy import allow

ADMINS: Final = "certification auditor"

ROWS: Final = (
    *allow("list_applications", on="application", to="person", scope="work"),
    *allow("list_applications", on="application", to=ADMINS, scope="admin.read"),
    *allow("show_an_application", on="application", to="person", scope="work"),
    *allow("show_an_application", on="application", to=ADMINS, scope="admin.read"),
    *allow("apply_to_work_here", on="application", to="person", scope="work"),
    *allow("approve_an_application", on="application", to="certification", scope="admin.write"),
    *allow("decline_an_application", on="application", to="certification", scope="admin.write"),
    *allow("show_one_s_own_standing", on="worker", to="worker", scope="work"),
    *allow("give_one_s_tax_id", on="identity", to="worker", scope="work"),
    *allow("list_workers", on="worker", to=ADMINS, scope="admin.read"),
    *allow("show_a_worker", on="worker", to=ADMINS, scope="admin.read"),
    *allow("pause_a_worker", on="worker", to="certification", scope="admin.write"),
    *allow("resume_a_worker", on="worker", to="certification", scope="admin.write"),
    *allow("suspend_a_worker", on="worker", to="certification", scope="admin.write"),
    *allow("reinstate_a_worker", on="worker", to="certification", scope="admin.write"),
    *allow("offboard_a_worker", on="worker", to="certification", scope="admin.write"),
    *allow("read_an_identity", on="identity", to="certification finance", why="For a purpose, and noted first."),
)

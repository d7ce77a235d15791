"""Becoming a worker, being one, and who decides about it."""

from typing import Final

from kernel.policy import allow

ADMINS: Final = "certification auditor"

APPLICATION: Final = "id user state country languages note terms_version submitted_at decided_at decision_reason"
EXAMINED_APPLICATION: Final = f"{APPLICATION} shares_tax_id"
ASKED: Final = "country languages note terms_version identity(legal_name address birth_date tax_id)"
WORKER: Final = "id user country languages standing standing_since standing_reason paused_until applied_at approved_at"

ROWS: Final = (
    *allow("list_applications", on="application", to="person", reads=APPLICATION, scope="work"),
    *allow("list_applications", on="application", to=ADMINS, reads=EXAMINED_APPLICATION, scope="admin.read"),
    *allow("show_an_application", on="application", to="person", reads=APPLICATION, scope="work"),
    *allow("show_an_application", on="application", to=ADMINS, reads=EXAMINED_APPLICATION, scope="admin.read"),
    *allow("apply_to_work_here", on="application", to="person", reads=APPLICATION, writes=ASKED, scope="work"),
    *allow(
        "approve_an_application",
        on="application",
        to="certification",
        reads=WORKER,
        writes="reason",
        scope="admin.write",
    ),
    *allow(
        "decline_an_application",
        on="application",
        to="certification",
        reads=EXAMINED_APPLICATION,
        writes="reason",
        scope="admin.write",
    ),
    *allow("show_one_s_own_standing", on="worker", to="worker", reads=WORKER, scope="work"),
    *allow("give_one_s_tax_id", on="identity", to="worker", writes="tax_id", scope="work"),
    *allow("list_workers", on="worker", to=ADMINS, reads=WORKER, scope="admin.read"),
    *allow("show_a_worker", on="worker", to=ADMINS, reads=WORKER, scope="admin.read"),
    *allow("pause_a_worker", on="worker", to="certification", reads=WORKER, writes="reason until", scope="admin.write"),
    *allow("resume_a_worker", on="worker", to="certification", reads=WORKER, writes="reason", scope="admin.write"),
    *allow("suspend_a_worker", on="worker", to="certification", reads=WORKER, writes="reason", scope="admin.write"),
    *allow("reinstate_a_worker", on="worker", to="certification", reads=WORKER, writes="reason", scope="admin.write"),
    *allow("offboard_a_worker", on="worker", to="certification", reads=WORKER, writes="reason", scope="admin.write"),
    *allow(
        "read_an_identity",
        on="identity",
        to="certification finance",
        reads="worker purpose values",
        writes="purpose fields",
        fresh=True,
        why="For a purpose, and noted first.",
    ),
)

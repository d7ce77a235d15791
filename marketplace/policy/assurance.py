"""How good a job's labels are, and would be: what-if, certificates, agreement, labeling functions."""

from typing import Final

from kernel.policy import allow
from marketplace.policy.jobs import SEE

FIGURE: Final = "happened predicted low high"
WHAT_IF: Final = (
    "currency overlap_min overlap_max confidence_basis_points gold_share_basis_points tasks replayed judged "
    f"drawn_share answers({FIGURE}) cost_minor({FIGURE}) hours({FIGURE}) "
    f"escalated_share({FIGURE}) right_share({FIGURE})"
)

ROWS: Final = (
    *allow("try_another_policy_on_a_job", on="job", to=SEE, reads=WHAT_IF, scope="jobs.read"),
    *allow(
        "try_another_policy_on_a_job", on="job", to="escalations finance auditor", reads=WHAT_IF, scope="admin.read"
    ),
)

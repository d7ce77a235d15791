"""How good a job's labels are, and would be: what-if, certificates, agreement, labeling functions."""

from typing import Final

from kernel.policy import allow
from marketplace.policy.jobs import READ_WORK, RUN, SEE

FIGURE: Final = "happened predicted low high"
WHAT_IF: Final = (
    "currency overlap_min overlap_max confidence_basis_points gold_share_basis_points tasks looked_at replayed "
    f"judged drawn_share answers({FIGURE}) cost_minor({FIGURE}) hours({FIGURE}) "
    f"escalated_share({FIGURE}) right_share({FIGURE})"
)
CLASS: Final = "says labels looks wrong wrong_at_most wrong_allowed right_at_least is_kept"
CERTIFICATE: Final = (
    "state target_basis_points assurance_basis_points per_class ordered_at begun_at issued_at refused_because "
    f"inspections(made wrong waiting) classes({CLASS}) public_key how_to_verify"
)
MEASURE: Final = "value low high"
AGREEMENT: Final = (
    "by tasks is_sample parts(control says workers cohort since tasks answers level "
    f"percent({MEASURE}) alpha({MEASURE}) ac1({MEASURE}) fleiss({MEASURE}) kappa({MEASURE}) likeness({MEASURE}))"
)
FUNCTION: Final = "id name rule created_at"
TRIAL: Final = "tasks is_sample coverage functions(id name coverage overlap conflict known accuracy)"
WATCH: Final = f"{READ_WORK} manager"
FIT: Final = (
    "number answers gold workers fitted_at resemblance(level slope growth tasks) "
    "habits(control is_used tried by_gold gain) "
    "second_look(done_at confirmed relabelled asked reopened resolved) "
    "parts(control choice classes method because tried(method right_on_gold told_better told_error against) "
    "accuracy discount vote_weight floor typical)"
)

ROWS: Final = (
    *allow("list_fits_of_a_job", on="job", to=SEE, reads=FIT, scope="jobs.read"),
    *allow("list_fits_of_a_job", on="job", to="escalations finance auditor", reads=FIT, scope="admin.read"),
    *allow("try_another_policy_on_a_job", on="job", to=SEE, reads=WHAT_IF, scope="jobs.read"),
    *allow(
        "try_another_policy_on_a_job", on="job", to="escalations finance auditor", reads=WHAT_IF, scope="admin.read"
    ),
    *allow("show_how_far_workers_agree", on="answer", to=WATCH, reads=AGREEMENT, scope="jobs.read"),
    *allow(
        "show_how_far_workers_agree",
        on="answer",
        to="escalations certification auditor",
        reads=AGREEMENT,
        scope="admin.read",
    ),
    *allow("show_a_job_s_certificate", on="certificate", to=SEE, reads=CERTIFICATE, scope="jobs.read"),
    *allow(
        "show_a_job_s_certificate",
        on="certificate",
        to="auditor",
        reads=CERTIFICATE,
        scope="admin.read",
        why="Who decides inspections must not know which class is still looked at.",
    ),
    *allow(
        "order_a_certificate_of_a_job",
        on="certificate",
        to=RUN,
        reads=CERTIFICATE,
        writes="target_basis_points assurance_basis_points per_class",
        scope="jobs.write",
    ),
    *allow("download_a_job_s_certificate", on="certificate", to=READ_WORK, reads="file", scope="results.read"),
    *allow("download_a_job_s_certificate", on="certificate", to="auditor", reads="file", scope="admin.read"),
    *allow("list_labeling_functions_of_a_job", on="labeling function", to=WATCH, reads=FUNCTION, scope="jobs.read"),
    *allow(
        "list_labeling_functions_of_a_job",
        on="labeling function",
        to="escalations auditor",
        reads=FUNCTION,
        scope="admin.read",
    ),
    *allow(
        "define_a_labeling_function",
        on="labeling function",
        to=RUN,
        reads=FUNCTION,
        writes="name rule",
        scope="jobs.write",
    ),
    *allow("retire_a_labeling_function", on="labeling function", to=RUN, scope="jobs.write"),
    *allow("try_the_labeling_functions_of_a_job", on="labeling function", to=WATCH, reads=TRIAL, scope="jobs.read"),
    *allow(
        "try_the_labeling_functions_of_a_job",
        on="labeling function",
        to="escalations auditor",
        reads=TRIAL,
        scope="admin.read",
    ),
    *allow(
        "predict_by_labeling_functions",
        on="prediction",
        to=RUN,
        reads="predictions looked_at is_through",
        scope="jobs.write",
    ),
)

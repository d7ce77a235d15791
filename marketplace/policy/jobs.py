"""Jobs and what belongs to them: tasks, versions, answers, results, money, and who else may look after them."""

from typing import Final

from kernel.policy import allow
from marketplace.policy.words import OFFERED

SIDE: Final = "owner member"
SEE: Final = f"{SIDE} viewer reviewer manager"
READ_WORK: Final = f"{SIDE} reviewer"
RUN: Final = f"{SIDE} manager"

ROWS: Final = (
    *allow("list_jobs", on="job", to=SEE, scope="jobs.read"),
    *allow("list_jobs", on="job", to="escalations finance auditor", scope="admin.read"),
    *allow("list_jobs", on="job", to="worker", when=OFFERED, scope="work"),
    *allow("show_a_job", on="job", to=SEE, scope="jobs.read"),
    *allow("show_a_job", on="job", to="escalations finance auditor", scope="admin.read"),
    *allow("show_a_job", on="job", to="worker", when=OFFERED, scope="work"),
    *allow("post_a_job", on="job", to=SIDE, scope="jobs.write"),
    *allow("estimate_a_job", on="job", to=SEE, scope="jobs.read"),
    *allow("estimate_a_job", on="job", to="escalations finance auditor", scope="admin.read"),
    *allow("launch_a_job", on="job", to=RUN, scope="jobs.write"),
    *allow("pause_a_job", on="job", to=RUN, scope="jobs.write"),
    *allow("pause_a_job", on="job", to="escalations", scope="admin.write"),
    *allow("resume_a_job", on="job", to=RUN, scope="jobs.write"),
    *allow("resume_a_job", on="job", to="escalations", scope="admin.write"),
    *allow("cancel_a_job", on="job", to=RUN, scope="jobs.write"),
    *allow("cancel_a_job", on="job", to="escalations", scope="admin.write"),
    *allow("list_versions_of_a_job", on="version", to=SEE, scope="jobs.read"),
    *allow("list_versions_of_a_job", on="version", to="escalations auditor", scope="admin.read"),
    *allow("revise_a_job", on="version", to=RUN, scope="jobs.write"),
    *allow("list_shares_of_a_job", on="share", to="owner", scope="jobs.read"),
    *allow("list_shares_of_a_job", on="share", to="auditor", scope="admin.read"),
    *allow("share_a_job", on="share", to="owner", scope="jobs.write"),
    *allow("take_a_share_of_a_job_back", on="share", to="owner", scope="jobs.write"),
    *allow("list_tasks_of_a_job", on="task", to=READ_WORK, scope="jobs.read"),
    *allow("list_tasks_of_a_job", on="task", to="escalations auditor", scope="admin.read"),
    *allow("import_tasks", on="task", to=RUN, scope="jobs.write"),
    *allow("list_media_of_a_job", on="media", to=f"{READ_WORK} manager", scope="jobs.read"),
    *allow("list_media_of_a_job", on="media", to="escalations auditor", scope="admin.read"),
    *allow("show_media_of_a_job", on="media", to=f"{READ_WORK} manager", scope="jobs.read"),
    *allow("show_media_of_a_job", on="media", to="escalations auditor", scope="admin.read"),
    *allow("add_media_to_a_job", on="media", to=RUN, scope="jobs.write"),
    *allow("delete_media_of_a_job", on="media", to=RUN, scope="jobs.write"),
    *allow("withdraw_media_of_a_job", on="media", to=RUN, scope="jobs.write"),
    *allow("withdraw_media_of_a_job", on="media", to="escalations", scope="admin.write"),
    *allow("list_answers_of_a_job", on="answer", to=READ_WORK, scope="jobs.read"),
    *allow("list_answers_of_a_job", on="answer", to="escalations auditor", scope="admin.read"),
    *allow("accept_all_answers_that_wait", on="answer", to=READ_WORK, scope="jobs.write"),
    *allow("accept_an_answer", on="answer", to=READ_WORK, scope="jobs.write"),
    *allow("reject_an_answer", on="answer", to=READ_WORK, scope="jobs.write"),
    *allow("reverse_a_rejection", on="answer", to=READ_WORK, scope="jobs.write"),
    *allow("reverse_a_rejection", on="answer", to="escalations", scope="admin.write"),
    *allow("download_results", on="results", to=READ_WORK, scope="results.read"),
    *allow("download_results", on="results", to="auditor"),
    *allow("show_a_job_s_statement", on="job's money", to=SEE, scope="money.read"),
    *allow("show_a_job_s_statement", on="job's money", to="finance auditor", scope="admin.read"),
)

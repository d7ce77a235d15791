"""Jobs and what belongs to them: tasks, versions, answers, results, money, and who else may look after them."""

from typing import Final

from kernel.policy import allow
from marketplace.policy.shapes import INVITATION, MEDIA, MOVEMENT, PERSON, RECALL
from marketplace.policy.words import OFFERED

SIDE: Final = "owner member"
SEE: Final = f"{SIDE} viewer reviewer manager"
READ_WORK: Final = f"{SIDE} reviewer"
RUN: Final = f"{SIDE} manager"
LOOK_ON: Final = "viewer reviewer"

SCHEMA: Final = "label_schema(xml parsed(parts needs))"
TERMS: Final = (
    "client title currency reward_minor skill overlap_min overlap_max confidence_basis_points when_unsure "
    "label_worth_minor gold_share_basis_points "
    "reservation_seconds review_seconds accept_on_resolution max_assignments_per_worker guess_seconds "
    "allowed_error_basis_points audit_share_basis_points "
    "reserve_basis_points certificate(target_basis_points assurance_basis_points per_class) "
    "requirements(skill min_lower_bound)"
)
PRICE: Final = "band min_lower_bound reward_minor"
JOB: Final = (
    f"id state {TERMS} prices({PRICE} fee_minor) fee_minor fee_basis_points fee_minimum_minor "
    "created_at awaits_since launched_at finished_at"
)
PROGRESS: Final = "progress(tasks gold_tasks answers spent_minor held_minor)"
FULL: Final = f"version instructions {SCHEMA} {PROGRESS}"
JOB_IN_FULL: Final = f"{JOB} held_up_because {FULL}"
OFFER: Final = (
    "id title posted_by state currency reward_minor prices(band reward_minor) reservation_seconds review_seconds "
    "instructions "
    "requirements(skill skill_name min_lower_bound is_met message) claims most_claims can_claim why_not(reason message)"
)
FORECAST: Final = "answers gold_answers escalations cost_minor work_seconds"
COST: Final = (
    f"currency tasks gold_tasks low({FORECAST}) expected({FORECAST}) high({FORECAST}) worst_answers worst_cost_minor "
    "reserve_minor fee_basis_points fee_minimum_minor time(basis answers low_seconds expected_seconds high_seconds) "
    "hourly_pay(low_minor expected_minor high_minor) inspections(low expected high)"
)
FUNDS: Final = "available_minor missing_minor"
VERSION: Final = f"number instructions {SCHEMA} created_at"
SHARE: Final = f"id user({PERSON}) role"
TASK: Final = (
    "id external_id item priority band state label confidence confidence_low confidence_high method withheld "
    "created_at resolved_at"
)
PREDICTION: Final = "model model_version score result"
TASK_ROWS: Final = f"external_id item priority band gold_answer gold_reason predictions({PREDICTION})"
RETURN: Final = (
    "currency labels_saved labels_by_people spent_minor saved_minor automation_cost_minor monitoring_cost_minor "
    "return_minor"
)
PREDICTOR: Final = (
    "id model model_version state predictions audits audits_answered audits_wrong accepted right wrong confusion "
    "error_rates(control choice classes chances) threshold error_bound stopped_because created_at"
)
REJECTION: Final = (
    "rejection(reason message rejected_at reversible_until reversed_at pay "
    "appeal(state text appealed_at due_at decided_at note)) soft_rejection(reason message rejected_at)"
)
ANSWER: Final = (
    "id task external_id worker state version result agrees reward_minor fee_minor currency seconds claimed_at "
    f"submitted_at review_due_at decided_at {REJECTION}"
)

JOB_GOLD: Final = f"id external_id item result reason band recall({RECALL})"

BONUS: Final = "id assignment amount_minor fee_minor currency reason given_at"

ROWS: Final = (
    *allow("list_jobs", on="job", to=SEE, reads=JOB, scope="jobs.read"),
    *allow("list_jobs", on="job", to="escalations finance auditor", reads=JOB, scope="admin.read"),
    *allow("list_jobs", on="job", to="worker", when=OFFERED, reads=OFFER, scope="work"),
    *allow("show_a_job", on="job", to=RUN, reads=JOB_IN_FULL, scope="jobs.read"),
    *allow(
        "show_a_job",
        on="job",
        to=LOOK_ON,
        reads=f"{JOB} {FULL}",
        scope="jobs.read",
        why="Whether a payment of the client's is disputed is not shared with its job.",
    ),
    *allow("show_a_job", on="job", to="escalations finance auditor", reads=JOB_IN_FULL, scope="admin.read"),
    *allow("show_a_job", on="job", to="worker", when=OFFERED, reads=OFFER, scope="work"),
    *allow(
        "post_a_job",
        on="job",
        to=SIDE,
        reads=JOB_IN_FULL,
        writes=f"{TERMS} prices({PRICE}) instructions label_schema",
        scope="jobs.write",
    ),
    *allow("estimate_a_job", on="job", to=SIDE, reads=f"{COST} {FUNDS}", scope="jobs.read"),
    *allow(
        "estimate_a_job",
        on="job",
        to="viewer reviewer manager",
        reads=COST,
        scope="jobs.read",
        why="What the client has is not shared with its job.",
    ),
    *allow("estimate_a_job", on="job", to="finance auditor", reads=f"{COST} {FUNDS}", scope="admin.read"),
    *allow("estimate_a_job", on="job", to="escalations", reads=COST, scope="admin.read"),
    *allow("launch_a_job", on="job", to=RUN, reads=JOB_IN_FULL, writes="when_funded", scope="jobs.write"),
    *allow("recall_the_launch_of_a_job", on="job", to=RUN, reads=JOB_IN_FULL, scope="jobs.write"),
    *allow(
        "reprice_a_job",
        on="job",
        to=RUN,
        reads=JOB_IN_FULL,
        writes=f"reward_minor prices({PRICE})",
        scope="jobs.write",
    ),
    *allow(
        "raise_the_overlap_of_a_job",
        on="job",
        to=RUN,
        reads=JOB_IN_FULL,
        writes="overlap_max",
        scope="jobs.write",
    ),
    *allow(
        "set_more_aside_for_a_job",
        on="job",
        to=RUN,
        reads=JOB_IN_FULL,
        writes="amount_minor",
        scope="jobs.write",
    ),
    *allow("pause_a_job", on="job", to=RUN, reads=JOB_IN_FULL, scope="jobs.write"),
    *allow("pause_a_job", on="job", to="escalations", reads=JOB_IN_FULL, scope="admin.write"),
    *allow("resume_a_job", on="job", to=RUN, reads=JOB_IN_FULL, scope="jobs.write"),
    *allow("resume_a_job", on="job", to="escalations", reads=JOB_IN_FULL, scope="admin.write"),
    *allow("cancel_a_job", on="job", to=RUN, reads=JOB_IN_FULL, scope="jobs.write"),
    *allow("cancel_a_job", on="job", to="escalations", reads=JOB_IN_FULL, scope="admin.write"),
    *allow("list_versions_of_a_job", on="version", to=SEE, reads=VERSION, scope="jobs.read"),
    *allow("list_versions_of_a_job", on="version", to="escalations auditor", reads=VERSION, scope="admin.read"),
    *allow("revise_a_job", on="version", to=RUN, reads=VERSION, writes="instructions label_schema", scope="jobs.write"),
    *allow("list_shares_of_a_job", on="share", to="owner", reads=SHARE, scope="jobs.read"),
    *allow("list_shares_of_a_job", on="share", to="auditor", reads=SHARE, scope="admin.read"),
    *allow(
        "share_a_job",
        on="invitation",
        to="owner",
        reads=INVITATION,
        writes="email role",
        fresh=True,
        why="Who reviews a job takes its results away: a program lets nobody do that.",
    ),
    *allow("list_invitations_to_a_job", on="invitation", to="owner", reads=INVITATION, scope="jobs.read"),
    *allow("list_invitations_to_a_job", on="invitation", to="auditor", reads=INVITATION, scope="admin.read"),
    *allow("take_a_share_of_a_job_back", on="share", to="owner", scope="jobs.write"),
    *allow("list_gold_of_a_job", on="gold question", to=RUN, reads=JOB_GOLD, scope="jobs.read"),
    *allow("list_gold_of_a_job", on="gold question", to="escalations auditor", reads=JOB_GOLD, scope="admin.read"),
    *allow("recall_gold_of_a_job", on="gold question", to=RUN, reads=RECALL, writes="why", scope="jobs.write"),
    *allow(
        "recall_gold_of_a_job", on="gold question", to="escalations", reads=RECALL, writes="why", scope="admin.write"
    ),
    *allow("list_tasks_of_a_job", on="task", to=READ_WORK, reads=TASK, scope="jobs.read"),
    *allow("list_tasks_of_a_job", on="task", to="escalations auditor", reads=TASK, scope="admin.read"),
    *allow("import_tasks", on="task", to=RUN, reads="tasks gold predictions", writes=TASK_ROWS, scope="jobs.write"),
    *allow(
        "import_predictions",
        on="prediction",
        to=RUN,
        reads="predictions",
        writes=f"task external_id {PREDICTION}",
        scope="jobs.write",
    ),
    *allow(
        "prioritise_tasks",
        on="task",
        to=RUN,
        reads="tasks batch",
        writes="task external_id scores embedding",
        scope="jobs.write",
    ),
    *allow("show_a_job_s_return_on_automation", on="prediction", to=SEE, reads=RETURN, scope="money.read"),
    *allow(
        "show_a_job_s_return_on_automation", on="prediction", to="finance auditor", reads=RETURN, scope="admin.read"
    ),
    *allow("list_predictors_of_a_job", on="prediction", to=f"{READ_WORK} manager", reads=PREDICTOR, scope="jobs.read"),
    *allow("list_predictors_of_a_job", on="prediction", to="escalations auditor", reads=PREDICTOR, scope="admin.read"),
    *allow("list_media_of_a_job", on="media", to=f"{READ_WORK} manager", reads=MEDIA, scope="jobs.read"),
    *allow("list_media_of_a_job", on="media", to="escalations auditor", reads=MEDIA, scope="admin.read"),
    *allow("show_media_of_a_job", on="media", to=f"{READ_WORK} manager", reads=MEDIA, scope="jobs.read"),
    *allow("show_media_of_a_job", on="media", to="escalations auditor", reads=MEDIA, scope="admin.read"),
    *allow("add_media_to_a_job", on="media", to=RUN, reads=MEDIA, scope="jobs.write"),
    *allow("fetch_media_for_a_job", on="media", to=RUN, reads=MEDIA, writes="url name", scope="jobs.write"),
    *allow("delete_media_of_a_job", on="media", to=RUN, scope="jobs.write"),
    *allow("withdraw_media_of_a_job", on="media", to=RUN, reads=MEDIA, writes="why", scope="jobs.write"),
    *allow("withdraw_media_of_a_job", on="media", to="escalations", reads=MEDIA, writes="why", scope="admin.write"),
    *allow("list_answers_of_a_job", on="answer", to=READ_WORK, reads=ANSWER, scope="jobs.read"),
    *allow("list_answers_of_a_job", on="answer", to="escalations auditor", reads=ANSWER, scope="admin.read"),
    *allow("accept_all_answers_that_wait", on="answer", to=READ_WORK, reads="accepted", scope="jobs.write"),
    *allow("accept_an_answer", on="answer", to=READ_WORK, reads=ANSWER, scope="jobs.write"),
    *allow("reject_an_answer", on="answer", to=READ_WORK, reads=ANSWER, writes="reason message", scope="jobs.write"),
    *allow(
        "reject_an_answer_softly", on="answer", to=READ_WORK, reads=ANSWER, writes="reason message", scope="jobs.write"
    ),
    *allow("reverse_a_rejection", on="answer", to=READ_WORK, reads=ANSWER, writes="why", scope="jobs.write"),
    *allow("reverse_a_rejection", on="answer", to="escalations", reads=ANSWER, writes="why", scope="admin.write"),
    *allow("list_bonuses_for_an_answer", on="bonus", to=SIDE, reads=BONUS, scope="money.read"),
    *allow("list_bonuses_for_an_answer", on="bonus", to="finance auditor", reads=BONUS, scope="admin.read"),
    *allow("give_a_bonus", on="bonus", to=SIDE, reads=BONUS, writes="amount_minor reason", scope="money.write"),
    *allow("download_results", on="results", to=READ_WORK, reads="file", scope="results.read", fresh=True),
    *allow("download_results", on="results", to="auditor", reads="file", fresh=True),
    *allow("show_a_job_s_statement", on="job's money", to=SEE, reads=MOVEMENT, scope="money.read"),
    *allow("show_a_job_s_statement", on="job's money", to="finance auditor", reads=MOVEMENT, scope="admin.read"),
)

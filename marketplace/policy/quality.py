"""How good people and answers are: skills, label schemas, gold, exams, certifications, scores."""

from typing import Final

from kernel.policy import ANY, ANY_KEY, allow
from marketplace.policy.shapes import MEDIA, RECALL

ADMINS: Final = "certification auditor"
LOOKERS: Final = f"escalations {ADMINS}"

EXAM_RULES: Final = "exam(questions pass_mark_basis_points time_limit_seconds retry_after_seconds unpaid_limit)"
RULES: Final = f"slug name description grants_by {EXAM_RULES} certificate_valid_seconds"
SKILL: Final = f"id {RULES}"
PROSPECT: Final = "may_start_exam may_ask_admin code message unpaid_questions_asked unpaid_limit"
SCHEMA: Final = "parts needs"
GOLD: Final = "id skill label_schema item result reason for_exam times_drawn created_at retired_at"
EXAM: Final = (
    "id skill state question_count pass_mark_basis_points started_at due_at finished_at score_basis_points retry_at"
)
EXAM_IN_FULL: Final = (
    f"{EXAM} questions(position item label_schema answered) label_schemas(id xml) misses(position item result reason)"
)
CERTIFICATION: Final = "id worker skill exam state requested_at granted_at expires_at ended_at reason"
OWN_SCORE: Final = "skill skill_name exam_correct exam_wrong work_correct work_wrong estimate lower_bound"
SCORE: Final = "worker skill correct wrong estimate lower_bound updated_at"
SIGNAL: Final = (
    "id name meaning sentence state job worker partner score chance jobs numbers since until shown_at looked_at "
    "passed_at escalation told_by told_at reason answered_at answer decided_by decided_at note"
)
OWN_SIGNAL: Final = (
    "id name meaning sentence state job title since until told_at reason answered_at answer decided_at note"
)
CONFUSION: Final = "worker skill matrices(choices classes(right answers right_at_least said(choice times likely)))"
FAIRNESS: Final = (
    "since until workers without_a_turn asked_in_vain empty_handed turns median_turns most_turns jain gini "
    "sure_workers median_turns_of_sure median_turns_of_others further_turns further_turns_of_sure "
    "median_wait_seconds longest_wait_seconds"
)

ROWS: Final = (
    *allow("list_skills", on="skill", to="person", when=ANY, reads=SKILL, scope=ANY_KEY),
    *allow("show_a_skill", on="skill", to="person", when=ANY, reads=SKILL, scope=ANY_KEY),
    *allow("create_a_skill", on="skill", to="certification", reads=SKILL, writes=RULES, scope="admin.write"),
    *allow("show_what_one_may_do_about_a_skill", on="skill", to="worker", when=ANY, reads=PROSPECT, scope="work"),
    *allow("check_a_label_schema", on="label schema", to="person", when=ANY, reads=SCHEMA, writes="xml", scope=ANY_KEY),
    *allow(
        "show_a_label_schema",
        on="label schema",
        to="person",
        when=ANY,
        reads=f"id xml parsed({SCHEMA}) created_at",
        scope=ANY_KEY,
        why="Only its id finds it.",
    ),
    *allow("list_gold_questions", on="gold question", to=ADMINS, reads=GOLD, scope="admin.read"),
    *allow(
        "add_gold_questions",
        on="gold question",
        to="certification",
        reads="ids",
        writes="skill label_schema questions(item result reason)",
        scope="admin.write",
    ),
    *allow(
        "retire_a_gold_question",
        on="gold question",
        to="certification",
        reads=GOLD,
        writes="reason",
        scope="admin.write",
    ),
    *allow(
        "recall_a_gold_question",
        on="gold question",
        to="certification",
        reads=RECALL,
        writes="why",
        scope="admin.write",
        why="Whose job it is in may do so too.",
    ),
    *allow("show_the_recall_of_a_gold_question", on="gold question", to=ADMINS, reads=RECALL, scope="admin.read"),
    *allow("list_media_of_a_skill", on="media", to=ADMINS, reads=MEDIA, scope="admin.read"),
    *allow("show_media_of_a_skill", on="media", to=ADMINS, reads=MEDIA, scope="admin.read"),
    *allow("add_media_to_a_skill", on="media", to="certification", reads=MEDIA, scope="admin.write"),
    *allow("delete_media_of_a_skill", on="media", to="certification", scope="admin.write"),
    *allow("withdraw_media_of_a_skill", on="media", to="certification", reads=MEDIA, writes="why", scope="admin.write"),
    *allow("list_exams", on="exam", to="worker", reads=EXAM, scope="work"),
    *allow("start_an_exam", on="exam", to="worker", reads=EXAM_IN_FULL, writes="skill", scope="work"),
    *allow("show_an_exam", on="exam", to="worker", reads=EXAM_IN_FULL, scope="work"),
    *allow(
        "answer_an_exam_question",
        on="exam",
        to="worker",
        reads="position answered_at",
        writes="position result",
        scope="work",
    ),
    *allow("finish_an_exam", on="exam", to="worker", reads=EXAM_IN_FULL, scope="work"),
    *allow("list_certifications", on="certification", to="person", reads=CERTIFICATION, scope="work"),
    *allow("list_certifications", on="certification", to=ADMINS, reads=CERTIFICATION, scope="admin.read"),
    *allow("show_a_certification", on="certification", to="person", reads=CERTIFICATION, scope="work"),
    *allow("show_a_certification", on="certification", to=ADMINS, reads=CERTIFICATION, scope="admin.read"),
    *allow(
        "ask_for_a_certification", on="certification", to="worker", reads=CERTIFICATION, writes="skill", scope="work"
    ),
    *allow("grant_a_certification", on="certification", to="certification", reads=CERTIFICATION, scope="admin.write"),
    *allow(
        "deny_a_certification",
        on="certification",
        to="certification",
        reads=CERTIFICATION,
        writes="reason",
        scope="admin.write",
    ),
    *allow(
        "revoke_a_certification",
        on="certification",
        to="certification",
        reads=CERTIFICATION,
        writes="reason",
        scope="admin.write",
    ),
    *allow("list_one_s_own_scores", on="score", to="worker", reads=OWN_SCORE, scope="work"),
    *allow("list_scores", on="score", to=ADMINS, reads=SCORE, scope="admin.read"),
    *allow("show_a_worker_s_confusion", on="score", to=LOOKERS, reads=CONFUSION, scope="admin.read"),
    *allow("show_a_job_s_fairness", on="job", to=LOOKERS, reads=FAIRNESS, scope="admin.read"),
    *allow("list_signals", on="signal", to=LOOKERS, reads=SIGNAL, scope="admin.read"),
    *allow("show_a_signal", on="signal", to=LOOKERS, reads=f"{SIGNAL} turns", scope="admin.read"),
    *allow("list_signals_that_one_was_told_of", on="signal", to="worker", reads=OWN_SIGNAL, scope="work"),
    *allow("answer_a_signal", on="signal", to="worker", reads=OWN_SIGNAL, writes="text", scope="work"),
)

"""How good people and answers are: skills, label schemas, gold, exams, certifications, scores."""

from typing import Final

from kernel.policy import ANY, ANY_KEY, allow

ADMINS: Final = "certification auditor"

ROWS: Final = (
    *allow("list_skills", on="skill", to="person", when=ANY, scope=ANY_KEY),
    *allow("show_a_skill", on="skill", to="person", when=ANY, scope=ANY_KEY),
    *allow("create_a_skill", on="skill", to="certification", scope="admin.write"),
    *allow("show_what_one_may_do_about_a_skill", on="skill", to="worker", when=ANY, scope="work"),
    *allow("check_a_label_schema", on="label schema", to="person", when=ANY, scope=ANY_KEY),
    *allow("show_a_label_schema", on="label schema", to="person", when=ANY, scope=ANY_KEY, why="Only its id finds it."),
    *allow("list_gold_questions", on="gold question", to=ADMINS, scope="admin.read"),
    *allow("add_gold_questions", on="gold question", to="certification", scope="admin.write"),
    *allow("retire_a_gold_question", on="gold question", to="certification", scope="admin.write"),
    *allow("list_media_of_a_skill", on="media", to=ADMINS, scope="admin.read"),
    *allow("show_media_of_a_skill", on="media", to=ADMINS, scope="admin.read"),
    *allow("add_media_to_a_skill", on="media", to="certification", scope="admin.write"),
    *allow("delete_media_of_a_skill", on="media", to="certification", scope="admin.write"),
    *allow("withdraw_media_of_a_skill", on="media", to="certification", scope="admin.write"),
    *allow("list_exams", on="exam", to="worker", scope="work"),
    *allow("start_an_exam", on="exam", to="worker", scope="work"),
    *allow("show_an_exam", on="exam", to="worker", scope="work"),
    *allow("answer_an_exam_question", on="exam", to="worker", scope="work"),
    *allow("finish_an_exam", on="exam", to="worker", scope="work"),
    *allow("list_certifications", on="certification", to="person", scope="work"),
    *allow("list_certifications", on="certification", to=ADMINS, scope="admin.read"),
    *allow("show_a_certification", on="certification", to="person", scope="work"),
    *allow("show_a_certification", on="certification", to=ADMINS, scope="admin.read"),
    *allow("ask_for_a_certification", on="certification", to="worker", scope="work"),
    *allow("grant_a_certification", on="certification", to="certification", scope="admin.write"),
    *allow("deny_a_certification", on="certification", to="certification", scope="admin.write"),
    *allow("revoke_a_certification", on="certification", to="certification", scope="admin.write"),
    *allow("list_one_s_own_scores", on="score", to="worker", scope="work"),
    *allow("list_scores", on="score", to=ADMINS, scope="admin.read"),
)

"""Fields that several parts of the table name alike."""

from typing import Final

PERSON: Final = "id email display_name"
INVITATION: Final = f"id state client client_name job job_title role email invited_by({PERSON}) created_at expires_at"
MOVEMENT: Final = "id at kind explanation change_minor currency job subject"
MEDIA: Final = "id reference name state kind media_type size_bytes width height sha256 is_used failure created_at url"
RECALL: Final = (
    "id gold_question state why recalled_at replayed_at answers_withdrawn exams_marked_anew exams_passed "
    "unpaid_answers labels_looked_at labels_changed labels_reopened"
)
OWN_HOP: Final = "at kind sentence amount_minor of_minor currency told_by subject job job_title assignment stripe"
OWN_TRACE: Final = (
    f"subject currency amount_minor hops({OWN_HOP}) left_out(kind hops amount_minor) "
    "still_there(sentence amount_minor is_there)"
)
TRACE: Final = (
    f"subject currency amount_minor hops({OWN_HOP} from_account to_account posting audit_event task accepted_by "
    "accepted_because) left_out(kind hops amount_minor) still_there(sentence amount_minor is_there account)"
)

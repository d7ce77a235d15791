"""What the clock wakes up: name → (task, seconds). Each of them finds its own work in the tables."""

BEAT: dict[str, tuple[str, int]] = {
    "show life": ("kernel.show_beat_life", 15),
    "seal audit events": ("kernel.seal_audit_events", 5),
    "forget what is over": ("kernel.forget_what_is_over", 3600),
    "rotate keys": ("kernel.rotate_keys", 3600),
    "tidy media": ("kernel.tidy_media", 600),
    "drive stragglers": ("billing.drive_stragglers", 300),
    "check everything": ("marketplace.check_everything", 86_400),
    "lift ended pauses": ("workforce.lift_ended_pauses", 60),
    "abandon overdue exams": ("qualification.abandon_overdue_exams", 60),
    "expire due certifications": ("qualification.expire_due_certifications", 300),
    "expire overdue assignments": ("marketplace.expire_overdue_assignments", 5),
    "accept due assignments": ("marketplace.accept_due_assignments", 2),
    "tend waiting gold": ("marketplace.tend_waiting_gold", 2),
    "decide overdue appeals": ("marketplace.decide_overdue_appeals", 60),
    "flag overdue escalations": ("marketplace.flag_overdue_escalations", 60),
    "tend predictors": ("marketplace.tend_predictors", 10),
    "complete finished jobs": ("marketplace.complete_finished_jobs", 3),
    "start funded jobs": ("marketplace.start_funded_jobs", 15),
    "tidy invitations": ("marketplace.tidy_invitations", 600),
    "issue invoices": ("marketplace.issue_invoices", 6 * 3600),
}

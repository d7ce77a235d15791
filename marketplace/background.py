"""What Celery runs for the marketplace: sweeps that find their own work in the tables, and may run at any time."""

from celery import shared_task

from marketplace.services import (
    appeals,
    awaiting_funds,
    certificate_making,
    checks,
    completion,
    escalations,
    expiry,
    fitting,
    gold,
    gold_review,
    invitations,
    invoicing,
    pay_lifts,
    predictors,
    recall,
    second_looks,
    settlement,
    signals,
)


@shared_task(name="marketplace.expire_overdue_assignments")
def expire_overdue_assignments() -> None:
    """End reservations whose time is up, and offer their turns again."""
    expiry.expire_overdue_assignments()


@shared_task(name="marketplace.accept_due_assignments")
def accept_due_assignments() -> None:
    """Accept and pay answers whose review clock has run out."""
    settlement.accept_due_assignments()


@shared_task(name="marketplace.tend_waiting_gold")
def tend_waiting_gold() -> None:
    """Count gold answers that have come in, and let each that waits keep pace with a piece of work."""
    gold.tend_waiting_gold()


@shared_task(name="marketplace.tend_predictors")
def tend_predictors() -> None:
    """Measure predictors on what people say, and accept what they predict while audits allow it."""
    predictors.tend_predictors()


@shared_task(name="marketplace.make_certificates")
def make_certificates() -> None:
    """Begin certificates that were ordered once all labels are there, and issue those that have been earned."""
    certificate_making.make_certificates()


@shared_task(name="marketplace.fit_grown_jobs")
def fit_grown_jobs() -> None:
    """Learn anew from the answers of jobs that have grown."""
    fitting.fit_grown_jobs()


@shared_task(name="marketplace.look_again")
def look_again() -> None:
    """Weigh settled tasks again where a fit came since."""
    second_looks.look_again()


@shared_task(name="marketplace.complete_finished_jobs")
def complete_finished_jobs() -> None:
    """Complete jobs of which everything is decided, and give back what ended jobs did not spend."""
    completion.complete_finished_jobs()


@shared_task(name="marketplace.decide_overdue_appeals")
def decide_overdue_appeals() -> None:
    """Decide appeals whose deadline has passed: for the worker."""
    appeals.decide_overdue_appeals()


@shared_task(name="marketplace.lift_pay")
def lift_pay() -> None:
    """Lift the pay of whoever earned less for an hour than the floor, from their job's reserve."""
    pay_lifts.lift_pay()


@shared_task(name="marketplace.lift_pay_everywhere")
def lift_pay_everywhere() -> None:
    """Lift pay in jobs that the quick sweep passes by, too. Nightly."""
    pay_lifts.lift_pay(everywhere=True)


@shared_task(name="marketplace.flag_overdue_escalations")
def flag_overdue_escalations() -> None:
    """Flag what nobody has decided in time, and give what somebody sits on back to all."""
    escalations.flag_overdue_escalations()


@shared_task(name="marketplace.tidy_invitations")
def tidy_invitations() -> None:
    """End invitations that nobody answered in time, and forget whom those were for that ended long ago."""
    invitations.tidy_invitations()


@shared_task(name="marketplace.check_everything")
def check_everything() -> None:
    """Try every promise of money, work and states; what is broken is logged, and told to those who look after money."""
    checks.raise_alarm(checks.check_invariants())


@shared_task(name="marketplace.issue_invoices")
def issue_invoices() -> None:
    """Issue invoices of months that are closed."""
    invoicing.issue_invoices()


@shared_task(name="marketplace.start_funded_jobs")
def start_funded_jobs() -> None:
    """Open jobs that wait for funds and can now be paid, the oldest first."""
    awaiting_funds.start_funded_jobs()


@shared_task(name="marketplace.look_for_signals")
def look_for_signals() -> None:
    """Look at the answers up to the last midnight for signals, and put what is found before a person."""
    signals.look_for_signals()


@shared_task(name="marketplace.replay_recalls")
def replay_recalls() -> None:
    """Put right what rested on gold that was recalled."""
    recall.replay_recalls()


@shared_task(name="marketplace.review_gold")
def review_gold() -> None:
    """Put gold that good workers miss too often before a person, and ask it no more until they have decided."""
    gold_review.review_gold()


@shared_task(name="marketplace.review_gold_everywhere")
def review_gold_everywhere() -> None:
    """Look also at gold that nobody missed lately: those who missed it may have become good since. Nightly."""
    gold_review.review_gold(everywhere=True)

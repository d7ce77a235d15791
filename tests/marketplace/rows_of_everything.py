"""Rows of every table of the marketplace, made through the services that users go through."""

from datetime import timedelta

from kernel import clock
from kernel.services.audit import Actor
from marketplace.models import Job
from marketplace.services.allocation import claim_task
from marketplace.services.bonuses import give_bonus
from marketplace.services.certificate_orders import CertificateTerms, order_certificate
from marketplace.services.empty_claims import note_empty_claims
from marketplace.services.fitting import fit_job
from marketplace.services.heartbeats import note_heartbeat
from marketplace.services.invoicing import issue_invoice
from marketplace.services.labeling_functions import define_function
from marketplace.services.pay_lifts import lift_pay
from marketplace.services.predictors import tend_predictors
from marketplace.services.recall import replay_recalls
from marketplace.services.review import reject_assignment
from marketplace.services.second_looks import look_again
from marketplace.services.signals import look_for_signals
from marketplace.services.soft_rejections import reject_softly
from tests.marketplace.automation import audits_of, let_people_answer
from tests.marketplace.builders import (
    ALWAYS_GOLD,
    a_client,
    a_resolved_task,
    a_share,
    a_submitted_answer,
    a_told_signal,
    a_worker,
    an_open_job,
    answer,
    owner_of,
)
from tests.marketplace.test_api_client_reports import NOW, accepted_last_month
from tests.marketplace.test_appeals import appealed
from tests.marketplace.test_auto_acceptance import a_predicted_job
from tests.marketplace.test_breaker import a_job_to_review, a_tripped_breaker
from tests.marketplace.test_certificates import a_labelled_job, begun
from tests.marketplace.test_fees import agreed
from tests.marketplace.test_interruptions import a_job, a_turn, cut_short
from tests.marketplace.test_pay_floor import a_floor, a_job_of, takes, works
from tests.marketplace.test_recall import recall
from tests.marketplace.test_reweighing import split

ANY_TEXT = {"kind": "keyword", "field": "text", "words": ["text"], "label": "cat"}


def some_of_everything() -> None:
    """At least two rows in every table."""
    for country in ("", "DE"):
        _work()
        _decisions()
        _money()
        a_floor(1200, country=country, currency="EUR")
    _lifts()


def _work() -> None:
    """Jobs in many states, answers to work and to gold, people at them, and models that answer too."""
    job = an_open_job(accept_on_resolution=False)
    turn = a_resolved_task(job).assignments.all()[0]
    reject_assignment(assignment_id=turn.pk, reason="wrong", message="A" * 20, by=owner_of(job.client))
    a_share(job)
    unused = a_resolved_task(an_open_job()).assignments.select_related("job__client")[0]
    reject_softly(
        assignment_id=unused.pk, reason="unclear", message="A" * 20, by=owner_of(unused.job.client), may_take_funds=True
    )
    _fits(job)
    taken = an_open_job(overlap_min=1, overlap_max=1)
    a_submitted_answer(taken)
    note_empty_claims(worker_id=a_worker(taken).pk, job_ids=[taken.pk])
    gilded = an_open_job(tasks=2, gold=2)
    answer(claim_task(worker=a_worker(gilded), job_id=gilded.pk, chance=ALWAYS_GOLD))
    begun_turn = a_turn(an_open_job())
    note_heartbeat(assignment_id=begun_turn.pk, worker=begun_turn.worker)
    predicted = a_predicted_job()
    define_function(job_id=predicted.pk, name="any text", rule=ANY_TEXT, by=Actor.user(owner_of(predicted.client)))
    let_people_answer(audits_of(predicted))
    tend_predictors()


def _fits(job: Job) -> None:
    """What was learnt of a job, twice."""
    for _ in range(2):
        assert fit_job(job_id=job.pk) is not None
        look_again()


def _decisions() -> None:
    """What waits for a person: disagreement, an appeal, a breaker, labels that experts look at."""
    disagreed = an_open_job(tasks=1, gold=1, overlap_min=2, overlap_max=2, gold_share_basis_points=0)
    a_submitted_answer(disagreed, animal="cat")
    a_submitted_answer(disagreed, animal="dog")
    appealed()
    a_tripped_breaker(a_job_to_review())
    begun(a_labelled_job("cat", "cat", "cat"))
    looked_at = an_open_job()
    a_told_signal(looked_at, a_worker(looked_at))
    a_submitted_answer(looked_at)
    with clock.ahead_by(timedelta(days=1)):
        look_for_signals()
    wanted = an_open_job()
    order_certificate(job_id=wanted.pk, terms=CertificateTerms(), by=owner_of(wanted.client))
    recall(split()[0])
    replay_recalls()


def _money() -> None:
    """Fees that were agreed, an invoice, a bonus, and pay for a turn that was cut short."""
    client = a_client()
    agreed(client, {0: 1250, 1000: 1000})
    issue_invoice(client=client, month=accepted_last_month(client), currency="USD", by=NOW)
    job = an_open_job(client=client)
    give_bonus(assignment_id=a_submitted_answer(job).pk, amount_minor=5, reason="Well seen.", by=owner_of(client))
    cut_short(a_turn(a_job()), after_seconds=34.5)


def _lifts() -> None:
    """Workers who earned less than a floor, lifted to it: it comes last, as the floor is one for every job."""
    a_floor(1200)
    job = a_job_of(20, reserve_basis_points=5000)
    for _ in range(2):
        works(job, *takes(44.5, 5))
    lift_pay()

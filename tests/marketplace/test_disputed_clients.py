"""A client's payment is disputed: its running jobs wait for an admin, and whoever works is paid all the same."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from billing.demo.stripe_double import DoubleControl, StripeDouble
from billing.models import Dispute, Funding
from billing.services.disputes import follow_dispute
from marketplace.models import Client, Escalation, Job
from marketplace.services.allocation import claim_task
from marketplace.services.posting import launch_job
from marketplace.services.review import accept_assignment
from tests.billing.flows import now_of, paid_in, run_relay
from tests.billing.stripe_double.world import API_KEY
from tests.kernel.people import made_admin
from tests.marketplace.api_people import Person, an_admin, code_of
from tests.marketplace.builders import (
    a_client,
    a_draft,
    a_worker,
    an_open_job,
    answer,
    available,
    earned,
    held,
    owner_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def stripe(settings: Settings) -> Iterator[DoubleControl]:
    with StripeDouble() as double:
        settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = API_KEY, double.base_url
        yield DoubleControl(double.base_url)


def disputed(stripe: DoubleControl, client: Client) -> Escalation:
    """A payment of the client's that its bank takes back, and all that follows here."""
    funding = paid_in(stripe, 5_000, client_owner=client.billing_owner)
    follow_dispute(stripe_dispute_id=stripe.dispute(funding.payment_intent_id)["id"])
    run_relay()
    return Escalation.objects.get(kind="dispute")


def test_running_jobs_pause_and_a_person_is_asked(stripe: DoubleControl) -> None:
    job, other = an_open_job(), an_open_job()
    draft = a_draft(client=job.client)

    escalation = disputed(stripe, job.client)

    assert (now_of(job).state, now_of(draft).state, now_of(other).state) == ("paused", "draft", "open")
    assert escalation.subject == f"dispute:{Dispute.objects.get().pk}"
    (part,) = escalation.details["parts"]
    assert (part["amount_minor"], part["paused_jobs"]) == (5_000, [str(job.pk)])


def test_what_banks_take_of_one_payment_is_one_matter_until_it_is_decided(stripe: DoubleControl) -> None:
    job = an_open_job()
    client, admin = job.client, an_admin()
    funding = paid_in(stripe, 5_000, client_owner=client.billing_owner)
    names = [taken_in(stripe, funding, amount=minor) for minor in (1_000, 500)]

    (escalation,) = Escalation.objects.filter(kind="dispute")
    matter = admin.get(f"escalations/{escalation.pk}/")[1]["matter"]
    assert escalation.details["amount_minor"] == 1_500
    assert [(part["dispute"], part["amount_minor"], part["paused_jobs"]) for part in matter["parts"]] == [
        (names[0], 1_000, [str(job.pk)]),
        (names[1], 500, []),
    ]
    assert (matter["dispute"], matter["amount_minor"]) == (names[0], 1_000)
    assert [(other["dispute"], other["amount_minor"]) for other in matter["others"]] == [(names[1], 500)]

    note = {"decision": "noted", "note": "The client has told us why."}
    admin.post(f"escalations/{escalation.pk}/decision/", note)
    taken_in(stripe, funding, amount=300)
    taken_in(stripe, paid_in(stripe, 700, client_owner=client.billing_owner))
    live = Escalation.objects.filter(kind="dispute", state="open").order_by("opened_at", "pk")
    assert [each.details["amount_minor"] for each in live] == [300, 700]


def taken_in(stripe: DoubleControl, funding: Funding, **order: object) -> str:
    """A bank takes something of a payment, and all that follows here; the dispute."""
    opened = stripe.dispute(funding.payment_intent_id, **order)
    follow_dispute(stripe_dispute_id=opened["id"])
    run_relay()
    return str(Dispute.objects.get(stripe_dispute_id=opened["id"]).pk)


def test_work_that_is_held_is_finished_and_paid_from_escrow(stripe: DoubleControl) -> None:
    job = an_open_job()
    worker, before = a_worker(job), held(job)
    turn = claim_task(worker=worker)

    disputed(stripe, job.client)
    accept_assignment(assignment_id=answer(turn).pk, by=owner_of(job.client))

    assert (earned(worker), held(job)) == (job.reward_minor, before - job.reward_minor - job.fee_minor)


def test_the_client_goes_on_only_after_an_admin_has_looked(stripe: DoubleControl) -> None:
    job = an_open_job()
    draft, owner = a_draft(client=job.client), Person(owner_of(job.client))
    escalation = disputed(stripe, job.client)

    assert code_of(owner.post(f"jobs/{job.pk}/resume/")) == (409, "client_disputed")
    assert code_of(owner.post(f"jobs/{draft.pk}/launch/")) == (409, "client_disputed")
    admin = an_admin()
    status, shown = admin.get(f"escalations/{escalation.pk}/")
    assert (status, shown["matter"]["state"], shown["matter"]["amount_minor"]) == (200, "open", 5_000)
    decided = admin.post(
        f"escalations/{escalation.pk}/decision/", {"decision": "noted", "note": "The client has told us why."}
    )
    assert (decided[0], decided[1]["state"]) == (201, "decided")
    assert owner.post(f"jobs/{job.pk}/resume/")[0] == 200
    assert now_of(job).state == Job.State.OPEN


def test_a_job_that_waits_for_what_is_disputed_opens_when_it_comes_again(stripe: DoubleControl) -> None:
    client = a_client(funds_minor=0)
    escalation = disputed(stripe, client)
    note = {"decision": "noted", "note": "The client has told us why."}
    an_admin().post(f"escalations/{escalation.pk}/decision/", note)
    job = launch_job(job_id=a_draft(client=client).pk, by=owner_of(client), when_funded=True)
    assert (job.state, available(client)) == (Job.State.AWAITING_FUNDS, 0)

    dispute = Dispute.objects.get()
    stripe.end_dispute(dispute.stripe_dispute_id, won=True)
    follow_dispute(stripe_dispute_id=dispute.stripe_dispute_id)
    run_relay()

    assert (now_of(job).state, held(job), available(client)) == (Job.State.OPEN, 36, 5_000 - 36)


def test_a_client_reads_what_came_again_and_what_is_gone(stripe: DoubleControl) -> None:
    client = a_client(funds_minor=0)
    owner, at = Person(owner_of(client)), f"clients/{client.pk}/disputes/"
    funding = paid_in(stripe, 5_000, client_owner=client.billing_owner)
    launch_job(job_id=a_draft(client=client, reward_minor=1_000).pk, by=owner_of(client))
    follow_dispute(stripe_dispute_id=stripe.dispute(funding.payment_intent_id)["id"])
    dispute = Dispute.objects.get()

    stripe.give_back(dispute.stripe_dispute_id, amount=1_000)
    follow_dispute(stripe_dispute_id=dispute.stripe_dispute_id)
    (open_,) = owner.every(at)
    stripe.end_dispute(dispute.stripe_dispute_id, won=False, amount=3_000)
    follow_dispute(stripe_dispute_id=dispute.stripe_dispute_id)
    (lost,) = owner.every(at)

    assert open_["sentence"] == (
        "The bank took 50.00 USD back, 14.00 USD of it from your funds, and gave 10.00 USD again; 0.00 USD of that are "
        "your funds again. It has not decided about the rest yet."
    )
    assert lost["sentence"] == (
        "Of 50.00 USD that the bank took back, 14.00 USD of it from your funds, 40.00 USD came again; 4.00 USD of that "
        "are your funds again. The bank keeps 10.00 USD."
    )
    assert (lost["state"], lost["returned_minor"], lost["returned_to_funds_minor"]) == ("lost", 4_000, 400)
    assert available(client) == 400


def test_whoever_acts_for_the_client_does_not_decide_it(stripe: DoubleControl) -> None:
    job = an_open_job()
    owner = owner_of(job.client)
    made_admin(owner, "finance")
    escalation = disputed(stripe, job.client)

    refused = Person(owner).post(
        f"escalations/{escalation.pk}/decision/", {"decision": "noted", "note": "All is well, believe me."}
    )

    assert code_of(refused) == (409, "not_yours_to_decide")


def test_a_client_reads_how_its_disputes_stand_and_what_they_moved(stripe: DoubleControl) -> None:
    client = a_client(funds_minor=0)
    owner, at = Person(owner_of(client)), f"clients/{client.pk}/disputes/"
    first = paid_in(stripe, 5_000, client_owner=client.billing_owner)
    launch_job(job_id=a_draft(client=client, reward_minor=1_000).pk, by=owner_of(client))
    follow_dispute(stripe_dispute_id=stripe.dispute(first.payment_intent_id)["id"])

    (shown,) = owner.every(at)

    dispute = Dispute.objects.get()
    assert dispute.evidence_due_at is not None
    assert shown | {"created_at": "", "opened_at": ""} == {
        "id": str(dispute.pk),
        "funding": str(first.pk),
        "state": "open",
        "sentence": "The bank took 50.00 USD back; 14.00 USD of it came from your funds. It has not decided yet.",
        "amount_minor": 5_000,
        "from_funds_minor": 1_400,
        "returned_minor": 0,
        "returned_to_funds_minor": 0,
        "currency": "USD",
        "reason": dispute.reason,
        "evidence_due_at": dispute.evidence_due_at.isoformat().replace("+00:00", "Z"),
        "created_at": "",
        "opened_at": "",
        "finished_at": None,
    }
    stripe.end_dispute(dispute.stripe_dispute_id, won=True)
    follow_dispute(stripe_dispute_id=dispute.stripe_dispute_id)
    assert owner.every(at, state="open") == []
    (won,) = owner.every(at, state="won")
    assert won["sentence"] == "The bank gave 50.00 USD back; 14.00 USD of it are your funds again."
    assert code_of(Person(owner_of(a_client())).get(at)) == (404, "not_found")


def test_a_client_without_jobs_is_escalated_all_the_same(stripe: DoubleControl) -> None:
    client = a_client(funds_minor=0)

    (part,) = disputed(stripe, client).details["parts"]
    assert part["paused_jobs"] == []

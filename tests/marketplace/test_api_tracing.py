"""Following a dollar: from a client's card to a worker's bank, every hop explained, and nobody's but one's own."""

from typing import Any

import pytest

from billing.demo.stripe_double import DoubleControl
from billing.models import Funding, Payout
from billing.services.bank_payouts import note_bank_payout
from billing.services.payouts import request_payout
from billing.stripe_records import BankPayoutState
from kernel import clock
from kernel.models import AuditEvent
from kernel.services.audit import Actor
from marketplace.models import Assignment, Client, Job
from marketplace.queries.tracing import followed_by_finance
from marketplace.services.bonuses import give_bonus
from marketplace.services.completion import cancel_job
from marketplace.services.review import accept_all, accept_assignment
from tests.billing.builders import a_funding, a_ready_account, usd
from tests.billing.flows import looked_at, now_of, onboarded, paid_in, run_relay
from tests.marketplace.api_people import Person, an_admin, code_of
from tests.marketplace.builders import a_client, a_submitted_answer, a_worker, an_open_job, owner_of
from workforce.models import Worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


def a_paid_answer(client: Client) -> tuple[Job, Worker, Assignment]:
    """An answer that its client accepted, at 300 cents and a fee of 60."""
    job = an_open_job(
        client=client, tasks=1, overlap_min=1, overlap_max=1, reward_minor=300, accept_on_resolution=False
    )
    worker = a_worker(job)
    answer = a_submitted_answer(job, worker=worker)
    return job, worker, accept_assignment(assignment_id=answer.pk, by=owner_of(client))


def steps(followed: Any) -> list[tuple[str, int, int]]:
    return [(hop["kind"], hop["amount_minor"], hop["of_minor"]) for hop in followed["hops"]]


def test_a_dollar_is_followed_from_the_card_to_the_bank(stripe: DoubleControl) -> None:
    client = a_client(funds_minor=0)
    funding = paid_in(stripe, 1_000, client_owner=client.billing_owner)
    job, worker, answer = a_paid_answer(client)
    account = onboarded(stripe, worker.billing_owner)
    asked = request_payout(owner=worker.billing_owner, amount=None, by=Actor.user(worker.user))
    run_relay()
    payout: Payout = now_of(asked)
    assert payout.state == Payout.State.SETTLED
    reviewer = owner_of(client)

    status, followed = an_admin().get(f"money/trace/payout:{payout.pk}/")

    assert (status, followed["currency"], followed["amount_minor"]) == (200, "USD", 300)
    assert steps(followed) == [
        ("funding_settled", 300, 1_000),
        ("escrow_held", 300, 360),
        ("work_paid", 300, 300),
        ("payout_requested", 300, 300),
        ("payout_settled", 300, 300),
        ("bank", 300, 300),
    ]
    assert [(hop["from_account"], hop["to_account"]) for hop in followed["hops"]] == [
        (f"outside_world of {client.billing_owner}", f"client_funds of {client.billing_owner}"),
        (f"client_funds of {client.billing_owner}", f"job_escrow of {job.billing_owner}"),
        (f"job_escrow of {job.billing_owner}", f"worker_earnings of {worker.billing_owner}"),
        (f"worker_earnings of {worker.billing_owner}", f"payouts_in_flight of {worker.billing_owner}"),
        (f"payouts_in_flight of {worker.billing_owner}", f"outside_world of {worker.billing_owner}"),
        (f"Stripe account of {worker.billing_owner}", f"bank account of {worker.billing_owner}"),
    ]
    card, _, paid, requested, sent, bank = followed["hops"]
    note_bank_payout(
        stripe_account_id=account.stripe_account_id,
        seen=BankPayoutState("po_1", usd(300), "paid", failure="", expected_at=clock.now()),
    )
    told_again = an_admin().get(f"money/trace/payout:{payout.pk}/")[1]["hops"][-1]
    assert (bank["stripe"].get("payout"), told_again["stripe"]["payout"]) == (None, "po_1 (at the bank)")
    paid_in_by: Funding = now_of(funding)
    assert card["stripe"]["payment_intent"] == paid_in_by.payment_intent_id
    assert (sent["stripe"]["transfer"], bank["stripe"]["account"]) == (
        payout.stripe_transfer_id,
        account.stripe_account_id,
    )
    assert {name: paid[name] for name in ("job", "job_title", "assignment", "task", "accepted_by")} == {
        "job": str(job.pk),
        "job_title": "Animals",
        "assignment": str(answer.pk),
        "task": str(answer.task_id),
        "accepted_by": f"user:{reviewer.pk}",
    }
    assert paid["accepted_because"] == "accepted in review"
    assert [hop["told_by"] for hop in followed["hops"]] == [
        *["first in, first out"] * 3,
        "asked for",
        *["the same payment"] * 2,
    ]
    assert (followed["left_out"], followed["still_there"]) == ([], [])
    for hop in followed["hops"][:-1]:
        event = AuditEvent.objects.get(pk=hop["audit_event"])
        assert hop["sentence"]
        assert event.action == "ledger.posted"
    assert requested["posting"] == f"payout:{payout.pk}:requested"
    at_stripe = {name: an_admin().get(f"money/trace/{name}/")[1] for name in (payout.stripe_transfer_id, "tr_none")}
    assert at_stripe[payout.stripe_transfer_id]["hops"][:-1] == followed["hops"][:-1]
    assert at_stripe["tr_none"]["code"] == "not_found"
    for name in (paid_in_by.payment_intent_id, paid_in_by.stripe_session_id):
        onwards = an_admin().get(f"money/trace/{name}/")[1]
        assert (onwards["subject"], onwards["amount_minor"]) == (f"funding:{funding.pk}", 1_000)


def test_what_came_back_of_a_payout_is_followed_on_from_where_it_left(stripe: DoubleControl) -> None:
    client = a_client(funds_minor=0)
    paid_in(stripe, 1_000, client_owner=client.billing_owner)
    _, worker, answer = a_paid_answer(client)
    onboarded(stripe, worker.billing_owner)
    asked = request_payout(owner=worker.billing_owner, amount=None, by=Actor.user(worker.user))
    run_relay()
    for minor in (120, 30):
        stripe.take_back(now_of(asked).stripe_transfer_id, amount=minor)
    payout = looked_at(now_of(asked))
    again = request_payout(owner=worker.billing_owner, amount=usd(140), by=Actor.user(worker.user))
    run_relay()

    followed = an_admin().get(f"money/trace/payout:{payout.pk}/")[1]
    back = an_admin().get(f"money/trace/payout:{again.pk}/")[1]
    own = Person(worker.user).get(f"earnings/trace/payout:{payout.pk}/")[1]

    assert steps(followed)[3:] == [
        ("payout_requested", 300, 300),
        ("payout_settled", 300, 300),
        ("bank", 150, 150),
        ("payout_returned", 120, 120),
        ("payout_returned", 30, 30),
        ("payout_requested", 140, 140),
        ("payout_settled", 140, 140),
        ("bank", 140, 140),
    ]
    assert [(rest["amount_minor"], rest["is_there"]) for rest in followed["still_there"]] == [(10, True)]
    assert steps(back)[:3] == [("funding_settled", 140, 1_000), ("escrow_held", 140, 360), ("work_paid", 140, 300)]
    assert [step for step in steps(back) if step[0] == "payout_returned"] == [
        ("payout_returned", 120, 120),
        ("payout_returned", 20, 30),
    ]
    assert sum(hop["amount_minor"] for hop in own["hops"] if hop["kind"] == "bank") == 290
    assert own["hops"][0]["assignment"] == str(answer.pk)


def test_an_answer_is_followed_both_ways_and_its_fee_with_it() -> None:
    client = a_client(funds_minor=1_000)
    _, worker, answer = a_paid_answer(client)

    status, followed = an_admin().get(f"money/trace/assignment:{answer.pk}/")

    assert (status, followed["amount_minor"]) == (200, 360)
    assert steps(followed) == [
        ("funding_settled", 360, 1_000),
        ("escrow_held", 360, 360),
        ("work_paid", 300, 300),
        ("work_paid", 60, 60),
    ]
    assert [hop["sentence"] for hop in followed["hops"][2:]] == [
        "The reward for an accepted answer in “Animals” became its worker's earnings.",
        "The platform's fee for the same in “Animals”.",
    ]
    assert followed["still_there"] == [
        {
            "sentence": "Still there: among the worker's earnings, to be paid out when they ask.",
            "account": f"worker_earnings of {worker.billing_owner}",
            "amount_minor": 300,
            "is_there": True,
        }
    ]


def test_a_bonus_is_followed_with_the_answer_that_it_was_for() -> None:
    client = a_client(funds_minor=1_000)
    _, _, answer = a_paid_answer(client)
    give_bonus(assignment_id=answer.pk, amount_minor=100, reason="You were right all along.", by=owner_of(client))

    bonus, fee = an_admin().get(f"money/trace/assignment:{answer.pk}/")[1]["hops"][-2:]

    assert (bonus["kind"], bonus["amount_minor"], bonus["job_title"], bonus["accepted_by"]) == (
        "bonus_paid",
        100,
        "Animals",
        "",
    )
    assert (fee["kind"], fee["amount_minor"]) == ("bonus_paid", 20)


def test_a_funding_is_followed_to_every_place_where_its_cents_are() -> None:
    client = a_client(funds_minor=0)
    first, second = a_funding(client.billing_owner, 500), a_funding(client.billing_owner, 400)
    a_paid_answer(client)
    a_paid_answer(client)
    cancelled = an_open_job(client=client, tasks=1, overlap_min=1, overlap_max=1, reward_minor=100)
    cancel_job(job_id=cancelled.pk, by=owner_of(client))
    admin = an_admin()

    ways = [admin.get(f"money/trace/{funding.reference}/")[1] for funding in (first, second)]

    assert [steps(way) for way in ways] == [
        [
            ("funding_settled", 500, 500),
            ("escrow_held", 360, 360),
            ("work_paid", 300, 300),
            ("work_paid", 60, 60),
            ("escrow_held", 140, 360),
            ("work_paid", 140, 300),
        ],
        [
            ("funding_settled", 400, 400),
            ("escrow_held", 220, 360),
            ("work_paid", 160, 300),
            ("work_paid", 60, 60),
            ("escrow_held", 120, 120),
            ("escrow_released", 120, 120),
        ],
    ]
    for way, amount in zip(ways, (500, 400), strict=True):
        still = sum(rest["amount_minor"] for rest in way["still_there"])
        fees = sum(hop["amount_minor"] for hop in way["hops"] if hop["to_account"].startswith("platform_fees"))
        assert still + fees == amount


def test_a_job_is_followed_with_every_cent_counted_once() -> None:
    client = a_client(funds_minor=1_000)
    job, _, _ = a_paid_answer(client)
    cancel_job(job_id=job.pk, by=owner_of(client))  # nothing is left of it: its fee is swept
    cancelled = an_open_job(client=client, tasks=1, overlap_min=1, overlap_max=1, reward_minor=100)
    cancel_job(job_id=cancelled.pk, by=owner_of(client))
    admin = an_admin()

    done, given_back = (admin.get(f"money/trace/job:{each.pk}/")[1] for each in (job, cancelled))

    assert (done["amount_minor"], steps(done)) == (
        360,
        [
            ("funding_settled", 360, 1_000),
            ("escrow_held", 360, 360),
            ("work_paid", 300, 300),
            ("work_paid", 60, 60),
            ("fees_swept", 60, 60),
        ],
    )
    assert (given_back["amount_minor"], [rest["amount_minor"] for rest in given_back["still_there"]]) == (120, [120])
    assert steps(given_back)[1:] == [("escrow_held", 120, 120), ("escrow_released", 120, 120)]


def test_what_is_paid_together_is_told_by_one_event_each_its_own() -> None:
    client = a_client(funds_minor=10_000)
    job = an_open_job(
        client=client, tasks=3, overlap_min=1, overlap_max=1, reward_minor=300, accept_on_resolution=False
    )
    worker = a_worker(job)
    answers = [a_submitted_answer(job, worker=worker) for _ in range(3)]
    accept_all(job=job, by=owner_of(client))

    events = {
        hop.audit_event
        for answer in answers
        for hop in followed_by_finance(f"assignment:{answer.pk}").hops
        if hop.task_id
    }

    (event,) = filter(None, events)
    assert len(AuditEvent.objects.get(pk=event).details["postings"]) == 3


def test_clients_and_workers_follow_what_is_theirs_and_no_further(stripe: DoubleControl) -> None:
    client = a_client(funds_minor=1_000)
    _, worker, answer = a_paid_answer(client)
    a_ready_account(worker.billing_owner)
    payout = request_payout(owner=worker.billing_owner, amount=usd(200), by=Actor.user(worker.user))
    owner, person, funding = Person(owner_of(client)), Person(worker.user), Funding.objects.get()

    theirs = owner.get(f"clients/{client.pk}/trace/{funding.reference}/")[1]
    own = person.get(f"earnings/trace/payout:{payout.pk}/")[1]

    assert steps(theirs) == [
        ("funding_settled", 1_000, 1_000),
        ("escrow_held", 360, 360),
        ("work_paid", 300, 300),
        ("work_paid", 60, 60),
    ]
    assert [rest["amount_minor"] for rest in theirs["still_there"]] == [640]
    assert steps(own) == [("work_paid", 200, 300), ("payout_requested", 200, 200)]
    assert own["hops"][0]["assignment"] == str(answer.pk)
    for followed in (theirs, own):
        assert not {"from_account", "accepted_by", "accepted_because", "audit_event", "task"} & set(followed["hops"][0])
    assert str(worker.pk) not in str(theirs)
    assert str(client.pk) not in str(own)


def test_what_is_anothers_or_nothing_is_not_there() -> None:
    client, other = a_client(funds_minor=1_000), a_client(funds_minor=1_000)
    _, worker, answer = a_paid_answer(client)
    _, stranger, _ = a_paid_answer(other)
    owner = Person(owner_of(other))
    foreign = Funding.objects.get(client_owner=client.billing_owner).reference

    assert code_of(owner.get(f"clients/{client.pk}/trace/{foreign}/")) == (404, "not_found")
    assert code_of(owner.get(f"clients/{other.pk}/trace/{foreign}/")) == (404, "not_found")
    assert code_of(Person(stranger.user).get(f"earnings/trace/assignment:{answer.pk}/")) == (404, "not_found")
    assert code_of(Person(worker.user).get(f"money/trace/assignment:{answer.pk}/")) == (403, "not_allowed")
    for nothing in ("payout:1", "nonsense", "assignment:%00", "%E2%80%AE", "pay:" + "x" * 300):
        assert code_of(an_admin().get(f"money/trace/{nothing}/")) == (404, "not_found")

"""What a client adds to a worker's pay: with a reason, from its own funds, to somebody else, once."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection

from billing.services.ledger import InsufficientFunds
from kernel.errors import Invalid
from marketplace.models import Bonus
from marketplace.services.allocation import claim_task
from marketplace.services.bonuses import BonusToOneself, give_bonus
from marketplace.services.checks import check_invariants
from marketplace.services.review import reject_assignment
from tests.by_hand import by_hand
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.builders import (
    a_client,
    a_member,
    a_resolved_task,
    a_share,
    a_submitted_answer,
    a_worker,
    an_open_job,
    available,
    earned,
    owner_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _all_is_well_afterwards() -> Iterator[None]:
    yield
    assert check_invariants() == []


def test_a_bonus_goes_from_the_clients_funds_to_the_worker_with_the_fee_on_top_and_is_given_once_per_key() -> None:
    job = an_open_job()
    turn, before = a_submitted_answer(job), available(job.client)
    client = Person(owner_of(job.client))
    asked = {"amount_minor": 53, "reason": "Well seen."}

    status, said = client.post(f"assignments/{turn.pk}/bonuses/", asked, key="once")
    again = client.post(f"assignments/{turn.pk}/bonuses/", asked, key="once")

    assert (status, said["amount_minor"], said["fee_minor"]) == (201, 53, 11)
    assert again == (201, said)
    assert (earned(turn.worker), before - available(job.client)) == (53, 64)
    assert client.every(f"assignments/{turn.pk}/bonuses/") == [said]


def test_the_worker_reads_the_reason_with_their_earnings() -> None:
    job = an_open_job()
    turn = a_submitted_answer(job)
    give_bonus(assignment_id=turn.pk, amount_minor=5, reason="Well seen.", by=owner_of(job.client))

    (line,) = Person(turn.worker.user).every("earnings/statement/")

    assert (line["change_minor"], line["kind"]) == (5, "bonus_paid")
    assert line["explanation"] == "A client thanked you for good work. “Well seen.”"


def test_an_answer_that_was_rejected_may_bring_a_bonus_and_a_turn_without_an_answer_none() -> None:
    job = an_open_job(tasks=1, accept_on_resolution=False)
    turn = a_resolved_task(job).assignments.order_by("submitted_at")[0]
    owner = owner_of(job.client)
    reject_assignment(assignment_id=turn.pk, reason="wrong", message="This shows a dog, and not a cat.", by=owner)
    running = an_open_job(client=job.client)
    active = claim_task(worker=a_worker(running), job_id=running.pk)

    give_bonus(assignment_id=turn.pk, amount_minor=1, reason="For the try.", by=owner)

    assert earned(turn.worker) == 1
    path = f"assignments/{active.pk}/bonuses/"
    assert code_of(Person(owner).post(path, {"amount_minor": 1, "reason": "x"})) == (409, "wrong_state")


def test_a_bonus_is_at_most_a_hundred_times_the_reward_and_what_the_client_has() -> None:
    job = an_open_job(client=a_client(funds_minor=500), reward_minor=100)
    turn = a_submitted_answer(job)

    with pytest.raises(Invalid, match="between 1 and 10000 minor units, not 10001"):
        give_bonus(assignment_id=turn.pk, amount_minor=10_001, reason="Much.", by=owner_of(job.client))
    with pytest.raises(InsufficientFunds):
        give_bonus(assignment_id=turn.pk, amount_minor=120, reason="Too much.", by=owner_of(job.client))

    assert (Bonus.objects.count(), earned(turn.worker), available(job.client)) == (0, 0, 140)


def test_nobody_gives_a_bonus_to_somebody_who_acts_for_the_client() -> None:
    job = an_open_job()
    turn = a_submitted_answer(job)
    a_member(job.client, user=turn.worker.user)

    for giver in (owner_of(job.client), turn.worker.user):
        with pytest.raises(BonusToOneself):
            give_bonus(assignment_id=turn.pk, amount_minor=1, reason="Us.", by=giver)

    assert earned(turn.worker) == 0


def test_who_looks_after_one_job_spends_none_of_the_clients_funds_on_bonuses() -> None:
    job = an_open_job()
    turn = a_submitted_answer(job)
    manager, stranger = Person(a_share(job, role="reviewer").user), Person(owner_of(a_client()))
    asked = {"amount_minor": 1, "reason": "Well seen."}

    assert code_of(manager.post(f"assignments/{turn.pk}/bonuses/", asked)) == (403, "not_allowed")
    assert code_of(stranger.post(f"assignments/{turn.pk}/bonuses/", asked)) == (404, "not_found")


def test_a_bonus_that_was_given_stays() -> None:
    job = an_open_job()
    turn = a_submitted_answer(job)
    give_bonus(assignment_id=turn.pk, amount_minor=1, reason="Well seen.", by=owner_of(job.client))

    refused = pytest.raises(DatabaseError, match="Rows of marketplace_bonus are facts")
    with refused, by_hand(), connection.cursor() as cursor:
        cursor.execute("UPDATE marketplace_bonus SET amount_minor = 2")

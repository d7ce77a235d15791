"""What a turn costs: by difficulty band and score, quoted before the claim, frozen at it, covered by escrow."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from itertools import count
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from kernel import clock
from kernel.errors import Invalid
from kernel.money import MINOR_UNIT_DIGITS
from kernel.services.audit import Actor
from marketplace.models import Assignment, Band, Job, Price, Slot, Task
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.import_faults import InvalidImport
from marketplace.services.importing import import_tasks
from marketplace.services.posting import launch_job
from marketplace.services.pricing import AskedPrice
from marketplace.services.settlement import accept_due_assignments
from qualification.models import Score
from qualification.services.scoring import record_gold
from tests.billing.builders import a_funding
from tests.by_hand import by_hand
from tests.marketplace.api_people import Person
from tests.marketplace.builders import (
    ALWAYS_GOLD,
    a_client,
    a_draft,
    a_worker,
    answer,
    earned,
    held,
    owner_of,
    with_tasks,
)
from workforce.models import Worker

pytestmark = pytest.mark.django_db

_numbers = count(1)


@pytest.fixture(autouse=True)
def _all_is_well_afterwards() -> Iterator[None]:
    yield
    assert check_invariants() == []


def a_price(band: Band, bound: float, reward_minor: int) -> AskedPrice:
    return AskedPrice(band, bound, reward_minor)


def launched(job: Job) -> Job:
    return launch_job(job_id=job.pk, by=owner_of(job.client))


def a_good_worker(job: Job) -> Worker:
    """A worker whose score is surely at least 0.8, by gold of yesterday."""
    worker = a_worker(job)
    with clock.ahead_by(timedelta(days=-1)):
        let_score_rise(worker, job)
    return worker


def let_score_rise(worker: Worker, job: Job) -> None:
    for _ in range(30):
        record_gold(worker_id=worker.pk, skill_id=job.skill_id, correct=True, subject=f"test:{next(_numbers)}")


def quoted_to(worker: Worker, job: Job) -> dict[str, int]:
    status, shown = Person(worker.user).get(f"jobs/{job.pk}/")
    assert status == 200
    return {price["band"]: price["reward_minor"] for price in shown["prices"]}


HARD_PAYS_THE_GOOD = (a_price(Band.HARD, 0.0, 20), a_price(Band.HARD, 0.8, 35))


def test_one_reward_is_the_price_of_every_band() -> None:
    job = a_draft(reward_minor=10)

    _, shown = Person(owner_of(job.client)).get(f"jobs/{job.pk}/")

    assert shown["prices"] == [
        {"band": band, "min_lower_bound": 0.0, "reward_minor": 10, "fee_minor": 2}
        for band in ("easy", "standard", "hard")
    ]


def test_a_band_that_is_not_named_is_paid_as_standard_and_one_without_a_first_price_begins_with_the_reward() -> None:
    asked = [a_price(Band.STANDARD, 0.9, 12), a_price(Band.HARD, 0.5, 30)]
    job = a_draft(reward_minor=10, prices=tuple(asked))

    prices = Price.objects.filter(job=job).order_by("band", "min_lower_bound")

    assert list(prices.values_list("band", "min_lower_bound", "reward_minor", "fee_minor")) == [
        ("easy", 0.0, 10, 2),
        ("easy", 0.9, 12, 2),
        ("hard", 0.0, 10, 2),
        ("hard", 0.5, 30, 6),
        ("standard", 0.0, 10, 2),
        ("standard", 0.9, 12, 2),
    ]


@pytest.mark.parametrize(
    ("prices", "sentence"),
    [
        ([(Band.STANDARD, 0.0, 11)], "The reward for standard from 0 is `reward_minor`, 10, and not 11."),
        ([(Band.HARD, 0.5, 11), (Band.HARD, 0.5, 12)], "The price for hard from 0.5 stands twice."),
        ([(Band.HARD, 1.5, 11)], "The lowest bound of a price is 1.5; it must be between 0 and 1."),
        ([(Band.HARD, 0.5, 0)], "The reward for hard from 0.5 must be between 1 and 1000000."),
    ],
)
def test_prices_that_cannot_be_meant_are_refused(prices: list[tuple[Band, float, int]], sentence: str) -> None:
    with pytest.raises(Invalid) as refusal:
        a_draft(reward_minor=10, prices=tuple(a_price(*price) for price in prices))

    assert (refusal.value.message, Job.objects.count()) == (sentence, 0)


def test_a_claim_bears_the_price_that_this_very_worker_was_quoted() -> None:
    job = a_draft(tasks=0, overlap_min=1, overlap_max=2, reward_minor=10, prices=HARD_PAYS_THE_GOOD)
    launched(with_tasks(job, "hard"))
    newcomer, good = a_worker(job), a_good_worker(job)
    quotes = [quoted_to(newcomer, job), quoted_to(good, job)]
    assert quotes == [{"easy": 10, "standard": 10, "hard": 20}, {"easy": 10, "standard": 10, "hard": 35}]

    first = claim_task(worker=good, job_id=job.pk)
    answer(first)

    first.refresh_from_db()
    assert (first.reward_minor, first.fee_minor, first.price.min_lower_bound) == (35, 7, 0.8)
    accept_due_assignments()
    with clock.ahead_by(timedelta(days=4)):
        accept_due_assignments()
    assert earned(good) == 35


def test_escrow_holds_each_bands_dearest_price_for_all_of_its_turns() -> None:
    prices = (a_price(Band.EASY, 0.0, 5), *HARD_PAYS_THE_GOOD)
    job = a_draft(tasks=0, overlap_min=1, overlap_max=3, reward_minor=10, prices=prices)

    launched(with_tasks(job, "easy", "easy", "standard", "hard"))

    easy, standard, hard = 2 * 3 * (5 + 1), 3 * (10 + 2), 3 * (35 + 7)
    assert held(job) == easy + standard + hard
    _, estimate = Person(owner_of(job.client)).get(f"jobs/{job.pk}/estimate/")
    assert (estimate["worst_answers"], estimate["worst_cost_minor"]) == (12, easy + standard + hard)


def test_todays_gold_changes_no_price_before_midnight() -> None:
    job = a_draft(tasks=0, overlap_min=1, overlap_max=2, reward_minor=10, prices=HARD_PAYS_THE_GOOD)
    launched(with_tasks(job, "hard"))
    worker = a_worker(job)
    let_score_rise(worker, job)
    assert Score.objects.get(worker=worker).lower_bound > 0.8

    assert quoted_to(worker, job)["hard"] == 20
    with clock.ahead_by(timedelta(days=1)):
        assert quoted_to(worker, job)["hard"] == 35
    assert claim_task(worker=worker, job_id=job.pk).reward_minor == 20


def test_gold_comes_only_in_the_place_of_work_of_its_own_band() -> None:
    order: dict[str, Any] = {"overlap_min": 1, "overlap_max": 1, "gold_share_basis_points": 5000, "reward_minor": 10}
    unlike = a_draft(tasks=0, prices=HARD_PAYS_THE_GOOD, **order)
    launched(with_tasks(unlike, "hard", "hard", gold="standard"))
    alike = a_draft(tasks=0, prices=HARD_PAYS_THE_GOOD, **order)
    launched(with_tasks(alike, "hard", "hard", gold="hard"))

    turns = [claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD) for job in (unlike, alike)]

    assert [(turn.lane, turn.reward_minor) for turn in turns] == [(Slot.Lane.WORK, 20), (Slot.Lane.GOLD, 20)]
    assert Slot.objects.filter(job=unlike, lane=Slot.Lane.GOLD).count() == 0


def test_the_price_of_a_claim_is_one_that_its_job_has_quoted() -> None:
    job, other = (launched(a_draft(tasks=2, overlap_max=2)) for _ in range(2))
    turn = claim_task(worker=a_worker(job), job_id=job.pk)
    foreign = Price.objects.filter(job=other, band=Band.STANDARD).values_list("pk", flat=True)[0]
    copied = """
        INSERT INTO marketplace_assignment SELECT (jsonb_populate_record(turn, jsonb_build_object(
            'id', gen_random_uuid(), 'worker_id', %s::text, 'ordinal', 2, 'reward_minor', %s::int, 'price_id', %s::int,
            'task_id', (SELECT id FROM marketplace_task task WHERE task.job_id = turn.job_id AND id <> turn.task_id)
        ))).* FROM marketplace_assignment turn
    """

    def refusal(reward_minor: int, price_id: int) -> str:
        with pytest.raises(DatabaseError) as refused, by_hand(), connection.cursor() as cursor:
            cursor.execute(copied, [str(a_worker(job).pk), reward_minor, price_id])
        return str(refused.value)

    assert "assignment_price_was_quoted" in refusal(11, turn.price_id)
    assert "assignment_price_was_quoted" in refusal(10, foreign)
    assert "assignment_price_was_quoted" in refusal(10, 0)
    assert Assignment.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE marketplace_price SET reward_minor = 1",
        "DELETE FROM marketplace_price",
        "TRUNCATE marketplace_price CASCADE",
    ],
)
def test_a_price_that_was_quoted_stays(change: str) -> None:
    a_draft()

    refused = pytest.raises(DatabaseError, match="Rows of marketplace_price are facts")
    with refused, by_hand(), connection.cursor() as cursor:
        cursor.execute(change)


def test_a_claim_keeps_the_price_that_it_was_made_at() -> None:
    job = launched(a_draft(prices=HARD_PAYS_THE_GOOD))
    claim_task(worker=a_worker(job), job_id=job.pk)
    dear = Price.objects.get(job=job, min_lower_bound=0.8)

    with pytest.raises(DatabaseError, match="What was agreed at the claim stands"), transaction.atomic():
        Assignment.objects.update(price=dear, reward_minor=dear.reward_minor, fee_minor=dear.fee_minor)


def test_bands_come_in_as_a_column_or_a_field_and_others_than_the_three_are_refused() -> None:
    job = a_draft(tasks=0)
    by = Actor.user(owner_of(job.client))

    table = b"text,external_id,band\nOne,a,hard\nTwo,b,\n"
    import_tasks(job_id=job.pk, stream=BytesIO(table), format="csv", by=by)
    with pytest.raises(InvalidImport) as refusal:
        import_tasks(job_id=job.pk, stream=BytesIO(b"text,band\nThree,tricky\n"), format="csv", by=by)

    assert dict(Task.objects.values_list("external_id", "band")) == {"a": "hard", "b": "standard"}
    fault = {"row": 2, "column": "band", "message": "A band is one of: easy, standard, hard."}
    assert refusal.value.errors == [fault]


@pytest.mark.parametrize(("currency", "reward", "fee"), [("JPY", 7, 1), ("USD", 1234, 247), ("KWD", 12_343, 2469)])
def test_prices_are_whole_minor_units_of_any_currency(currency: str, reward: int, fee: int) -> None:
    client = a_client(funds_minor=0)
    a_funding(client.billing_owner, 1_000_000, currency=currency)
    job = a_draft(tasks=0, client=client, currency=currency, overlap_min=1, overlap_max=1, reward_minor=reward)
    launched(with_tasks(job, "hard"))

    turn = claim_task(worker=a_worker(job), job_id=job.pk)

    assert currency in MINOR_UNIT_DIGITS
    assert (turn.reward.minor, turn.fee.minor, turn.currency, held(job)) == (reward, fee, currency, reward + fee)

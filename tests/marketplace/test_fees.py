"""The platform's share: the usual one, one agreed with a client, tiers by spending; fixed by the launch."""

from collections.abc import Iterator, Mapping

import pytest
from django.db import DatabaseError, connection

from marketplace.models import Client, FeeSchedule, Job
from marketplace.services.checks import check_invariants
from marketplace.services.fee_schedules import set_fee_schedule
from marketplace.services.posting import launch_job
from marketplace.services.repricing import reprice_job
from marketplace.services.settlement import accept_due_assignments
from tests.access.world import in_person
from tests.billing.builders import a_funding
from tests.by_hand import by_hand
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.builders import a_client, a_draft, a_resolved_task, an_open_job, held, owner_of
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _all_is_well_afterwards() -> Iterator[None]:
    yield
    assert check_invariants() == []


def agreed(client: Client, tiers: Mapping[int, int], *, minimum_minor: int = 0, currency: str = "USD") -> FeeSchedule:
    return set_fee_schedule(
        client_id=client.pk,
        currency=currency,
        tiers=tiers,
        minimum_minor=minimum_minor,
        why="Agreed.",
        by=a_user(is_staff=True),
    )


def fees_of(job: Job) -> tuple[int, int]:
    job.refresh_from_db()
    return job.fee_basis_points, job.fee_minor


def test_a_schedule_is_for_what_is_launched_from_then_on_and_drafts_show_it_at_once() -> None:
    client = a_client()
    running, draft = an_open_job(client=client, reward_minor=100), a_draft(client=client, reward_minor=100)

    agreed(client, {0: 1250})

    assert (fees_of(running), fees_of(draft)) == ((2000, 20), (1250, 13))
    assert fees_of(a_draft(client=client, reward_minor=100)) == (1250, 13)
    assert fees_of(a_draft(reward_minor=100)) == (2000, 20)
    launch_job(job_id=draft.pk, by=owner_of(client))
    agreed(client, {0: 3000})
    assert fees_of(draft) == (1250, 13)
    assert held(draft) == 3 * 113
    reprice_job(job_id=draft.pk, reward_minor=200, by=owner_of(client))
    assert fees_of(draft) == (1250, 25)


def test_the_least_fee_is_taken_where_the_share_is_less() -> None:
    client = a_client()
    agreed(client, {0: 1000}, minimum_minor=3)

    fees = [a_draft(client=client, reward_minor=reward).fee_minor for reward in (1, 29, 30, 35)]

    assert fees == [3, 3, 3, 4]


def test_a_tier_counts_from_what_the_client_has_spent_and_is_shown_before_the_launch() -> None:
    client = a_client()
    agreed(client, {0: 2000, 20: 1000})
    job = a_draft(client=client, reward_minor=100, overlap_max=2)
    person = Person(owner_of(client))
    a_resolved_task(an_open_job(client=client, tasks=1, overlap_max=2, reward_minor=10))
    assert person.get(f"jobs/{job.pk}/estimate/")[1]["worst_cost_minor"] == 2 * 120
    accept_due_assignments()

    _, shown = person.get(f"clients/{client.pk}/fees/")
    assert [(each["spent_minor"], each["basis_points"]) for each in shown["schedules"]] == [(20, 1000)]
    assert person.get(f"jobs/{job.pk}/estimate/")[1]["worst_cost_minor"] == 2 * 110
    launch_job(job_id=job.pk, by=owner_of(client))

    assert (fees_of(job), held(job)) == ((1000, 10), 220)


@pytest.mark.parametrize(
    ("currency", "reward", "fee"), [("JPY", 333, 42), ("USD", 1_004, 126), ("KWD", 99_999, 12_500)]
)
def test_fees_are_whole_minor_units_half_up(currency: str, reward: int, fee: int) -> None:
    client = a_client(funds_minor=0)
    a_funding(client.billing_owner, 1_000_000, currency=currency)
    agreed(client, {0: 1250}, currency=currency)

    job = an_open_job(client=client, currency=currency, reward_minor=reward, overlap_max=2)

    assert (job.fee_minor, held(job)) == (fee, 2 * (reward + fee))


def test_only_an_admin_for_finance_sets_fees_and_the_client_reads_them() -> None:
    client = a_client()
    asked = {
        "currency": "USD",
        "minimum_minor": 1,
        "tiers": [{"from_spent_minor": 0, "basis_points": 1500}],
        "why": "Agreed.",
    }
    path = f"clients/{client.pk}/fees/"

    assert code_of(in_person(owner_of(client)).post(path, asked)) == (403, "not_allowed")
    status, said = in_person(a_user(is_staff=True)).post(path, asked)

    assert (status, said["basis_points"], said["tiers"]) == (201, 1500, asked["tiers"])
    _, shown = Person(owner_of(client)).get(path)
    assert (shown["usual_basis_points"], len(shown["schedules"])) == (2000, 1)
    no_first = {**asked, "tiers": [{"from_spent_minor": 5, "basis_points": 1500}]}
    assert code_of(in_person(a_user(is_staff=True)).post(path, no_first)) == (400, "invalid")


@pytest.mark.parametrize("table", ["marketplace_feeschedule", "marketplace_feetier"])
def test_what_was_agreed_about_fees_is_kept(table: str) -> None:
    agreed(a_client(), {0: 1500})

    refused = pytest.raises(DatabaseError, match=f"Rows of {table} are facts")
    with refused, by_hand(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608  (named above)

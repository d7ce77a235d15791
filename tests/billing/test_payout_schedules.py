"""Each day or week earnings go out once without asking, if they are worth it and their way is free."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError

from billing.models import Payout, PayoutAccount, PayoutSchedule
from billing.services.payout_schedules import next_payout_on, pay_out_on_schedule, set_schedule
from billing.services.payouts import request_payout
from kernel import clock
from kernel.models import AuditEvent
from tests.billing.builders import SOMEBODY, a_ready_account, a_worker, earn, usd
from tests.by_hand import by_hand
from tests.concurrency.crowd import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]

Every = PayoutSchedule.Every


def a_schedule(every: PayoutSchedule.Every, *, earned: int = 0, minimum: int = 100, ready: bool = True) -> str:
    owner = a_worker(earned)
    if ready:
        a_ready_account(owner)
    set_schedule(owner=owner, every=every, minimum_minor=minimum, by=SOMEBODY)
    return owner


def paid(owner: str) -> list[int]:
    return list(Payout.objects.filter(owner=owner).order_by("created_at", "pk").values_list("amount_minor", flat=True))


def test_each_day_all_that_is_there_goes_out_once() -> None:
    owner = a_schedule(Every.DAY, earned=700)

    assert (pay_out_on_schedule(), pay_out_on_schedule()) == (1, 0)
    earn(owner, 300)
    assert (pay_out_on_schedule(), paid(owner)) == (0, [700])
    with clock.ahead_by(timedelta(days=1)):
        assert (pay_out_on_schedule(), pay_out_on_schedule()) == (1, 0)

    assert paid(owner) == [700, 300]
    asked = AuditEvent.objects.filter(action="payout.requested").values_list("actor_id", flat=True)
    assert set(asked) == {"payout_schedule"}


def next_monday() -> datetime:
    now = clock.now()
    return datetime(now.year, now.month, now.day, 1, tzinfo=UTC) + timedelta(days=7 - now.weekday())


def test_what_goes_out_by_the_week_begins_on_the_monday_after_and_says_so() -> None:
    owner = a_schedule(Every.WEEK, earned=700)
    schedule, monday, now = PayoutSchedule.objects.get(owner=owner), next_monday(), clock.now()

    assert (pay_out_on_schedule(), next_payout_on(schedule)) == (0, monday.date())
    with clock.ahead_by(monday - now):
        assert next_payout_on(schedule) == monday.date()
        assert pay_out_on_schedule() == 1
        schedule.refresh_from_db()
        assert next_payout_on(schedule) == monday.date() + timedelta(days=7)

    assert paid(owner) == [700]


def test_who_turns_from_days_to_weeks_and_back_is_not_paid_twice_a_day() -> None:
    owner = a_schedule(Every.DAY, earned=700)
    today = clock.now().date()
    assert next_payout_on(PayoutSchedule.objects.get(owner=owner)) == today
    assert pay_out_on_schedule() == 1
    earn(owner, 300)

    for every in (Every.WEEK, Every.DAY):
        schedule = set_schedule(owner=owner, every=every, minimum_minor=100, by=SOMEBODY)
        assert pay_out_on_schedule() == 0

    assert (paid(owner), next_payout_on(schedule)) == ([700], today + timedelta(days=1))
    never = set_schedule(owner=owner, every=Every.NEVER, minimum_minor=100, by=SOMEBODY)
    assert next_payout_on(never) is None


def test_a_week_is_from_monday_to_sunday() -> None:
    owner = a_schedule(Every.WEEK, earned=700)
    now, monday = clock.now(), next_monday()

    def on(day: int) -> int:
        with clock.ahead_by(monday + timedelta(days=day) - now):
            earn(owner, 100)
            return pay_out_on_schedule()

    assert [on(day) for day in (0, 1, 6, 7, 8)] == [1, 0, 0, 1, 0]
    assert paid(owner) == [800, 300]


def test_what_is_not_worth_it_waits_and_can_be_asked_for() -> None:
    owner = a_schedule(Every.DAY, earned=1_999, minimum=2_000)

    assert pay_out_on_schedule() == 0
    request_payout(owner=owner, amount=usd(100), by=SOMEBODY)

    assert paid(owner) == [100]


def test_never_is_never() -> None:
    owner = a_schedule(Every.NEVER, earned=700)

    assert (pay_out_on_schedule(), paid(owner)) == (0, [])


def test_who_cannot_be_paid_yet_is_paid_later_in_the_day() -> None:
    nowhere, held = a_schedule(Every.DAY, earned=700, ready=False), a_schedule(Every.DAY, earned=900)
    with by_hand():
        PayoutAccount.objects.of(held).update(
            held_until=clock.now() + timedelta(hours=72), held_because=PayoutAccount.Held.NEW_BANK
        )
    assert pay_out_on_schedule() == 0

    a_ready_account(nowhere)
    assert pay_out_on_schedule() == 1
    with clock.ahead_by(timedelta(hours=72, minutes=1)):
        pay_out_on_schedule()

    assert (paid(nowhere), paid(held)) == ([700], [900])


def test_the_database_knows_one_payout_of_a_period() -> None:
    owner = a_schedule(Every.DAY, earned=700)
    request_payout(owner=owner, amount=usd(300), by=SOMEBODY, period="2026-11-22")

    with pytest.raises(IntegrityError, match="one_payout_per_period"):
        request_payout(owner=owner, amount=usd(300), by=SOMEBODY, period="2026-11-22")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_sweeps_at_once_pay_each_owner_once(db: None) -> None:
    owners = [a_schedule(Every.DAY, earned=700) for _ in range(3)]

    outcomes = at_once([pay_out_on_schedule] * 8)

    assert sum(outcome for outcome in outcomes if isinstance(outcome, int)) == 3
    assert [paid(owner) for owner in owners] == [[700]] * 3

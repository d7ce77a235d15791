"""Reactions owed by the outbox: each effect once, whatever crashes between."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Lock
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from kernel import clock
from kernel.management.commands.relay import Relay
from kernel.models import AuditEvent, Heartbeat, OutboxMessage
from kernel.services import outbox
from kernel.services.audit import Actor, record
from kernel.services.outbox import (
    DONE_KEPT_FOR,
    LEASE,
    MOST_ON_THE_WAY,
    PARKED_AFTER_ATTEMPTS,
    announce,
    deliver,
    forget_done,
    redrive,
    subscribe,
    take_due,
)
from tests.kernel.people import a_user

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Rang:
    """A bell rang."""

    bell: str


class Crash(BaseException):
    """What a process dies of: no `except Exception` sees it."""


@pytest.fixture(autouse=True)
def nobody_listens() -> Iterator[None]:
    """Only what a test subscribes; the project's own wiring is put back behind it."""
    wired = outbox._subscriptions.copy()
    outbox._subscriptions.clear()
    yield
    outbox._subscriptions.clear()
    outbox._subscriptions.update(wired)


def write_down(event: Rang) -> None:
    """The effect: one row, which the tests count."""
    record(action="bell.rang", subject=OutboxMessage(), by=BY, why=event.bell)


def written_down() -> list[str]:
    return sorted(AuditEvent.objects.filter(action="bell.rang").values_list("why", flat=True))


def ring(*bells: str) -> None:
    with transaction.atomic():
        for bell in bells:
            announce(Rang(bell))


def deliver_all() -> list[bool]:
    return [deliver(message_id=message_id, lease=lease) for message_id, lease in take_due()]


def listen(reaction: Callable[[Rang], None], *, in_transaction: bool = True) -> None:
    subscribe(Rang, reaction, in_transaction=in_transaction)


def the_message() -> OutboxMessage:
    return OutboxMessage.objects.get()


def test_an_event_that_is_rolled_back_was_never_announced() -> None:
    listen(write_down)
    with transaction.atomic():
        announce(Rang("a"))
        transaction.set_rollback(True)
    assert not OutboxMessage.objects.exists()


def test_each_subscriber_gets_a_message_of_its_own() -> None:
    def answer_door(event: Rang) -> None:
        record(action="door.answered", subject=OutboxMessage(), by=BY)

    listen(write_down)
    listen(answer_door)
    ring("a")
    assert deliver_all() == [True, True]
    assert sorted(AuditEvent.objects.values_list("action", flat=True)) == ["bell.rang", "door.answered"]
    assert set(OutboxMessage.objects.values_list("state", "lease")) == {("done", None)}


def test_an_event_that_nobody_follows_leaves_nothing() -> None:
    ring("a")
    assert not OutboxMessage.objects.exists()


def test_a_reaction_follows_an_event_once() -> None:
    listen(write_down)
    with pytest.raises(AssertionError, match="write_down follows Rang twice"):
        listen(write_down)


def test_a_failing_reaction_leaves_no_effect_but_its_reason_and_is_tried_again() -> None:
    failures = [ValueError("no paper"), ValueError("no ink")]

    def write_when_possible(event: Rang) -> None:
        write_down(event)
        if failures:
            raise failures.pop(0)

    listen(write_when_possible)
    ring("a")
    assert deliver_all() == [True]
    assert (written_down(), the_message().last_error, the_message().attempts) == ([], "ValueError: no paper", 1)
    assert take_due() == []
    with clock.ahead_by(3 * SECOND):
        assert deliver_all() == [True]
    with clock.ahead_by(6 * SECOND):
        assert take_due() == []
    with clock.ahead_by(8 * SECOND):
        assert deliver_all() == [True]
    assert (written_down(), the_message().last_error, the_message().state) == (["a"], "", "done")


def test_a_reaction_that_fails_at_commit_is_put_off_as_well() -> None:
    def break_a_promise(event: Rang) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    listen(break_a_promise)
    ring("a")
    assert deliver_all() == [True]
    assert the_message().last_error.startswith("DataError: division by zero")


def test_what_keeps_failing_is_parked_until_somebody_drives_it_again() -> None:
    broken = [True]

    def write_when_mended(event: Rang) -> None:
        if broken:
            raise ValueError("still broken")
        write_down(event)

    listen(write_when_mended)
    ring("a")
    for attempt in range(PARKED_AFTER_ATTEMPTS):
        with clock.ahead_by(timedelta(hours=attempt)):
            assert deliver_all() == [True]
    assert (the_message().state, the_message().attempts) == ("parked", PARKED_AFTER_ATTEMPTS)
    with clock.ahead_by(timedelta(days=1)):
        assert take_due() == []
    broken.clear()
    admin = Actor.user(a_user(admin=True))
    assert redrive(by=admin, message_ids=[uuid4()]) == 0
    assert redrive(by=admin) == 1
    assert deliver_all() == [True]
    assert written_down() == ["a"]
    driven = AuditEvent.objects.get(action="outbox_message.redriven")
    assert (driven.actor_id, driven.why) == (admin.id, "ValueError: still broken")


def test_a_reaction_that_nobody_knows_any_more_is_kept_with_the_reason() -> None:
    listen(write_down)
    ring("a")
    outbox._subscriptions.clear()
    assert deliver_all() == [True]
    assert the_message().last_error == "LookupError: Nothing called write_down follows Rang any more."


def test_a_lease_is_good_once() -> None:
    listen(write_down)
    ring("a")
    [(message_id, lease)] = take_due()
    assert take_due() == []
    assert [deliver(message_id=message_id, lease=lease) for _ in range(3)] == [True, False, False]
    assert written_down() == ["a"]


def test_a_lease_that_ran_out_is_given_again_and_the_old_one_is_void() -> None:
    listen(write_down)
    ring("a")
    [(message_id, lost)] = take_due()
    with clock.ahead_by(LEASE - SECOND):
        assert take_due() == []
    with clock.ahead_by(LEASE + SECOND):
        [(_, second)] = take_due()
        assert deliver(message_id=message_id, lease=lost) is False
        assert deliver(message_id=message_id, lease=second) is True
    assert written_down() == ["a"]


def test_no_more_leases_are_out_than_can_be_used_in_time() -> None:
    listen(write_down)
    ring(*(str(number) for number in range(MOST_ON_THE_WAY + 50)))
    assert [len(take_due()) for _ in range(3)] == [100, 100, 0]
    with clock.ahead_by(LEASE + SECOND):
        assert len(take_due(limit=1000)) == MOST_ON_THE_WAY


def test_a_reaction_that_kills_its_process_is_parked_in_the_end() -> None:
    deaths = []

    def die(event: Rang) -> None:
        deaths.append(event)
        raise Crash

    listen(die)
    ring("a")
    for attempt in range(PARKED_AFTER_ATTEMPTS):
        with clock.ahead_by(attempt * timedelta(minutes=2)), pytest.raises(Crash):
            deliver_all()
    with clock.ahead_by(timedelta(hours=1)):
        assert deliver_all() == [True]
    assert len(deaths) == PARKED_AFTER_ATTEMPTS
    assert the_message().state == "parked"
    assert the_message().last_error.startswith("RuntimeError: The process that ran this reaction died")


def test_done_messages_are_forgotten_after_thirty_days() -> None:
    listen(write_down)
    ring("a", "b")
    deliver_all()
    ring("c")
    with clock.ahead_by(DONE_KEPT_FOR - SECOND):
        assert forget_done() == 0
    with clock.ahead_by(DONE_KEPT_FOR + SECOND):
        assert [forget_done(limit=1) for _ in range(3)] == [1, 1, 0]
    assert the_message().payload == {"bell": "c"}


@pytest.mark.django_db(transaction=True)
def test_a_reaction_to_the_network_runs_outside_any_transaction() -> None:
    seen = []
    listen(lambda event: seen.append(connection.in_atomic_block), in_transaction=False)
    ring("a")
    assert deliver_all() == [True]
    assert (seen, the_message().state) == ([False], "done")


@pytest.mark.django_db(transaction=True)
def test_a_reaction_to_the_network_that_outlives_its_lease_runs_beside_itself_and_is_done_once() -> None:
    begun, may_end, runs = Event(), Event(), []

    def call(event: Rang) -> None:
        runs.append(event)
        if len(runs) == 1:
            begun.set()
            assert may_end.wait(30)

    listen(call, in_transaction=False)
    ring("a")
    [(message_id, lease)] = take_due()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(in_thread, deliver, message_id=message_id, lease=lease)
        assert begun.wait(30)
        with clock.ahead_by(LEASE + SECOND):
            assert deliver_all() == [True]
        may_end.set()
        assert first.result() is False
    assert (len(runs), the_message().state) == (2, "done")


@pytest.mark.django_db(transaction=True)
def test_a_reaction_in_a_transaction_that_outlives_its_lease_is_not_given_to_anybody_else() -> None:
    begun, may_end = Event(), Event()

    def write_slowly(event: Rang) -> None:
        write_down(event)
        begun.set()
        assert may_end.wait(30)

    listen(write_slowly)
    ring("a")
    [(message_id, lease)] = take_due()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(in_thread, deliver, message_id=message_id, lease=lease)
        assert begun.wait(30)
        with clock.ahead_by(LEASE + SECOND):
            assert take_due() == []
        may_end.set()
        assert first.result() is True
    assert written_down() == ["a"]


def in_thread(function: Callable[..., Any], **arguments: Any) -> Any:
    try:
        return function(**arguments)
    finally:
        connection.close()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(5))
def test_each_effect_once_through_crashes_failures_and_doubled_wake_ups(seed: int) -> None:
    chance, lock = random.Random(seed), Lock()
    runs: Counter[str] = Counter()

    def happens(share: float) -> bool:
        with lock:
            return chance.random() < share

    def write_amid_trouble(event: Rang) -> None:
        runs[event.bell] += 1
        if happens(0.15):
            raise Crash
        write_down(event)
        if happens(0.15):
            raise ValueError("trouble")
        if happens(0.15):
            raise Crash

    def run(wake_up: tuple[UUID, UUID]) -> None:
        try:
            in_thread(deliver, message_id=wake_up[0], lease=wake_up[1])
        except Crash:
            return

    listen(write_amid_trouble)
    bells = [f"{number:03}" for number in range(60)]
    ring(*bells)
    for minutes in range(0, 600, 15):
        with clock.ahead_by(timedelta(minutes=minutes)), ThreadPoolExecutor(8) as pool:
            takes = [take for half in pool.map(lambda _: in_thread(take_due, limit=40), range(2)) for take in half]
            wake_ups = [wake_up for wake_up in takes for _ in range(chance.choice([0, 1, 1, 2, 3]))]
            list(pool.map(run, chance.sample(wake_ups, len(wake_ups))))
        if not OutboxMessage.objects.filter(state="waiting").exists():
            break
        redrive(by=BY)
    assert set(OutboxMessage.objects.values_list("state", flat=True)) == {"done"}
    assert written_down() == bells
    assert runs.total() > len(bells)


def test_the_relay_delivers_by_itself_while_the_broker_is_away() -> None:
    listen(write_down)
    ring("a", "b")
    assert [Relay().run_once() for _ in range(2)] == [2, 0]
    assert written_down() == ["a", "b"]
    assert list(Heartbeat.objects.values_list("part", flat=True)) == ["relay"]

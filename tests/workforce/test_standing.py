"""Standing: who may pause, suspend, reinstate and offboard whom, for how long, and what it never touches."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from billing.models import LedgerAccount
from billing.services import escrow, ledger
from kernel import clock
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import WrongState
from kernel.keyring import new_master_key
from kernel.models import AuditEvent, OutboxMessage, User
from kernel.services import outbox
from kernel.services.access import authenticate_token, create_api_key, sign_in
from kernel.services.audit import Actor
from kernel.services.key_rotation import outdated_keys
from marketplace import celery_app
from tests.billing.builders import a_client, a_job, usd
from tests.workforce.people import a_person, a_worker, an_admin
from workforce.events import WorkerOffboarded, WorkerPaused, WorkerReinstated, WorkerResumed, WorkerSuspended
from workforce.models import Worker
from workforce.services.persons import OwnCase, PersonDecides
from workforce.services.standing import (
    PauseTooLong,
    lift_ended_pauses,
    offboard_worker,
    pause_worker,
    reinstate_worker,
    resume_worker,
    suspend_worker,
)

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
RULE = Actor.system("too_fast")


def in_hours(hours: float) -> datetime:
    return clock.now() + timedelta(hours=hours)


def an_actor() -> Actor:
    return Actor.user(an_admin())


def standing_of(worker: Worker) -> tuple[str, str, datetime | None]:
    worker.refresh_from_db()
    return worker.state, worker.standing_reason, worker.paused_until


def a_paused_worker(*, hours: float = 24) -> Worker:
    worker = a_worker()
    return pause_worker(worker_id=worker.pk, until=in_hours(hours), why="Answers came too fast.", by=an_actor())


def test_a_pause_has_an_end_and_a_reason() -> None:
    worker, admin, until = a_worker(), an_admin(), in_hours(24)

    pause_worker(worker_id=worker.pk, until=until, why="Answers came too fast.", by=Actor.user(admin))

    assert standing_of(worker) == ("paused", "Answers came too fast.", until)
    event = AuditEvent.objects.latest("id")
    assert (event.actor_kind, event.actor_id, event.action) == ("user", str(admin.pk), "worker.paused")
    assert (event.from_state, event.to_state, event.why) == ("active", "paused", "Answers came too fast.")


def test_a_person_may_end_a_pause_before_its_time() -> None:
    worker = a_paused_worker()

    resume_worker(worker_id=worker.pk, why="It was a fault of ours.", by=an_actor())

    assert standing_of(worker) == ("active", "It was a fault of ours.", None)


def test_a_pause_ends_by_itself_when_its_time_has_come() -> None:
    ended, lasting = a_paused_worker(hours=1), a_paused_worker(hours=3)

    assert lift_ended_pauses() == 0
    with clock.ahead_by(timedelta(hours=2)):
        assert lift_ended_pauses() == 1
        assert lift_ended_pauses() == 0

    assert standing_of(ended) == ("active", "The pause ended.", None)
    assert standing_of(lasting)[0] == "paused"
    event = AuditEvent.objects.latest("id")
    assert (event.actor_kind, event.actor_id, event.subject_id) == ("system", "end_of_pause", str(ended.pk))


def test_a_suspension_lasts_until_somebody_lifts_it() -> None:
    worker = a_paused_worker(hours=1)

    suspend_worker(worker_id=worker.pk, why="Two accounts, one person.", by=an_actor())
    with clock.ahead_by(timedelta(days=400)):
        lift_ended_pauses()
    assert standing_of(worker) == ("suspended", "Two accounts, one person.", None)

    reinstate_worker(worker_id=worker.pk, why="They are twins.", by=an_actor())
    assert standing_of(worker) == ("active", "They are twins.", None)


def test_who_left_has_left() -> None:
    worker = a_worker()
    offboard_worker(worker_id=worker.pk, why="Asked to leave.", by=an_actor())

    with pytest.raises(WrongState) as refusal:
        suspend_worker(worker_id=worker.pk, why="Came back.", by=an_actor())

    assert refusal.value.message == (
        f"Worker {worker.pk} is offboarded and cannot become suspended. From offboarded it cannot change any more."
    )
    assert standing_of(worker) == ("offboarded", "Asked to leave.", None)


@pytest.mark.parametrize("service", [suspend_worker, offboard_worker])
def test_who_is_suspended_or_has_left_is_signed_out_at_once_and_may_sign_in_again(  # [B121]
    service: Callable[..., Worker],
) -> None:
    user = User.objects.create_user("ada@example.org", PASSWORD)
    worker = a_worker(user=user)
    _, token = sign_in(email=user.email, password=PASSWORD)
    ends = in_hours(1)
    _, key = create_api_key(user=user, name="bot", scopes=["work"], expires_at=ends, by=Actor.user(user))

    service(worker_id=worker.pk, why="Answers were copied.", by=an_actor())

    assert [authenticate_token(each) for each in (token, key)] == [None, None]
    assert authenticate_token(sign_in(email=user.email, password=PASSWORD)[1]) is not None


def test_resuming_is_for_the_paused_and_reinstating_for_the_suspended() -> None:
    paused, suspended = a_paused_worker(), a_worker()
    suspend_worker(worker_id=suspended.pk, why="Under inquiry.", by=an_actor())

    with pytest.raises(WrongState) as refusal:
        resume_worker(worker_id=suspended.pk, why="Enough.", by=an_actor())
    assert refusal.value.message == (
        f"Worker {suspended.pk} is suspended and cannot be resumed. Only a paused worker can be."
    )
    with pytest.raises(WrongState, match="is paused and cannot be reinstated"):
        reinstate_worker(worker_id=paused.pk, why="Enough.", by=an_actor())
    with pytest.raises(WrongState, match="is suspended and cannot become paused"):
        pause_worker(worker_id=suspended.pk, until=in_hours(1), why="Milder.", by=an_actor())

    assert (standing_of(paused)[0], standing_of(suspended)[0]) == ("paused", "suspended")


def test_a_rule_may_pause_for_72_hours_and_not_a_minute_longer() -> None:
    worker = a_worker()

    with pytest.raises(PauseTooLong) as refusal:
        pause_worker(worker_id=worker.pk, until=in_hours(72.02), why="Too fast.", by=RULE)
    assert refusal.value.message == (
        "A rule may pause a worker for at most 72 hours; a longer pause is for a person to decide."
    )

    pause_worker(worker_id=worker.pk, until=in_hours(72) - timedelta(seconds=1), why="Too fast.", by=RULE)
    assert standing_of(worker)[0] == "paused"


def test_a_rule_cannot_lengthen_a_pause_but_a_person_can() -> None:
    worker = a_worker()
    pause_worker(worker_id=worker.pk, until=in_hours(1), why="Too fast.", by=RULE)

    with pytest.raises(PersonDecides, match="Only a person may change a pause; system:too_fast is a rule"):
        pause_worker(worker_id=worker.pk, until=in_hours(72), why="Too fast again.", by=RULE)
    until = in_hours(24 * 10)
    pause_worker(worker_id=worker.pk, until=until, why="We are looking into it.", by=an_actor())

    assert standing_of(worker) == ("paused", "We are looking into it.", until)


@pytest.mark.parametrize("service", [suspend_worker, reinstate_worker, resume_worker, offboard_worker])
def test_only_a_person_decides_more_than_a_pause(service: Callable[..., Worker]) -> None:
    worker = a_worker()

    with pytest.raises(PersonDecides):
        service(worker_id=worker.pk, why="The score says so.", by=RULE)

    assert standing_of(worker) == ("active", "", None)


def test_an_admin_cannot_change_their_own_standing() -> None:
    admin = a_person()
    worker = a_worker(user=admin)
    suspend_worker(worker_id=worker.pk, why="Under inquiry.", by=an_actor())

    for service in (suspend_worker, reinstate_worker, resume_worker, offboard_worker):
        with pytest.raises(OwnCase):
            service(worker_id=worker.pk, why="I trust myself.", by=Actor.user(admin))
    with pytest.raises(OwnCase):
        pause_worker(worker_id=worker.pk, until=in_hours(1), why="Holiday.", by=Actor.user(admin))

    assert standing_of(worker) == ("suspended", "Under inquiry.", None)


@pytest.mark.parametrize(
    "until", [datetime(2000, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC), in_hours(24 * 90 + 1), in_hours(-1)]
)
def test_a_pause_ends_in_the_near_future(until: datetime) -> None:
    worker = a_worker()

    with pytest.raises(Invalid) as refusal:
        pause_worker(worker_id=worker.pk, until=until, why="Too fast.", by=an_actor())

    message = "A pause ends in the future, within 90 days; beyond that, suspend the worker."
    assert refusal.value.errors == [{"field": "until", "message": message}]


def test_a_change_needs_a_reason_and_a_worker() -> None:
    with pytest.raises(Invalid, match=r"The reason is empty: it holds nothing that can be seen\."):
        suspend_worker(worker_id=a_worker().pk, why="  ", by=an_actor())
    with pytest.raises(NotFound, match=r"There is no such worker\."):
        suspend_worker(worker_id=uuid4(), why="Gone.", by=an_actor())


def test_the_database_itself_refuses_a_pause_without_end_and_a_suspension_without_reason() -> None:
    worker = a_worker()

    for wrong in (
        {"state": "paused", "standing_reason": "x"},
        {"paused_until": in_hours(1)},
        {"state": "suspended"},
        {"state": "banned", "standing_reason": "x"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Worker.objects.filter(pk=worker.pk).update(**wrong)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_a_pause_and_seven_suspensions_at_once_exactly_one_suspension_stands() -> None:
    worker, admins = a_worker(), [an_actor() for _ in range(8)]
    start = threading.Barrier(8)

    def at_once(place: int) -> str:
        start.wait()
        try:
            if place == 0:
                pause_worker(worker_id=worker.pk, until=in_hours(1), why="Too fast.", by=admins[place])
                return "paused"
            suspend_worker(worker_id=worker.pk, why="Two accounts.", by=admins[place])
        except Refused as refusal:
            return refusal.code
        finally:
            connection.close()
        return "suspended"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(at_once, range(8)))

    assert outcomes[0] in ("paused", "wrong_state")
    assert sorted(outcomes[1:]) == ["suspended"] + ["wrong_state"] * 6
    assert standing_of(worker) == ("suspended", "Two accounts.", None)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_lift_each_pause_once() -> None:  # [B161]
    workers = [a_paused_worker(hours=1) for _ in range(6)]
    start = threading.Barrier(4)

    def sweep(_: int) -> int:
        start.wait()
        try:
            return lift_ended_pauses(at_most=2)
        finally:
            connection.close()

    with clock.ahead_by(timedelta(hours=2)), ThreadPoolExecutor(4) as pool:
        lifted = sum(pool.map(sweep, range(4))) + lift_ended_pauses()

    assert lifted == 6
    assert {standing_of(worker)[0] for worker in workers} == {"active"}
    assert AuditEvent.objects.filter(action="worker.active").count() == 6


def test_every_change_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_subscriptions", {})  # the test's own, in place of the page of wiring
    for event in (WorkerPaused, WorkerResumed, WorkerSuspended, WorkerReinstated, WorkerOffboarded):
        outbox.subscribe(event, print)
    worker, admin, until = a_worker(), an_actor(), in_hours(1)

    pause_worker(worker_id=worker.pk, until=until, why="Too fast.", by=admin)
    resume_worker(worker_id=worker.pk, why="Enough.", by=admin)
    suspend_worker(worker_id=worker.pk, why="Two accounts.", by=admin)
    reinstate_worker(worker_id=worker.pk, why="They are twins.", by=admin)
    offboard_worker(worker_id=worker.pk, why="Asked to leave.", by=admin)

    told = OutboxMessage.objects.order_by("created_at").values_list("event", "payload")
    assert list(told) == [
        ("WorkerPaused", {"worker_id": str(worker.pk), "until": until.isoformat()}),
        *((name, {"worker_id": str(worker.pk)}) for name in ("WorkerResumed", "WorkerSuspended")),
        *((name, {"worker_id": str(worker.pk)}) for name in ("WorkerReinstated", "WorkerOffboarded")),
    ]


def test_beat_lifts_pauses_and_wraps_keys_anew(settings: Settings) -> None:
    old, new = new_master_key("k1"), new_master_key("k2")
    settings.MASTER_KEYS = [old]
    worker = a_paused_worker(hours=1)
    settings.MASTER_KEYS = [new, old]
    assert outdated_keys().count() == 1
    celery_app.loader.import_default_modules()

    with clock.ahead_by(timedelta(hours=2)):
        for what in ("lift ended pauses", "rotate keys"):
            celery_app.tasks[settings.BEAT[what][0]].apply().get()

    assert standing_of(worker)[0] == "active"
    assert outdated_keys().count() == 0


@pytest.mark.parametrize("service", [suspend_worker, offboard_worker])
def test_what_a_worker_earned_stays_theirs(service: Callable[..., Worker]) -> None:
    worker = a_worker()
    job = a_job(a_client(1_000), 500)
    escrow.pay(job_owner=job, worker_owner=worker.billing_owner, reward=usd(125), fee=usd(25), key="pay:1")
    books = list(LedgerAccount.objects.order_by("id").values())

    service(worker_id=worker.pk, why="Two accounts, one person.", by=an_actor())

    assert ledger.balance("worker_earnings", worker.billing_owner, "USD") == usd(125)
    assert list(LedgerAccount.objects.order_by("id").values()) == books

"""The sealer: each committed event once, in order, under a checkpoint, however many sealers there are."""

import threading
from functools import partial

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from kernel.background import seal_audit_events
from kernel.checkpoints import read_checkpoint
from kernel.models import AuditCheckpoint, AuditEvent, AuditSeal, AuditSubtree
from kernel.services.audit_check import Report, check_log
from kernel.services.audit_log import latest_checkpoint, trusted_keys
from kernel.services.sealing import SEALER, seal_batch, seal_events
from tests.concurrency.crowd import at_once
from tests.kernel.audit_logs import a_sealed_log, ask, events_in_order, leave_event, run, sealed_order, some_events

pytestmark = pytest.mark.django_db(transaction=True)


def test_events_are_sealed_in_the_order_of_their_transactions() -> None:
    some_events(5)
    with transaction.atomic():
        leave_event(5)
        leave_event(6)
    assert seal_events() == 7
    assert list(AuditSeal.objects.order_by("position").values_list("position", flat=True)) == list(range(7))
    assert sealed_order() == events_in_order()
    assert seal_events() == 0
    assert check_log() == Report(events=7, checkpoints=1, waiting=0, fault="")


def test_each_batch_is_under_a_checkpoint_of_its_own() -> None:
    some_events(7)
    assert seal_events(at_once=3) == 7
    sizes = list(AuditCheckpoint.objects.order_by("size").values_list("size", flat=True))
    assert sizes == [3, 6, 7]
    last = latest_checkpoint()
    assert last is not None
    said = read_checkpoint(last.note, trusted=trusted_keys())
    assert (said.origin, said.size, said.root, said.at) == ("local", 7, bytes(last.root), last.signed_at)
    assert check_log().checkpoints == 3


def test_what_was_rolled_back_leaves_no_gap() -> None:
    some_events(2)
    with transaction.atomic():
        leave_event(2)
        transaction.set_rollback(True)
    some_events(2)
    assert seal_events() == 4
    assert check_log() == Report(events=4, checkpoints=1, waiting=0, fault="")


def test_nothing_is_sealed_that_an_older_transaction_could_still_come_before() -> None:
    entered, leave = threading.Event(), threading.Event()

    def take_long() -> None:
        with transaction.atomic():
            leave_event(0)
            entered.set()
            leave.wait(60)
        connection.close()

    slow = threading.Thread(target=take_long)
    slow.start()
    entered.wait(60)
    some_events(3)
    assert (seal_events(), check_log().waiting) == (0, 3)
    leave.set()
    slow.join()
    assert seal_events() == 4
    assert sealed_order() == events_in_order()
    first = AuditSeal.objects.select_related("event").get(position=0).event
    assert first.action == "thing.done_0"


@pytest.mark.race
def test_of_sixteen_sealers_one_seals() -> None:  # [B161]
    some_events(100)
    sealed = at_once([partial(seal_events, at_once=7)] * 16)
    sealed.append(seal_events())
    assert sum(n for n in sealed if isinstance(n, int)) == 100
    assert sealed_order() == events_in_order()
    assert check_log().fault == ""


@pytest.mark.race
def test_while_one_seals_another_leaves_it_to_them() -> None:  # [B161]
    some_events(3)
    with transaction.atomic():
        run("SELECT pg_advisory_xact_lock(%s)", SEALER)
        assert at_once([seal_events] * 4) == [0] * 4
    assert seal_events() == 3


@pytest.mark.race
def test_events_that_come_while_others_are_sealed_are_all_sealed_once() -> None:
    over = threading.Event()

    def seal_until_over() -> int:
        sealed = 0
        while not over.is_set():
            sealed += seal_events(at_once=5)
        connection.close()
        return sealed

    def leave_some() -> None:
        some_events(40)
        connection.close()

    sealers = [threading.Thread(target=seal_until_over) for _ in range(2)]
    writers = [threading.Thread(target=leave_some) for _ in range(6)]
    for thread in (*sealers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in sealers:
        thread.join()
    seal_events()
    assert sealed_order() == events_in_order()
    report = check_log()
    assert (report.events, report.waiting, report.fault) == (240, 0, "")


def test_full_subtrees_are_kept_and_the_log_goes_on_from_them() -> None:
    run(
        "INSERT INTO kernel_auditevent (at, actor_kind, actor_id, action, subject_type, subject_id, from_state,"
        " to_state, why, details) SELECT now(), 'system', 'test', 'thing.done', 'thing', n::text, '', '', '', '{}'"
        " FROM generate_series(1, 66000) n"
    )
    assert seal_events() == 66_000
    some_events(3)
    assert seal_events() == 3
    tiers = AuditSubtree.objects.order_by("tier", "place").values_list("tier", "place")
    assert list(tiers) == [(1, place) for place in range(257)] + [(2, 0)]
    assert check_log() == Report(events=66_003, checkpoints=15, waiting=0, fault="")


def test_nothing_is_built_on_a_log_that_was_tampered_with(caplog: pytest.LogCaptureFixture) -> None:
    a_sealed_log(4)
    with transaction.atomic():
        run("SET LOCAL session_replication_role = replica")
        run("UPDATE kernel_auditseal SET leaf_hash = sha256(leaf_hash) WHERE position = 2")
    some_events(1)
    seal_audit_events()
    assert AuditSeal.objects.count() == 4
    assert [record.getMessage() for record in caplog.records] == [
        "Audit events are not sealed: The log is not what its checkpoint of 4 events says. Run: manage.py audit verify"
    ]


def test_a_log_from_a_dump_goes_on_where_transactions_count_anew() -> None:
    a_sealed_log(3)
    some_events(2)
    with transaction.atomic():  # as in a database whose transactions have not come that far
        run("SET LOCAL session_replication_role = replica")
        run("UPDATE kernel_auditevent SET tx = tx + 1000000000")
        run("DELETE FROM kernel_auditcheckpoint")
        run("DELETE FROM kernel_auditseal")
    assert seal_events(at_once=3) == 5
    some_events(4)
    assert seal_events() == 4
    some_events(1)
    assert seal_events() == 1
    assert check_log() == Report(events=10, checkpoints=4, waiting=0, fault="")


def test_what_was_passed_over_is_sealed_when_it_is_looked_for() -> None:
    a_sealed_log(3)
    with transaction.atomic():
        run("SET LOCAL session_replication_role = replica")
        run(
            "INSERT INTO kernel_auditevent (tx, at, actor_kind, actor_id, action, subject_type, subject_id, from_state,"
            " to_state, why, details) SELECT tx, at, actor_kind, actor_id, action, subject_type, subject_id,"
            " from_state, to_state, why, details FROM kernel_auditevent ORDER BY tx LIMIT 1"
        )
    assert seal_events() == 0
    assert "of which everything was sealed" in check_log().fault
    call_command("audit", "seal", verbosity=0)
    some_events(1)
    assert seal_events() == 1
    assert check_log() == Report(events=5, checkpoints=3, waiting=0, fault="")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE kernel_auditevent SET why = ''",
        "UPDATE kernel_auditseal SET position = 7 WHERE position = 1",
        "UPDATE kernel_auditcheckpoint SET note = ''",
        "DELETE FROM kernel_auditevent",
        "DELETE FROM kernel_auditseal",
        "DELETE FROM kernel_auditcheckpoint",
    ],
)
def test_events_seals_and_checkpoints_are_facts(change: str) -> None:
    a_sealed_log(2)
    with pytest.raises(IntegrityError, match=r"Rows of kernel_audit\w+ are facts"), transaction.atomic():
        run(change)


def test_the_database_says_which_transaction_left_an_event() -> None:
    with transaction.atomic():
        run(
            "INSERT INTO kernel_auditevent (tx, at, actor_kind, actor_id, action, subject_type, subject_id, from_state,"
            " to_state, why, details) VALUES (7, now(), 'system', 'test', 'a.b', 'c', 'd', '', '', '', '{}')"
        )
        ((current,),) = ask("SELECT pg_current_xact_id()::text::bigint")
    assert AuditEvent.objects.get().tx == current


def test_ids_of_events_order_them_and_cannot_be_guessed() -> None:
    some_events(3)
    ids = [event.id for event in AuditEvent.objects.order_by("id")]
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["thing.done_0", "thing.done_1", "thing.done_2"]
    assert [id_.version for id_ in ids] == [8, 8, 8]
    assert [ids[n + 1].time_low - ids[n].time_low or ids[n + 1].time_mid - ids[n].time_mid for n in (0, 1)] == [1, 1]
    assert len({id_.int & (1 << 62) - 1 for id_ in ids}) == 3


def test_a_batch_that_cannot_be_signed_seals_nothing(settings: object) -> None:
    some_events(2)
    settings.AUDIT_KEY = "no key"  # type: ignore[attr-defined]  # what pytest-django gives
    with pytest.raises(Exception, match="ASSAY_AUDIT_KEY is written name:base64"):
        seal_batch(at_most=10)
    assert AuditSeal.objects.count() == 0

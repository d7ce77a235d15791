"""Rotation of master keys: complete, repeatable, and unnoticed by whoever reads and writes meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from itertools import count
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django import Settings

from kernel.crypto import blind_index, pseudonym, seal, unseal
from kernel.keyring import new_master_key
from kernel.models import SubjectKey
from kernel.services.key_rotation import outdated_keys, rotate_keys
from kernel.services.subject_keys import key_for_sealing, lasting_key

PROFILE = SubjectKey.Purpose.PROFILE
COLUMN = "people.legal_name"


def some_people(number: int) -> dict[str, bytes]:
    return {subject: sealed_for(subject) for subject in (f"user:{i}" for i in range(number))}


def sealed_for(subject: str) -> bytes:
    with transaction.atomic():
        key = key_for_sealing(subject=subject, purpose=PROFILE)
        return seal(f"name of {subject}", key=key, subject=subject, column=COLUMN, region="eu")


def opened_for(subject: str, sealed: bytes) -> str:
    return unseal(
        sealed, key=lasting_key(subject=subject, purpose=PROFILE), subject=subject, column=COLUMN, region="eu"
    )


def output_of_rotation(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("rotate_keys", *arguments, stdout=out, stderr=out)
    return out.getvalue().splitlines()


@pytest.mark.django_db
def test_everything_opens_after_a_rotation_without_the_old_master_key(settings: Settings) -> None:
    old, new = new_master_key("k1"), new_master_key("k2")
    settings.MASTER_KEYS = [old]
    people = some_people(7)
    worker, index = uuid4(), blind_index("DE:1", column="people.tax_id")
    name = pseudonym(worker_id=worker, scope="client")

    settings.MASTER_KEYS = [new, old]
    said = output_of_rotation("--batch", "3")
    settings.MASTER_KEYS = [new]

    assert said == [
        "The current master key is k2. Keys under another: 9.",
        "Wrapped anew: 9.",
        "Every key is under k2; the older master keys may be removed.",
    ]
    assert {s: opened_for(s, c) for s, c in people.items()} == {s: f"name of {s}" for s in people}
    assert blind_index("DE:1", column="people.tax_id") == index
    assert pseudonym(worker_id=worker, scope="client") == name


@pytest.mark.django_db
def test_a_rotation_that_was_stopped_goes_on_where_it_stood(settings: Settings) -> None:
    old, new = new_master_key("k1"), new_master_key("k2")
    settings.MASTER_KEYS = [old]
    some_people(5)
    settings.MASTER_KEYS = [new, old]

    assert next(rotate_keys(at_once=2)).rewrapped == 2
    with pytest.raises(CommandError, match=r"3 keys are still under another master key than k2; keep the older ones\."):
        output_of_rotation("--check")
    assert output_of_rotation()[1] == "Wrapped anew: 3."
    assert output_of_rotation()[1] == "Wrapped anew: 0."


@pytest.mark.django_db
def test_a_key_that_does_not_open_is_named_and_stops_no_other(settings: Settings) -> None:
    lost, old, new = new_master_key("k0"), new_master_key("k1"), new_master_key("k2")
    settings.MASTER_KEYS = [lost]
    some_people(1)
    unopened = SubjectKey.objects.get()
    settings.MASTER_KEYS = [old]
    for subject in ("user:7", "user:8"):
        sealed_for(subject)
    settings.MASTER_KEYS = [new, old]

    batches = list(rotate_keys(at_once=1))

    assert sum(batch.rewrapped for batch in batches) == 2
    assert [key_id for batch in batches for key_id in batch.unopened] == [unopened.pk]
    assert list(outdated_keys()) == [unopened]


@pytest.mark.django_db(transaction=True)
def test_a_key_that_a_writer_holds_is_rewrapped_when_it_is_free(settings: Settings) -> None:
    old, new = new_master_key("k1"), new_master_key("k2")
    settings.MASTER_KEYS = [old]
    some_people(3)
    settings.MASTER_KEYS = [new, old]
    held, go_on = threading.Event(), threading.Event()

    def hold_one() -> None:
        with transaction.atomic():
            key_for_sealing(subject="user:1", purpose=PROFILE)
            held.set()
            go_on.wait(10)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold_one)
        assert held.wait(10)
        rotation = rotate_keys()
        assert next(rotation).rewrapped == 2
        go_on.set()
        assert sum(batch.rewrapped for batch in rotation) == 1
        holding.result()
    assert not outdated_keys().exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_who_need_the_first_key_of_one_subject_get_the_same(settings: Settings) -> None:
    settings.MASTER_KEYS = [new_master_key("k1")]
    start = threading.Barrier(8)

    def seal_at_once(_: int) -> bytes:
        start.wait()
        try:
            return sealed_for("user:1")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(seal_at_once, range(8)))

    assert SubjectKey.objects.count() == 1
    assert {opened_for("user:1", each) for each in sealed} == {"name of user:1"}


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_eight_threads_read_and_write_through_four_rotations_and_nothing_fails(settings: Settings) -> None:  # [B159]
    keys = [new_master_key("k0")]
    settings.MASTER_KEYS = keys
    people = some_people(20)
    over, newcomers = threading.Event(), count(1_000)
    turned = threading.Semaphore(0)
    done: list[int] = []

    def read_and_write(seed: int) -> int:
        turns = 0
        try:
            while not over.is_set():
                subject = f"user:{(seed * 5 + turns * 7) % 20}"
                assert opened_for(subject, people[subject]) == f"name of {subject}"
                assert opened_for(subject, sealed_for(subject)) == f"name of {subject}"
                newcomer = f"user:{next(newcomers)}"
                assert opened_for(newcomer, sealed_for(newcomer)) == f"name of {newcomer}"
                turns += 1
                turned.release()
        finally:
            connection.close()
        return turns

    with ThreadPoolExecutor(8) as pool:
        working = [pool.submit(read_and_write, seed) for seed in range(8)]
        try:
            for turn in range(1, 5):
                keys = [new_master_key(f"k{turn}"), *keys]
                settings.MASTER_KEYS = keys
                assert all(turned.acquire(timeout=30) for _ in range(16))
                done.append(sum(batch.rewrapped for batch in rotate_keys(at_once=10)))
        finally:
            over.set()
        turns = [each.result() for each in working]

    assert sum(turns) >= 64
    assert min(done) >= 20
    list(rotate_keys())
    settings.MASTER_KEYS = keys[:1]
    assert not outdated_keys().exists()
    assert {s: opened_for(s, c) for s, c in people.items()} == {s: f"name of {s}" for s in people}

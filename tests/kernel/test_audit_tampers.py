"""A thousand tampers with a sealed log, each a superuser's who silenced the triggers, and every one is found."""

import random
from collections.abc import Callable
from io import StringIO
from itertools import cycle, islice
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from kernel.checkpoints import new_signing_key
from kernel.models import AuditCheckpoint, AuditEvent, AuditSeal, AuditSubtree
from kernel.services.audit_check import check_log
from kernel.services.audit_log import latest_checkpoint, signing_key
from kernel.services.sealing import seal_events
from tests.kernel.audit_logs import a_sealed_log, run, some_events, tampering
from tests.kernel.tampers import (
    EDITS,
    HASHES_ALONE,
    SUBTREES,
    TAMPERS,
    copy_of,
    cut_the_end,
    edit,
    event_at,
    make_hashes_fit,
)

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = (9, 14, 17, 24)
EACH_SEED = 100


def last_note() -> str:
    last = latest_checkpoint()
    assert last is not None
    return last.note


@pytest.fixture
def kept() -> str:
    """The last checkpoint over a log of some, kept elsewhere."""
    a_sealed_log(*SIZES)
    assert check_log(kept=[last_note()]).fault == ""
    return last_note()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_tampers_are_found(kept: str, seed: int) -> None:  # [B182]
    chance = random.Random(seed)
    names = list(TAMPERS)
    chance.shuffle(names)
    overlooked = []
    for number, name in enumerate(islice(cycle(names), EACH_SEED)):
        careful = number % 2 == 1 and name not in HASHES_ALONE
        with tampering():
            TAMPERS[name](chance)
            if careful:
                make_hashes_fit()
            if not check_log(kept=[kept]).fault:
                overlooked.append((number, name, careful))
    assert overlooked == []
    assert check_log(kept=[kept]).fault == ""


@pytest.mark.parametrize("name", TAMPERS)
def test_each_kind_of_tamper_is_found(kept: str, name: str) -> None:  # [B182]
    with tampering():
        TAMPERS[name](random.Random(name))
        assert check_log(kept=[kept]).fault


@pytest.mark.parametrize("column", SUBTREES)
def test_a_tamper_with_the_hashes_over_many_is_found(column: str) -> None:
    some_events(520)
    seal_events()
    with tampering():
        edit(column, SUBTREES[column])(random.Random(column))
        assert "subtree" in check_log().fault
    with tampering():
        run("DELETE FROM kernel_auditsubtree WHERE place = 1")
        assert (
            check_log().fault == "The hash of subtree 1 of tier 1 was edited or deleted; the events under it are sound."
        )


def test_every_column_is_edited_here() -> None:
    tables = (AuditEvent, AuditSeal, AuditSubtree, AuditCheckpoint)
    columns = {f"{table._meta.db_table}.{field.column}" for table in tables for field in table._meta.concrete_fields}
    assert {*EDITS, *SUBTREES} == columns - {"kernel_auditsubtree.id"}


def edit_why() -> None:
    run("UPDATE kernel_auditevent SET why = 'never' WHERE id = %s", event_at(11))


def delete_one() -> None:
    run("DELETE FROM kernel_auditevent WHERE id = %s", event_at(11))


def delete_one_with_its_seal() -> None:
    delete_one()
    run("DELETE FROM kernel_auditseal WHERE position = 11")


def edit_and_make_hashes_fit() -> None:
    edit_why()
    make_hashes_fit()


def swap() -> None:
    first, second = event_at(3), event_at(11)
    run("UPDATE kernel_auditseal SET event_id = gen_random_uuid() WHERE position = 3")
    run("UPDATE kernel_auditseal SET event_id = %s WHERE position = 11", first)
    run("UPDATE kernel_auditseal SET event_id = %s WHERE position = 3", second)


def insert_one() -> None:
    run(
        "UPDATE kernel_auditevent SET id = %s WHERE id = %s",
        "00000000-0000-8000-8000-00000000000a",
        copy_of(event_at(3)),
    )


def add_one_with_a_seal() -> None:
    run("INSERT INTO kernel_auditseal SELECT 24, %s, sha256('x')", copy_of(event_at(3)))
    make_hashes_fit()


def cut_the_last_events() -> None:
    run("DELETE FROM kernel_auditseal WHERE position >= 20")


def cut_to_an_earlier_checkpoint() -> None:
    cut_the_end(random.Random(1))


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (edit_why, r"The event at position 11 \(.*\) is not what was sealed: it was edited, or put in its place\."),
        (delete_one, r"The event at position 11 \(.*\) was deleted\."),
        (delete_one_with_its_seal, r"Position 11 is missing: the event that stood there was deleted with its seal\."),
        (
            edit_and_make_hashes_fit,
            r"The log up to position 13 is not what its checkpoint says, .*: since then an event was edited, deleted, ",
        ),
        (swap, r"The event at position 3 \(.*\) was sealed at position 11: events were reordered\."),
        (
            insert_one,
            r"Event 00000000-0000-8000-8000-00000000000a says .*: it was inserted later, or its seal was deleted\.",
        ),
        (add_one_with_a_seal, r"Positions 24 to 24 are under no checkpoint: they were inserted, or it was deleted\."),
        (cut_the_last_events, r"The log ends after 20 events, and there is a checkpoint of 24: its end was cut\."),
        (
            cut_to_an_earlier_checkpoint,
            r"The log ends after (9|14|17) events, and the checkpoint that was kept elsewhere is of 24, .*: its end ",
        ),
    ],
)
def test_the_fault_is_told_in_plain_words(kept: str, tamper: Callable[[], None], fault: str, tmp_path: Path) -> None:
    file = tmp_path / "kept.txt"
    file.write_text(kept, encoding="utf-8")
    with tampering():
        tamper()
        with pytest.raises(CommandError, match=f"^The log is not sound\\. {fault}"):
            call_command("audit", "verify", "--checkpoint", str(file))


def test_a_sound_log_is_told_to_be_sound(kept: str, tmp_path: Path) -> None:
    file, written = tmp_path / "kept.txt", StringIO()
    file.write_text(kept, encoding="utf-8")
    some_events(2)
    call_command("audit", "verify", "--checkpoint", str(file), stdout=written)
    assert written.getvalue().splitlines() == [
        "24 events, held against 4 checkpoints, and against 1 kept elsewhere: sound.",
        "2 events wait for the sealer.",
    ]


def test_only_a_kept_checkpoint_shows_that_the_end_was_cut(kept: str) -> None:
    with tampering():
        cut_the_end(random.Random(1))
        assert check_log().fault == ""
        assert "its end was cut off" in check_log(kept=[kept]).fault


def test_only_a_kept_checkpoint_shows_what_the_thief_of_the_key_did(kept: str) -> None:
    with tampering():
        edit_why()
        make_hashes_fit(key=signing_key())
        assert check_log().fault == ""
        assert (
            "The first 24 events are not those of the checkpoint that was kept elsewhere"
            in check_log(kept=[kept]).fault
        )


def test_a_kept_checkpoint_that_was_changed_proves_nothing(kept: str) -> None:
    forged = kept.replace("\n24\n", "\n23\n")
    assert check_log(kept=[forged]).fault.startswith(
        "The checkpoint that was kept elsewhere cannot be believed: its sig"
    )


def test_checkpoints_of_a_key_of_before_count_while_it_is_trusted(kept: str, settings: object) -> None:
    before = str(signing_key().public)
    settings.AUDIT_KEY = new_signing_key("local")  # type: ignore[attr-defined]  # what pytest-django gives
    assert check_log().fault.startswith(
        "The checkpoint of 9 events cannot be believed: it is signed with a key that is not trusted here."
    )
    settings.AUDIT_TRUSTED_KEYS = [before]  # type: ignore[attr-defined]
    some_events(3)
    assert seal_events() == 3
    assert check_log(kept=[kept, last_note()]).fault == ""

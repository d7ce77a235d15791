"""Checkpoints: text that says what a log was, and whose signature counts."""

import base64
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.core.exceptions import ImproperlyConfigured

from kernel.checkpoints import (
    Checkpoint,
    PublicKey,
    WrongCheckpoint,
    read_checkpoint,
    signing_key_of,
)

KEY = signing_key_of("assay.test:" + base64.b64encode(bytes(range(32))).decode())
OTHER = signing_key_of("assay.test:" + base64.b64encode(bytes(range(100, 132))).decode())
SAID = Checkpoint(
    origin="assay.test", size=7, root=bytes(range(32, 64)), at=datetime(2026, 5, 17, 13, 0, 5, tzinfo=UTC)
)
NOTE = SAID.signed(KEY)


def test_a_checkpoint_is_a_signed_note_of_a_log() -> None:
    text, _, signature = NOTE.partition("\n\n")
    assert text == "assay.test\n7\nICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n2026-05-17T13:00:05Z"
    mark, name, signed = signature.split()
    assert (mark, name, base64.b64decode(signed)[:4]) == ("—", "assay.test", KEY.public.id)
    assert len(base64.b64decode(signed)) == 4 + 64
    assert read_checkpoint(NOTE, trusted=[OTHER.public, KEY.public]) == SAID


def test_a_public_key_is_written_as_signed_notes_have_it() -> None:
    assert str(KEY.public) == "assay.test+0d64ed0e+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    assert PublicKey.read(str(KEY.public)) == KEY.public
    for wrong in ("", "assay.test", "assay.test+0d64ed0e", str(KEY.public)[:-4], "b" + str(KEY.public)):
        with pytest.raises(ValueError):
            PublicKey.read(wrong)


@pytest.mark.parametrize(
    ("note", "fault"),
    [
        (NOTE.replace("\n7\n", "\n8\n"), r"its signature is not that of the key assay\.test"),
        (NOTE.replace("13:00:05", "13:00:06"), r"its signature is not that of the key"),
        (SAID.signed(OTHER), r"signed with a key that is not trusted here"),
        (replace(SAID, origin="another.test").signed(KEY), r"signed with a key that is not trusted here"),
        (SAID.text, r"no checkpoint of an audit log"),
        (SAID.text + "\n", r"not signed in a form that can be read"),
        (NOTE.replace("— ", "- "), r"not signed in a form that can be read"),
        (NOTE[:-3] + "\n", r"its signature was cut or changed"),
        (NOTE.replace("\n7\n", "\n+7\n"), r"not written as checkpoints are"),
        (NOTE.replace("\n7\n", "\n٧\n"), r"not written as checkpoints are"),
        (NOTE.replace("\n7\n", "\nseven\n"), r"no checkpoint of an audit log"),
        (NOTE.replace("assay.test\n7", "assay.test\n7\nmore"), r"no checkpoint of an audit log"),
        ("", r"no checkpoint of an audit log"),
    ],
)
def test_what_was_changed_is_not_believed(note: str, fault: str) -> None:
    with pytest.raises(WrongCheckpoint, match=fault):
        read_checkpoint(note, trusted=[KEY.public])


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("", r"written name:base64"),
        ("a name:" + base64.b64encode(bytes(range(32))).decode(), r"written name:base64"),
        ("log:no base64!", r"is not base64"),
        ("log:" + base64.b64encode(bytes(range(31))).decode(), r"must be 32 random bytes"),
        ("log:" + base64.b64encode(b"secret" * 5 + b"!!").decode(), r"must be 32 random bytes"),
    ],
)
def test_what_is_no_key_is_refused_without_showing_it(entry: str, fault: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=fault) as refused:
        signing_key_of(entry)
    assert not entry or entry.partition(":")[2] not in str(refused.value)
    assert "secret" not in repr(KEY)

"""Sealing: what is sealed opens in its own place only, under keys that can be rotated, and destroyed."""

import base64
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from pytest_django import Settings

from kernel.crypto import blind_index, pseudonym, pseudonyms, seal, unseal
from kernel.keyring import CannotOpen, Keyring, UnknownMasterKey, keyring_of, new_master_key
from kernel.models import AuditEvent, SubjectKey
from kernel.services.audit import Actor
from kernel.services.subject_keys import KeyDestroyed, destroy_key, key_for_sealing, keyring, lasting_key, secret_of
from tests.by_hand import by_hand

pytestmark = pytest.mark.django_db

NAME = "people.legal_name"
PROFILE = SubjectKey.Purpose.PROFILE
STATUTORY = SubjectKey.Purpose.STATUTORY


def a_key(subject: str = "user:1", purpose: SubjectKey.Purpose = PROFILE) -> SubjectKey:
    return lasting_key(subject=subject, purpose=purpose)


def sealed(text: str = "Ada Lovelace") -> bytes:
    return seal(text, key=a_key(), subject="user:1", column=NAME, region="eu")


def opened(
    stored: bytes, *, key: SubjectKey | None = None, subject: str = "user:1", column: str = NAME, region: str = "eu"
) -> str:
    return unseal(stored, key=key or a_key(), subject=subject, column=column, region=region)


@pytest.mark.parametrize("text", ["Ada Lovelace", "", "Zoë 👩\u200d🔬", "x" * 100_000])
def test_what_is_sealed_opens_in_its_own_place(text: str) -> None:
    assert opened(sealed(text)) == text


def test_the_same_text_is_never_sealed_the_same_way_twice() -> None:
    assert sealed() != sealed()
    assert b"Lovelace" not in sealed()


@pytest.mark.parametrize(
    ("subject", "purpose", "column", "region"),
    [
        ("user:2", PROFILE, NAME, "eu"),
        ("user:1", STATUTORY, NAME, "eu"),
        ("user:1", PROFILE, "people.address", "eu"),
        ("user:1", PROFILE, "clients.legal_name", "eu"),
        ("user:1", PROFILE, NAME, "us"),
    ],
)
def test_what_was_moved_to_another_row_column_or_region_does_not_open(
    subject: str, purpose: SubjectKey.Purpose, column: str, region: str
) -> None:
    with pytest.raises(CannotOpen, match="it was altered, or belongs elsewhere"):
        opened(sealed(), key=a_key(subject, purpose), subject=subject, column=column, region=region)


def test_a_key_that_was_copied_to_another_subject_does_not_open() -> None:
    own, other = a_key(), a_key("user:2")
    with by_hand():
        SubjectKey.objects.filter(pk=other.pk).update(wrapped_key=own.wrapped_key)

    with pytest.raises(CannotOpen):
        opened(sealed(), key=a_key("user:2"))


def test_a_row_that_was_pointed_at_another_subjects_key_does_not_open() -> None:
    theirs = seal("Charles Babbage", key=a_key("user:2"), subject="user:2", column=NAME, region="eu")

    with pytest.raises(CannotOpen):
        opened(theirs, key=a_key("user:2"), subject="user:1")


def test_no_byte_can_be_altered() -> None:
    whole = sealed()
    for place in range(len(whole)):
        altered = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises(CannotOpen):
            opened(altered)
    for length in range(len(whole)):
        with pytest.raises(CannotOpen):
            opened(whole[:length])


def test_a_missing_master_key_is_named_and_so_is_the_way_out(settings: Settings) -> None:
    settings.MASTER_KEYS = [new_master_key("k1")]
    stored = sealed()
    settings.MASTER_KEYS = [new_master_key("k2"), new_master_key("k3")]

    with pytest.raises(UnknownMasterKey) as error:
        opened(stored)

    assert str(error.value) == (
        "This needs master key 'k1', and ASSAY_MASTER_KEYS holds only: k2, k3. "
        "Put it back, behind the current one, and run rotate_keys."
    )


def test_another_master_key_of_the_same_name_opens_nothing(settings: Settings) -> None:
    settings.MASTER_KEYS = [new_master_key("k1")]
    stored = sealed()
    settings.MASTER_KEYS = [new_master_key("k1")]

    with pytest.raises(CannotOpen):
        opened(stored)


def test_a_destroyed_key_opens_nothing_and_no_other_takes_its_place() -> None:
    stored = sealed()
    kept = seal("12-345", key=a_key(purpose=STATUTORY), subject="user:1", column="people.tax_id", region="eu")

    destroy_key(subject="user:1", purpose=PROFILE, by=Actor.system("test"), why="erasure asked for")
    destroy_key(subject="user:1", purpose=PROFILE, by=Actor.system("test"), why="asked again")

    with pytest.raises(KeyDestroyed, match=r"What was asked for has been erased; nobody can read it any more\."):
        opened(stored)
    with pytest.raises(KeyDestroyed), transaction.atomic():
        key_for_sealing(subject="user:1", purpose=PROFILE)
    assert bytes(a_key().wrapped_key) == b""
    assert opened(kept, key=a_key(purpose=STATUTORY), column="people.tax_id") == "12-345"
    assert [(e.action, e.why) for e in AuditEvent.objects.order_by("id")] == [
        ("subject_key.made", ""),
        ("subject_key.made", ""),
        ("subject_key.destroyed", "erasure asked for"),
    ]


def test_equal_values_find_each_other_and_only_in_their_own_column() -> None:
    index = blind_index("DE:12345", column="people.tax_id")

    assert index == blind_index("DE:12345", column="people.tax_id")
    assert index != blind_index("DE:12346", column="people.tax_id")
    assert index != blind_index("DE:12345", column="clients.tax_id")
    assert len(index) == 64


def test_a_pseudonym_stays_the_same_for_one_client_and_says_nothing_to_another() -> None:
    worker = UUID("6f0c1f9e-1111-4222-8333-444455556666")
    name = pseudonym(worker_id=worker, scope="client-1")

    assert name == pseudonyms(scope="client-1")(worker)
    assert name != pseudonym(worker_id=worker, scope="client-2")
    assert name != pseudonym(worker_id=uuid4(), scope="client-1")
    assert name[:2] == "w-" and len(name) == 12 and name[2:].isalnum() and name == name.lower()


def test_nothing_secret_shows_in_a_repr(settings: Settings) -> None:
    entry = new_master_key("k1")
    settings.MASTER_KEYS = [entry]
    key = a_key()

    assert repr(keyring()) == "Keyring(keys=(MasterKey(id='k1'),))"
    assert repr(key) == "<SubjectKey: profile key of user:1>"
    assert secret_of(key) not in bytes(key.wrapped_key)


def test_an_installation_without_keys_makes_one_that_only_its_owner_can_read(settings: Settings) -> None:
    settings.MASTER_KEYS = []
    stored = sealed()

    assert opened(stored) == "Ada Lovelace"
    assert settings.MASTER_KEYS_FILE.stat().st_mode & 0o777 == 0o600
    assert keyring().current.id == "local"


GOOD = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([], "ASSAY_MASTER_KEYS is not set; without it personal data cannot be sealed or opened."),
        (
            [GOOD],
            "Key 1 of ASSAY_MASTER_KEYS must be written id:base64, the id in letters, digits, _ and - (at most 32).",
        ),
        ([f"k1:{GOOD}", "k2:not base64!"], "Key 2 of ASSAY_MASTER_KEYS (k2) is not base64."),
        (["k1:QUJD"], "Key 1 of ASSAY_MASTER_KEYS (k1) has 3 bytes; it must have 32."),
        (
            [f"k1:{base64.b64encode(b'change-me-' * 3 + b'!!').decode()}"],
            "Key 1 of ASSAY_MASTER_KEYS (k1) is a placeholder; a key is 32 random bytes.",
        ),
        (
            [f"k1:{GOOD}", f"k2:{GOOD}"],
            "ASSAY_MASTER_KEYS names the same key twice; every id and every key stands once.",
        ),
        (
            [f"k1:{GOOD}", new_master_key("k1")],
            "ASSAY_MASTER_KEYS names the same key twice; every id and every key stands once.",
        ),
    ],
)
def test_master_keys_that_cannot_be_meant_are_refused_without_repeating_them(entries: list[str], sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        keyring_of(entries)

    assert str(error.value) == sentence


def test_master_keys_may_be_written_in_either_base64_alphabet() -> None:
    secret = bytes([0xFB, 0xFF] * 10 + list(range(12)))
    url_safe, plain = base64.urlsafe_b64encode(secret).decode(), base64.b64encode(secret).decode()

    assert url_safe != plain
    assert keyring_of([f"k1:{url_safe}"]) == keyring_of([f"k1:{plain}"])
    assert isinstance(keyring_of([f"k1:{plain}"]), Keyring)

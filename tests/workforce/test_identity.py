"""Identity: sealed in the table, opened for a purpose only, and told of in the audit; nowhere else."""

import json
import logging
from datetime import date, timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from pytest_django import Settings

from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.keyring import CannotOpen, UnknownMasterKey, new_master_key
from kernel.models import AuditEvent, SubjectKey
from kernel.services.audit import Actor
from kernel.services.subject_keys import KeyDestroyed, destroy_key
from tests.by_hand import by_hand
from tests.workforce.people import (
    ADDRESS,
    BIRTH_DATE,
    LEGAL_NAME,
    TAX_ID,
    a_person,
    a_worker,
    an_admin,
    an_application,
    an_identity,
)
from workforce.identity_data import READABLE_FOR, IdentityField, Purpose, checked_identity, normal_tax_id
from workforce.models import Application, Identity, Worker
from workforce.queries import with_shared_tax_id
from workforce.services.identity import (
    IdentityReading,
    NotForThisPurpose,
    NotGiven,
    read_identity,
    store_identity,
    store_tax_id,
)

pytestmark = pytest.mark.django_db

PROFILE_FIELDS = [IdentityField.LEGAL_NAME, IdentityField.ADDRESS, IdentityField.BIRTH_DATE]
TAX_FIELDS = [IdentityField.TAX_ID, IdentityField.TAX_COPY]


def reading(
    worker: Worker, *fields: IdentityField, purpose: Purpose = Purpose.LEGAL_REQUEST, by: Actor | None = None
) -> IdentityReading:
    actor = by or Actor.user(an_admin())
    return read_identity(worker_id=worker.pk, purpose=purpose, fields=fields or list(IdentityField), by=actor)


def everything_stored() -> str:
    """All rows of all tables, as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        rows = []
        for table in tables:
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')  # noqa: S608  (names from the catalogue)
            rows += [row[0] for row in cursor.fetchall()]
    return "\n".join(rows)


def test_what_was_given_is_read_back_for_a_purpose() -> None:
    worker, admin = a_worker(), an_admin()

    opened = read_identity(
        worker_id=worker.pk, purpose=Purpose.IDENTITY_CHECK, fields=PROFILE_FIELDS, by=Actor.user(admin)
    )

    assert opened.values == {"legal_name": LEGAL_NAME, "address": ADDRESS, "birth_date": BIRTH_DATE.isoformat()}
    event = AuditEvent.objects.latest("id")
    assert (event.actor_id, event.action, event.subject_id) == (str(admin.pk), "identity.read", str(worker.pk))
    assert (event.why, event.details) == ("identity_check", {"fields": ["address", "birth_date", "legal_name"]})


def test_no_table_log_or_repr_holds_it_in_the_clear(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    identity = an_identity(tax_id=TAX_ID)
    worker = a_worker(identity=identity)
    opened = reading(worker)

    seen = "\n".join(
        [everything_stored(), caplog.text, repr(identity), repr(opened), repr(Identity.objects.get()), str(identity)]
    )

    assert str(worker.pk) in seen
    for told in ("Lovelace", "James", "SW1Y", "1985-12-10", "AB123456C", TAX_ID):
        assert told not in seen
        assert told.encode().hex() not in seen


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_purpose_opens_what_it_needs_and_no_more(purpose: Purpose) -> None:
    worker, by = a_worker(identity=an_identity(tax_id=TAX_ID)), Actor.user(an_admin())
    reading(worker, *READABLE_FOR[purpose], purpose=purpose, by=by)
    before = AuditEvent.objects.count()

    for beyond in set(IdentityField) - READABLE_FOR[purpose]:
        with pytest.raises(NotForThisPurpose, match=f"{purpose.value} does not open {beyond.value}"):
            reading(worker, beyond, purpose=purpose, by=by)

    assert AuditEvent.objects.filter(action="identity.read").count() == 1
    assert AuditEvent.objects.count() == before


def test_a_reading_names_its_fields_and_its_worker() -> None:
    with pytest.raises(Invalid, match=r"Name at least one field to read\."):
        read_identity(worker_id=a_worker().pk, purpose=Purpose.LEGAL_REQUEST, fields=[], by=Actor.user(an_admin()))
    with pytest.raises(NotFound, match=r"There is no such worker\."):
        read_identity(
            worker_id=uuid4(), purpose=Purpose.LEGAL_REQUEST, fields=PROFILE_FIELDS, by=Actor.user(an_admin())
        )


@pytest.mark.django_db(transaction=True)
def test_a_reading_is_refused_inside_a_transaction_that_could_take_its_trace_back() -> None:
    worker = a_worker()

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        reading(worker, IdentityField.LEGAL_NAME)


def test_the_tax_id_may_come_later_and_brings_a_copy_of_what_a_report_says() -> None:
    worker = a_worker()
    with pytest.raises(NotGiven, match=r"This worker has given no tax id yet\."):
        reading(worker, IdentityField.TAX_ID, purpose=Purpose.TAX_REPORT)

    store_tax_id(worker_id=worker.pk, tax_id=TAX_ID, by=Actor.user(worker.user))

    opened = reading(worker, *TAX_FIELDS, purpose=Purpose.TAX_REPORT)
    assert opened.values[IdentityField.TAX_ID] == "AB123456C"
    assert json.loads(opened.values[IdentityField.TAX_COPY]) == {
        "legal_name": LEGAL_NAME,
        "address": ADDRESS,
        "birth_date": "1985-12-10",
        "country": "GB",
    }


def test_a_corrected_identity_replaces_the_old_one_and_its_tax_copy() -> None:
    worker = a_worker(identity=an_identity(tax_id=TAX_ID))

    store_identity(
        user=worker.user, identity=an_identity(legal_name="Ada King"), country="FR", by=Actor.user(worker.user)
    )

    opened = reading(worker)
    assert opened.values[IdentityField.LEGAL_NAME] == "Ada King"
    assert opened.values[IdentityField.TAX_ID] == "AB123456C"
    tax_copy = json.loads(opened.values[IdentityField.TAX_COPY])
    assert (tax_copy["legal_name"], tax_copy["country"]) == ("Ada King", "FR")
    assert (Identity.objects.count(), SubjectKey.objects.exclude(subject="installation").count()) == (1, 2)


def test_erasing_the_profile_leaves_what_tax_law_makes_us_keep() -> None:  # [B158]
    worker = a_worker(identity=an_identity(tax_id=TAX_ID))

    destroy_key(
        subject=f"user:{worker.user_id}", purpose=SubjectKey.Purpose.PROFILE, by=Actor.user(an_admin()), why="erasure"
    )

    for field in PROFILE_FIELDS:
        with pytest.raises(KeyDestroyed, match=r"What was asked for has been erased; nobody can read it any more\."):
            reading(worker, field)
    assert json.loads(reading(worker, *TAX_FIELDS).values[IdentityField.TAX_COPY])["legal_name"] == LEGAL_NAME
    with pytest.raises(KeyDestroyed):
        store_identity(user=worker.user, identity=an_identity(), country="GB", by=Actor.user(worker.user))


def test_a_ciphertext_moved_to_another_row_or_column_does_not_open() -> None:
    own, other = a_worker(), a_worker(identity=an_identity(legal_name="Charles Babbage"))
    stolen = Identity.objects.get(pk=other.user_id)
    mine = Identity.objects.filter(pk=own.user_id)
    address = mine.get().address

    with by_hand():
        mine.update(legal_name=stolen.legal_name)
    with pytest.raises(CannotOpen):
        reading(own, IdentityField.LEGAL_NAME)
    with by_hand():
        mine.update(legal_name=stolen.legal_name, profile_key=stolen.profile_key)
    with pytest.raises(CannotOpen):
        reading(own, IdentityField.LEGAL_NAME)
    with by_hand():
        mine.update(legal_name=address)
    with pytest.raises(CannotOpen):
        reading(own, IdentityField.LEGAL_NAME)
    with by_hand():
        mine.update(region="elsewhere")
    with pytest.raises(CannotOpen):
        reading(own, IdentityField.ADDRESS)

    assert not AuditEvent.objects.filter(action="identity.read").exists()


def test_without_its_master_key_it_stays_shut_and_after_rotation_it_opens(settings: Settings) -> None:
    old, new = new_master_key("k1"), new_master_key("k2")
    settings.MASTER_KEYS = [old]
    worker = a_worker(identity=an_identity(tax_id=TAX_ID))

    settings.MASTER_KEYS = [new]
    with pytest.raises(UnknownMasterKey, match="This needs master key 'k1'"):
        reading(worker)
    settings.MASTER_KEYS = [new, old]
    call_command("rotate_keys", stdout=StringIO())
    settings.MASTER_KEYS = [new]

    assert reading(worker).values[IdentityField.LEGAL_NAME] == LEGAL_NAME
    assert shares_tax_id(an_application(identity=an_identity(tax_id=TAX_ID)))


def shares_tax_id(application: Application) -> bool:
    found: object = with_shared_tax_id(Application.objects.filter(pk=application.pk)).get()
    return bool(getattr(found, "shares_tax_id", None))


def test_the_same_tax_id_is_seen_however_it_is_written_and_refuses_nobody() -> None:
    first = an_application(identity=an_identity(tax_id="AB 12 34 56 C"))
    alone = an_application(identity=an_identity(tax_id="AB 12 34 56 D"))
    without, also_without = an_application(), an_application()
    abroad = an_application(identity=an_identity(tax_id="AB123456C"), country="DE")
    assert not shares_tax_id(first)

    second = an_application(identity=an_identity(tax_id="ab-123.456/c"))

    assert shares_tax_id(first) and shares_tax_id(second)
    assert not any(map(shares_tax_id, (alone, without, also_without, abroad)))


def faults_of(refusal: pytest.ExceptionInfo[Invalid]) -> list[tuple[object, object]]:
    return [(fault["field"], fault["message"]) for fault in refusal.value.errors]


def test_all_faults_are_told_at_once_and_none_repeats_what_was_given() -> None:
    wrong = an_identity(legal_name="\u202eADA", address="x" * 501, birth_date=date(1066, 10, 14), tax_id="secret")

    with pytest.raises(Invalid) as refusal:
        store_identity(user=a_person(), identity=wrong, country="GB", by=Actor.system("test"))

    assert faults_of(refusal) == [
        (
            "legal_name",
            (
                "The legal name holds a character that turns the direction of the text (U+202E) at character 1; "
                "leave it out."
            ),
        ),
        ("address", "The address may have 500 characters; this one has 501."),
        ("tax_id", "A tax id has 5 to 20 letters and digits, at least one of them a digit."),
        ("birth_date", "The birth date is more than 120 years ago."),
    ]
    assert Identity.objects.count() == 0


def test_a_worker_is_of_full_age_to_the_day() -> None:
    today = date(2026, 2, 28)
    checked_identity(an_identity(birth_date=date(2008, 2, 28)), today=today)

    for birth_date, message in [
        (date(2008, 3, 1), "Workers must be at least 18 years old."),
        (date(2008, 2, 29), "Workers must be at least 18 years old."),
        (today + timedelta(days=1), "The birth date is in the future."),
    ]:
        with pytest.raises(Invalid) as refusal:
            checked_identity(an_identity(birth_date=birth_date), today=today)
        assert faults_of(refusal) == [("birth_date", message)]


def test_age_is_reckoned_by_the_clock() -> None:
    almost = clock.now().date() - timedelta(days=18 * 365)
    with pytest.raises(Invalid):
        an_application(identity=an_identity(birth_date=almost))

    with clock.ahead_by(timedelta(days=10)):
        an_application(identity=an_identity(birth_date=almost))


@pytest.mark.parametrize("written", ["Null", "N/A", "X", "O'Brien", "محمد", "Zoë 👩\u200d🔬", "{{7*7}}"])
def test_names_are_as_people_have_them(written: str) -> None:
    worker = a_worker(identity=an_identity(legal_name=written))

    assert reading(worker, IdentityField.LEGAL_NAME).values == {"legal_name": written}


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("123-45-6789", "123456789"),
        ("１２３４５", "12345"),
        ("de 123/456/789", "DE123456789"),
        ("12.345.678-9", "123456789"),
    ],
)
def test_a_tax_id_has_one_form(written: str, plain: str) -> None:
    assert normal_tax_id(written) == plain


@pytest.mark.parametrize(
    "written", ["", "1234", "ABCDE", "1" * 21, "1" * 10_000_000, "12345\u202e", "12345\x00", "12 45!6"]
)
def test_what_is_no_tax_id_is_refused(written: str) -> None:
    with pytest.raises(Invalid, match=r"A tax id has 5 to 20 letters and digits, at least one of them a digit\."):
        normal_tax_id(written)

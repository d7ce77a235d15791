"""One account for each e-mail address, however it is written. Ids in brackets are of the catalogue of bad inputs."""

import importlib

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test import Client

from kernel.email_address import canonical_email, email_to_look_up
from kernel.errors import Invalid
from kernel.models import User
from kernel.services.access import sign_in
from kernel.services.signing_up import sign_up
from tests.kernel.people import PASSWORD

SAME = {
    "ada@example.org": [
        "ADA@EXAMPLE.ORG",
        " ada@example.org ",
        "ada@example.org.",
        "ada@ｅｘａｍｐｌｅ。org",
        "ａｄａ＠example.org",
        "a\u200bda@example.org",
        "\ufeffada@exam\u00adple.org",
        "\u3000ada@example.org",
    ],
    "kiss@example.org": ["\u212aiss@example.org", "ki\u017f\u017f@example.org", "KISS@EXAMPLE.ORG"],
    "ada@xn--mnchen-3ya.de": ["ada@münchen.de", "ada@MÜNCHEN.de", "ada@mu\u0308nchen.de", "ada@XN--MNCHEN-3YA.de"],
    "ada@xn--strae-oqa.de": ["ada@straße.de", "ada@STRAẞE.de"],
}
DIFFERENT = [
    "ada@strasse.de",
    "ada@straße.de",
    "ada@ıstanbul.org",
    "ada@İstanbul.org",
    "ada@istanbul.org",
    "ada@аda.org",
]
NONE = [
    "ıda@example.org",
    "İda@example.org",
    "straße@example.org",
    "аda@example.org",  # the first letter is Cyrillic
    "zoe\u0301@example.org",
    "a\u200dda@example.org",
    "a\u00adda@example.org",
    "ada\x00@example.org",
    "\ud800@example.org",
    "ada\u202e@example.org",
    '"ada lovelace"@example.org',
    "ada@[127.0.0.1]",
    "ada@127.0.0.1",
    "ada@localhost",
    "ada@example.org\r\nBcc: all@example.org",
    "ada@evil.example＠example.org",
    "ada.@example.org",
    "a..da@example.org",
    "ada@exam_ple.org",
    "ada@-example.org",
    "ada@example..org",
    "ada@xn--a.example",
    "ada@\ud800.org",
    "@example.org",
    "ada@",
    "ada",
    "",
    "a" * 65 + "@example.org",
    "ada@" + "ü" * 60 + ".de",
    "ada@" + "x." * 127 + "org",
    "x" * 10_000_000 + "@example.org",
]


def test_an_address_is_the_same_however_it_is_written() -> None:  # [B039]
    written = {email: {canonical_email(way) for way in [email, *ways]} for email, ways in SAME.items()}
    assert written == {email: {email} for email in SAME}


def test_domains_that_only_look_or_fold_alike_stay_apart() -> None:  # [B039]
    assert len({canonical_email(email) for email in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize("email", NONE, ids=lambda email: ascii(email)[:40])
def test_what_mail_cannot_be_sent_to_is_no_address(email: str) -> None:  # [B038, B039, B041, B042]
    with pytest.raises(Invalid) as refused:
        canonical_email(email)
    assert [fault["field"] for fault in refused.value.errors] == ["email"]
    assert email_to_look_up(email) == ""


@pytest.mark.django_db
def test_an_address_has_one_account() -> None:  # [B039]
    for email, ways in SAME.items():
        for way in [email, *ways]:
            assert sign_up(email=way, password=PASSWORD, display_name="Ada") == email
            assert sign_in(email=way, password=PASSWORD)[0].user.email == email
    assert sorted(User.objects.values_list("email", flat=True)) == sorted(SAME)


@pytest.mark.django_db
def test_the_database_keeps_no_other_form() -> None:  # [B039]
    for email in ("Ada@example.org", "ıda@example.org", "ada@münchen.de", "ada@example.org.", "ada", ""):
        with pytest.raises(IntegrityError, match="user_email_canonical"), transaction.atomic():
            User.objects.create(email=email)


@pytest.mark.django_db
def test_what_is_no_address_signs_nobody_in_at_the_console() -> None:  # [B039]
    for email in ("ıda@example.org", "\ud800", "ada"):
        answer = Client().post("/admin/login/", {"email": email.encode("utf-8", "replace"), "password": PASSWORD})
        assert answer.status_code == 403
        assert "do not belong together" in answer.content.decode()


migration = importlib.import_module("kernel.migrations.0002_one_account_for_each_address")


@pytest.fixture
def before_the_migration() -> None:
    """The table as it was, for rows of another form."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kernel_user DROP CONSTRAINT user_email_canonical")
        cursor.execute("DROP TRIGGER kernel_user_changes_with_an_event ON kernel_user")


@pytest.mark.django_db
@pytest.mark.usefixtures("before_the_migration")
def test_addresses_from_before_are_rewritten() -> None:  # [B039]
    User.objects.bulk_create([User(email="ada@münchen.de"), User(email="bob@example.org")])
    migration.rewrite(apps, None)
    assert set(User.objects.values_list("email", flat=True)) == {"ada@xn--mnchen-3ya.de", "bob@example.org"}


@pytest.mark.django_db
@pytest.mark.usefixtures("before_the_migration")
def test_accounts_that_would_become_one_or_none_stop_the_migration() -> None:  # [B039]
    stuck = User.objects.bulk_create([User(email="ada@münchen.de"), User(email="ıda@example.org")])
    User.objects.bulk_create([User(email="ada@xn--mnchen-3ya.de"), User(email="bob@example.org")])
    with pytest.raises(RuntimeError) as refused:
        migration.rewrite(apps, None)
    assert ", ".join(sorted(str(user.pk) for user in stuck)) in str(refused.value)

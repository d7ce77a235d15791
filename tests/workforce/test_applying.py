"""A person applies, an admin decides."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from kernel.models import AuditEvent, OutboxMessage, User
from kernel.services.audit import Actor
from tests.workforce.people import a_person, a_worker, an_admin, an_application, an_identity
from workforce.models import Application, Identity, Worker
from workforce.queries import worker_of
from workforce.services.applying import (
    TERMS_VERSION,
    AlreadyApplied,
    AlreadyWorker,
    TermsOutdated,
    apply,
    approve_application,
    decline_application,
)
from workforce.services.persons import OwnCase, PersonDecides

pytestmark = pytest.mark.django_db


def history_of(row: Application | Worker) -> list[tuple[str, str, str, str, str]]:
    events = AuditEvent.objects.filter(subject_id=str(row.pk)).order_by("id")
    return [(e.actor_kind, e.action, e.from_state, e.to_state, e.why) for e in events]


def test_an_application_waits_for_its_decision() -> None:
    user = a_person()

    application = an_application(user=user, note="I read handwriting well.")

    application.refresh_from_db()
    assert (application.state, application.user, application.country) == ("submitted", user, "GB")
    assert (application.languages, application.note) == (["en", "pt-BR"], "I read handwriting well.")
    assert application.terms_version == TERMS_VERSION
    assert history_of(application) == [("user", "application.submitted", "", "submitted", "")]
    assert worker_of(user) is None


def test_an_admin_approves_and_there_is_an_active_worker() -> None:
    user, admin = a_person(), an_admin()
    application = an_application(user=user)

    worker = approve_application(application_id=application.pk, by=Actor.user(admin), why="Identity checked.")

    application.refresh_from_db()
    assert (application.state, application.decided_by) == ("approved", admin)
    assert worker_of(user) == worker
    assert (worker.state, worker.country, worker.languages) == ("active", "GB", ["en", "pt-BR"])
    assert worker.applied_at == application.submitted_at
    assert worker.billing_owner == f"worker:{worker.pk}"
    assert history_of(application)[1:] == [
        ("user", "application.approved", "submitted", "approved", "Identity checked.")
    ]
    assert history_of(worker) == [("user", "worker.approved", "", "active", "Identity checked.")]


def test_a_declined_person_is_told_why_and_may_apply_again() -> None:
    user, admin = a_person(), Actor.user(an_admin())
    first = an_application(user=user)

    declined = decline_application(application_id=first.pk, reason="The name is not the one on the document.", by=admin)

    assert (declined.state, declined.decision_reason) == ("declined", "The name is not the one on the document.")
    second = an_application(user=user, identity=an_identity(legal_name="Ada King"))
    assert approve_application(application_id=second.pk, by=admin).user == user
    assert Identity.objects.count() == 1


def test_one_person_has_one_open_application() -> None:
    user = a_person()
    an_application(user=user)

    with pytest.raises(AlreadyApplied) as refusal:
        an_application(user=user)

    assert refusal.value.message == (
        "Your earlier application waits for its decision; you can send another when it is declined."
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        Application.objects.create(user=user, country="GB", languages=["en"], terms_version=TERMS_VERSION)


def test_a_worker_cannot_apply_again() -> None:
    worker = a_worker()

    with pytest.raises(AlreadyWorker, match=r"You are a worker already; your standing is active\."):
        an_application(user=worker.user)


def test_an_application_is_decided_once() -> None:
    admin = Actor.user(an_admin())
    application = an_application()
    approve_application(application_id=application.pk, by=admin)

    with pytest.raises(WrongState, match="is approved and cannot become declined"):
        decline_application(application_id=application.pk, reason="Changed my mind.", by=admin)
    with pytest.raises(WrongState, match="is approved and cannot become approved"):
        approve_application(application_id=application.pk, by=admin)

    assert Worker.objects.count() == 1


def test_nobody_decides_about_themselves_and_no_rule_decides_at_all() -> None:
    admin = a_person()
    application = an_application(user=admin)

    with pytest.raises(OwnCase, match=r"This is about yourself; another admin has to decide it\."):
        approve_application(application_id=application.pk, by=Actor.user(admin))
    with pytest.raises(OwnCase):
        decline_application(application_id=application.pk, reason="No.", by=Actor.user(admin))
    with pytest.raises(PersonDecides):
        approve_application(application_id=application.pk, by=Actor.system("quick_approval"))

    with pytest.raises(IntegrityError, match="nobody_decides_about_themselves"), transaction.atomic():
        Application.objects.update(state="approved", decided_at=clock.now(), decided_by=admin)
    application.refresh_from_db()
    assert application.state == "submitted"
    assert approve_application(application_id=application.pk, by=Actor.user(an_admin())).user == admin


def test_there_is_no_such_application() -> None:
    with pytest.raises(NotFound, match=r"There is no such application\."):
        approve_application(application_id=uuid4(), by=Actor.user(an_admin()))


def test_a_refusal_needs_a_reason() -> None:
    application = an_application()

    with pytest.raises(Invalid, match=r"The reason is empty: it holds nothing that can be seen\."):
        decline_application(application_id=application.pk, reason=" \u200b", by=Actor.user(an_admin()))


def test_only_the_terms_in_force_can_be_accepted() -> None:
    with pytest.raises(TermsOutdated) as refusal:
        apply(user=a_person(), country="GB", languages=["en"], identity=an_identity(), terms_version="2019")

    assert refusal.value.details == {"terms_version": TERMS_VERSION}
    assert (Application.objects.count(), Identity.objects.count()) == (0, 0)


@pytest.mark.parametrize("country", ["", "gb", "XX", "GBR", "UK", "EU"])
def test_a_country_is_an_iso_code(country: str) -> None:
    with pytest.raises(Invalid) as refusal:
        an_application(country=country)

    message = "A country is given by its ISO 3166-1 code of two capitals, such as DE or KE."
    assert refusal.value.errors == [{"field": "country", "message": message}]


@pytest.mark.parametrize(
    "languages", [[], ["english"], ["EN"], ["en", ""], [f"a{c}" for c in "bcdefghijklmnopqrstuvw"]]
)
def test_languages_are_a_few_codes(languages: list[str]) -> None:
    with pytest.raises(Invalid) as refusal:
        apply(user=a_person(), country="GB", languages=languages, identity=an_identity(), terms_version=TERMS_VERSION)

    message = "Name 1 to 20 languages by codes such as en, sw or pt-BR, the best spoken first."
    assert refusal.value.errors == [{"field": "languages", "message": message}]


def test_a_refused_application_leaves_nothing() -> None:
    user = a_person()

    with pytest.raises(Invalid):
        an_application(user=user, identity=an_identity(legal_name=""))

    assert Application.objects.count() == Identity.objects.count() == AuditEvent.objects.count() == 0
    assert OutboxMessage.objects.count() == 0


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_eight_tabs_one_applies_and_of_eight_admins_one_approves() -> None:  # [B163]
    user, admins = a_person(), [an_admin() for _ in range(8)]
    start = threading.Barrier(8)

    def at_once(attempt: int) -> str:
        start.wait()
        try:
            an_application(user=User.objects.get(pk=user.pk))
        except AlreadyApplied:
            return "refused"
        finally:
            connection.close()
        return "applied"

    def approve_at_once(admin: User) -> str:
        start.wait()
        try:
            approve_application(application_id=application.pk, by=Actor.user(admin))
        except WrongState:
            return "refused"
        finally:
            connection.close()
        return "approved"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(at_once, range(8))) == ["applied"] + ["refused"] * 7
        application = Application.objects.get()
        assert sorted(pool.map(approve_at_once, admins)) == ["approved"] + ["refused"] * 7
    assert Worker.objects.count() == 1

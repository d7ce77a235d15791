"""Applying to work here, and an admin's decision about it."""

from collections.abc import Sequence
from typing import ClassVar, Final
from uuid import UUID

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from kernel import clock
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import move
from kernel.models import User
from kernel.services.admin_roles import refuse_admins
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce
from kernel.text import clean_text
from workforce.countries import is_country, is_language
from workforce.events import ApplicationDeclined, ApplicationSubmitted, WorkerApproved
from workforce.identity_data import IdentityData
from workforce.models import Application, Worker
from workforce.services.identity import store_identity
from workforce.services.persons import refuse_own_case, refuse_rules

TERMS_VERSION: Final = "2026-01"
"""The terms that a person accepts by applying now."""

MOST_LANGUAGES: Final = 20
LONGEST_NOTE: Final = 2_000
LONGEST_REASON: Final = 1_000


class AlreadyApplied(Refused):
    """An application of this person waits for its decision."""

    code: ClassVar[str] = "already_applied"


class AlreadyWorker(Refused):
    """This person was approved before."""

    code: ClassVar[str] = "already_worker"


class TermsOutdated(Refused):
    """The accepted terms are not the ones in force."""

    code: ClassVar[str] = "terms_outdated"


@sensitive_variables("identity")
@transaction.atomic
def apply(
    *, user: User, country: str, languages: Sequence[str], identity: IdentityData, terms_version: str, note: str = ""
) -> Application:
    """Ask, as ``user``, to become a worker; ``identity`` is sealed with it.

    Raises Invalid, TermsOutdated, IsAdmin, AlreadyApplied while an earlier application is open, and AlreadyWorker.
    """
    _check_country(country)
    spoken = _checked_languages(languages)
    note = clean_text(note, what="note", longest=LONGEST_NOTE, field="note") if note else ""
    _refuse_other_terms(terms_version)
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two tabs of one person follow each other
    refuse_admins(user.pk)
    _refuse_second_way_in(user)
    by = Actor.user(user)
    application = Application.objects.create(
        user=user, country=country, languages=spoken, note=note, terms_version=terms_version
    )
    store_identity(user=user, identity=identity, country=country, by=by)
    details = {"terms_version": terms_version}
    record(action="application.submitted", subject=application, by=by, to_state=application.state, details=details)
    announce(ApplicationSubmitted(application_id=str(application.pk)))
    return application


@transaction.atomic
def approve_application(*, application_id: UUID, by: Actor, why: str = "") -> Worker:
    """Make the applicant an active worker. Raises NotFound, WrongState, OwnCase, PersonDecides, IsAdmin."""
    why = clean_text(why, what="reason", longest=LONGEST_REASON, field="reason") if why else ""
    application = _decided(application_id, Application.State.APPROVED, why=why, by=by)
    User.objects.select_for_update(no_key=True).get(pk=application.user_id)
    refuse_admins(application.user_id)
    worker = Worker.objects.create(
        user_id=application.user_id,
        application=application,
        country=application.country,
        languages=application.languages,
        applied_at=application.submitted_at,
    )
    record(action="worker.approved", subject=worker, by=by, why=why, to_state=worker.state)
    announce(WorkerApproved(worker_id=str(worker.pk)))
    return worker


@transaction.atomic
def decline_application(*, application_id: UUID, reason: str, by: Actor) -> Application:
    """Decline with a reason that the person is shown. Raises as ``approve_application`` does, and Invalid."""
    reason = clean_text(reason, what="reason", longest=LONGEST_REASON, field="reason")
    application = _decided(application_id, Application.State.DECLINED, why=reason, by=by)
    announce(ApplicationDeclined(application_id=str(application.pk)))
    return application


def _decided(application_id: UUID, to: Application.State, *, why: str, by: Actor) -> Application:
    application = Application.objects.locked().filter(pk=application_id).first()
    if application is None:
        raise NotFound("application")
    refuse_rules(by=by, what="decide about an application")
    refuse_own_case(by=by, user_id=application.user_id)
    application.decided_at, application.decided_by_id = clock.now(), UUID(by.id)
    application.decision_reason = why
    move(application, to, by=by, why=why, fields=["decided_at", "decided_by", "decision_reason"])
    return application


def _refuse_second_way_in(user: User) -> None:
    worker = Worker.objects.filter(user=user).first()
    if worker is not None:
        raise AlreadyWorker(f"You are a worker already; your standing is {worker.state}.")
    if Application.objects.filter(user=user, state=Application.State.SUBMITTED).exists():
        raise AlreadyApplied(
            "Your earlier application waits for its decision; you can send another when it is declined."
        )


def _refuse_other_terms(terms_version: str) -> None:
    if terms_version != TERMS_VERSION:
        raise TermsOutdated(
            f"The terms in force are version {TERMS_VERSION}; read and accept those.", {"terms_version": TERMS_VERSION}
        )


def _check_country(country: str) -> None:
    if not is_country(country):
        message = "A country is given by its ISO 3166-1 code of two capitals, such as DE or KE."
        raise Invalid(message, [{"field": "country", "message": message}])


def _checked_languages(languages: Sequence[str]) -> list[str]:
    different = list(dict.fromkeys(languages))
    if not 1 <= len(different) <= MOST_LANGUAGES or not all(map(is_language, different)):
        message = f"Name 1 to {MOST_LANGUAGES} languages by codes such as en, sw or pt-BR, the best spoken first."
        raise Invalid(message, [{"field": "languages", "message": message}])
    return different

"""The only door to who a person is: sealed on the way in, opened for a named purpose and with an audit event."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from kernel import clock
from kernel.crypto import blind_index, seal, unseal
from kernel.errors import Invalid, NotFound, Refused
from kernel.models import SubjectKey, User
from kernel.services.audit import Actor, record
from kernel.services.subject_keys import key_for_sealing
from workforce.identity_data import (
    READABLE_FOR,
    IdentityData,
    IdentityField,
    Purpose,
    checked_identity,
    normal_tax_id,
)
from workforce.models import Identity, Worker

TABLE: Final = "workforce_identity"
STATUTORY: Final = frozenset({IdentityField.TAX_ID, IdentityField.TAX_COPY})


class NotGiven(Refused):
    """The person has not given this yet."""

    code: ClassVar[str] = "not_given"


class NotForThisPurpose(Refused):
    """The purpose does not open all that was asked for."""

    code: ClassVar[str] = "not_for_this_purpose"


@dataclass(frozen=True, slots=True)
class IdentityReading:
    """What was opened, for whoever asked; not to be kept."""

    worker_id: UUID
    purpose: Purpose
    values: Mapping[IdentityField, str] = field(repr=False)


@sensitive_variables()
@transaction.atomic
def store_identity(*, user: User, identity: IdentityData, country: str, by: Actor) -> None:
    """Seal who ``user`` is, in place of what was stored before. A tax id given before stays when this brings none.

    Raises Invalid with every field that cannot be meant, and KeyDestroyed when this person's data was erased.
    """
    checked = checked_identity(identity, today=clock.now().date())
    profile_key = key_for_sealing(subject=subject_of(user.pk), purpose=SubjectKey.Purpose.PROFILE)
    row = Identity.objects.filter(pk=user.pk).first() or Identity(user=user, region=settings.REGION)
    row.profile_key, row.stored_at = profile_key, clock.now()
    row.legal_name = _sealed(row, IdentityField.LEGAL_NAME, checked.legal_name)
    row.address = _sealed(row, IdentityField.ADDRESS, checked.address)
    row.birth_date = _sealed(row, IdentityField.BIRTH_DATE, checked.birth_date.isoformat())
    if checked.tax_id:
        _seal_tax_id(row, checked.tax_id, country)
    if row.tax_id_index:
        _seal_tax_copy(row, checked, country)
    row.save(force_insert=row._state.adding)
    record(action="identity.stored", subject=row, by=by, details={"with_tax_id": bool(checked.tax_id)})


@sensitive_variables()
@transaction.atomic
def store_tax_id(*, worker_id: UUID, tax_id: str, by: Actor) -> None:
    """Seal a worker's tax id, with a copy of what a tax report says beside it. Raises Invalid for what is none."""
    plain = normal_tax_id(tax_id)
    worker = _worker(worker_id)
    key_for_sealing(subject=subject_of(worker.user_id), purpose=SubjectKey.Purpose.PROFILE)  # one writer at a time
    row = _identity_of(worker)
    _seal_tax_id(row, plain, worker.country)
    _seal_tax_copy(row, _opened_profile(row), worker.country)
    row.stored_at = clock.now()
    row.save(update_fields=["statutory_key", "tax_id", "tax_copy", "tax_id_index", "stored_at"])
    record(action="identity.stored", subject=row, by=by, details={"with_tax_id": True})


@sensitive_variables()
@transaction.atomic(durable=True)  # the audit event is on disk before anybody sees the plaintext
def read_identity(
    *, worker_id: UUID, purpose: Purpose, fields: Collection[IdentityField], by: Actor
) -> IdentityReading:
    """Open ``fields`` of a worker's identity and leave an audit event that says who read which fields and why.

    Raises NotForThisPurpose, NotGiven, KeyDestroyed after an erasure, and UnknownMasterKey or CannotOpen as they are.
    """
    wanted = sorted(set(fields))
    _refuse_beyond_purpose(wanted, purpose)
    worker = _worker(worker_id)
    row = _identity_of(worker)
    values = {name: _opened(row, name) for name in wanted}
    record(
        action="identity.read",
        subject=worker,
        by=by,
        why=purpose.value,
        details={"fields": [name.value for name in wanted]},
    )
    return IdentityReading(worker_id=worker.pk, purpose=purpose, values=values)


def subject_of(user_id: UUID) -> str:
    """The subject under whose keys a person's data is sealed."""
    return f"user:{user_id}"


def _refuse_beyond_purpose(wanted: Collection[IdentityField], purpose: Purpose) -> None:
    if not wanted:
        raise Invalid("Name at least one field to read.", [{"field": "fields", "message": "This list is empty."}])
    beyond = [name for name in wanted if name not in READABLE_FOR[purpose]]
    if beyond:
        raise NotForThisPurpose(
            f"{purpose.value} does not open {', '.join(beyond)}. It opens: {', '.join(sorted(READABLE_FOR[purpose]))}."
        )


def _worker(worker_id: UUID) -> Worker:
    worker = Worker.objects.filter(pk=worker_id).first()
    if worker is None:
        raise NotFound("worker")
    return worker


def _identity_of(worker: Worker) -> Identity:
    row = Identity.objects.select_related("profile_key", "statutory_key").filter(pk=worker.user_id).first()
    if row is None:
        raise NotGiven(f"Worker {worker.pk} has given no identity.")
    return row


def _seal_tax_id(row: Identity, tax_id: str, country: str) -> None:
    row.statutory_key = key_for_sealing(subject=subject_of(row.user_id), purpose=SubjectKey.Purpose.STATUTORY)
    row.tax_id = _sealed(row, IdentityField.TAX_ID, tax_id)
    row.tax_id_index = blind_index(f"{country}:{tax_id}", column=f"{TABLE}.tax_id")


def _seal_tax_copy(row: Identity, profile: IdentityData, country: str) -> None:
    copy = {
        "legal_name": profile.legal_name,
        "address": profile.address,
        "birth_date": profile.birth_date.isoformat(),
        "country": country,
    }
    row.tax_copy = _sealed(row, IdentityField.TAX_COPY, json.dumps(copy, ensure_ascii=False))


def _opened_profile(row: Identity) -> IdentityData:
    return IdentityData(
        legal_name=_opened(row, IdentityField.LEGAL_NAME),
        address=_opened(row, IdentityField.ADDRESS),
        birth_date=date.fromisoformat(_opened(row, IdentityField.BIRTH_DATE)),
    )


def _sealed(row: Identity, name: IdentityField, text: str) -> bytes:
    subject, column = subject_of(row.user_id), f"{TABLE}.{name}"
    return seal(text, key=_key_of(row, name), subject=subject, column=column, region=row.region)


def _opened(row: Identity, name: IdentityField) -> str:
    subject, column = subject_of(row.user_id), f"{TABLE}.{name}"
    return unseal(getattr(row, name), key=_key_of(row, name), subject=subject, column=column, region=row.region)


def _key_of(row: Identity, name: IdentityField) -> SubjectKey:
    if name not in STATUTORY:
        return row.profile_key
    if row.statutory_key is None:
        raise NotGiven("This worker has given no tax id yet.")
    return row.statutory_key

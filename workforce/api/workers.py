"""Workers over HTTP: one's own standing, and what admins may see and decide."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.services.subject_keys import KeyDestroyed
from workforce.api.base import WorkersOwnView
from workforce.identity_data import READABLE_FOR, IdentityField, Purpose
from workforce.models import Worker
from workforce.queries import find_worker
from workforce.services.identity import IdentityReading, NotForThisPurpose, NotGiven, read_identity, store_tax_id
from workforce.services.persons import OwnCase
from workforce.services.standing import (
    LONGEST_PAUSE,
    LONGEST_REASON,
    offboard_worker,
    pause_worker,
    reinstate_worker,
    resume_worker,
    suspend_worker,
)

WORKER_ID = "7d3f1a52-9c84-4e6b-8a1f-2b3c4d5e6f70"


class WorkerOut(Out):
    """A worker and their standing."""

    EXAMPLE = {
        "id": WORKER_ID,
        "user": "0b9d4c8e-6a34-4f0e-9c55-1d6b9f6d2a11",
        "country": "GB",
        "languages": ["en", "pt-BR"],
        "standing": "paused",
        "standing_since": "2026-05-17T12:00:00Z",
        "standing_reason": "Three answers in one second. We are looking into it.",
        "paused_until": "2026-05-19T12:00:00Z",
        "applied_at": "2026-05-01T09:00:00Z",
        "approved_at": "2026-05-02T10:00:00Z",
    }
    id = fields.UUIDField()
    user = fields.UUIDField(source="user_id")
    country = fields.LineField()
    languages = fields.ListField(child=fields.LineField())
    standing = fields.ChoiceField(
        choices=Worker.State.choices, source="state", help_text="Only who is `active` may claim tasks."
    )
    standing_since = fields.DateTimeField()
    standing_reason = fields.TextField(help_text="Why; empty for who was always active.")
    paused_until = fields.DateTimeField(allow_null=True, help_text="When a pause ends by itself.")
    applied_at = fields.DateTimeField()
    approved_at = fields.DateTimeField()


class WorkerQuery(Query):
    """Which workers."""

    standing = fields.ChoiceField(choices=Worker.State.choices, required=False)
    country = fields.LineField(max_length=2, required=False, help_text="ISO 3166-1 alpha-2.")


class ReasonIn(In):
    """Why."""

    EXAMPLE = {"reason": "Two accounts belong to one person."}
    reason = fields.TextField(max_length=LONGEST_REASON, help_text="The person is shown it; keep others' names out.")


class PauseIn(ReasonIn):
    """A pause, why, and until when."""

    EXAMPLE = {"reason": "Three answers in one second. We are looking into it.", "until": "2026-05-19T12:00:00Z"}
    until = fields.DateTimeField(help_text=f"Within {LONGEST_PAUSE.days} days; then it ends by itself.")


class TaxIdIn(In):
    """A tax id."""

    EXAMPLE = {"tax_id": "AB 12 34 56 C"}
    tax_id = fields.LineField(max_length=50, help_text="5 to 20 letters and digits, however separated.")


class IdentityReadingIn(In):
    """What is to be read of an identity, and for what."""

    EXAMPLE = {"purpose": "identity_check", "fields": ["legal_name", "birth_date"]}
    purpose = fields.ChoiceField(
        choices=[purpose.value for purpose in Purpose],
        help_text="What each opens: "
        + "; ".join(f"`{purpose}`: {', '.join(sorted(names))}" for purpose, names in READABLE_FOR.items())
        + ".",
    )

    def get_fields(self) -> dict[str, Any]:
        names = fields.ChoiceField(choices=[name.value for name in IdentityField])
        wanted = fields.ListField(child=names, min_length=1, max_length=len(IdentityField))
        return {**super().get_fields(), "fields": wanted}  # a serializer has an attribute `fields` of its own


class IdentityReadingOut(Out):
    """What was read. It was noted who read it, and for what."""

    EXAMPLE = {
        "worker": WORKER_ID,
        "purpose": "identity_check",
        "values": {"legal_name": "Ada Byron", "birth_date": "1985-12-10"},
    }
    worker = fields.UUIDField(source="worker_id")
    purpose = fields.LineField()
    values = fields.ObjectField(help_text="By field; `tax_copy` is what a tax report says beside the tax id.")


def shown_reading(reading: IdentityReading) -> dict[str, object]:
    """The reading as IdentityReadingOut shows it."""
    values: dict[str, object] = {name.value: text for name, text in reading.values.items()}
    if IdentityField.TAX_COPY in reading.values:
        values[IdentityField.TAX_COPY.value] = json.loads(reading.values[IdentityField.TAX_COPY])
    return {"worker_id": reading.worker_id, "purpose": reading.purpose.value, "values": values}


class MyWorkerView(WorkersOwnView):
    """Oneself as a worker."""

    @operation("Show one's own standing", answer=WorkerOut)
    def get(self, request: Request) -> Response:
        """Whether one may work, since when, and why or until when not."""
        return self.answer(WorkerOut(self.worker))


class MyTaxIdView(WorkersOwnView):
    """One's own tax id."""

    @operation("Give one's tax id", body=TaxIdIn, errors=[KeyDestroyed])
    def put(self, request: Request) -> Response:
        """Seals the tax id, in place of one given before. Only an admin's identity reading shows it again."""
        store_tax_id(worker_id=self.worker.pk, by=self.actor, **self.read_body())
        return self.answer()


class WorkersView(ApiView):
    """Workers."""

    @operation("List workers", query=WorkerQuery, answer=WorkerOut, paged=True)
    def get(self, request: Request) -> Response:
        """All workers, the newest first."""
        asked = self.read_query()
        if "standing" in asked:
            asked["state"] = asked.pop("standing")
        return self.page(Worker.objects.filter(**asked), WorkerOut, order_by=("-approved_at", "-id"))


class WorkerView(ApiView):
    """One worker."""

    @operation("Show a worker", answer=WorkerOut, errors=[NotFound])
    def get(self, request: Request, worker_id: UUID) -> Response:
        """A worker and their standing."""
        return self.answer(WorkerOut(find_worker(worker_id)))


class StandingView(ApiView):
    """A change of standing, which only another admin may make."""

    def change(self, service: Callable[..., Worker], worker_id: UUID) -> Response:
        """Let ``service`` change the standing as the body asks."""
        asked = self.read_body()
        worker = service(worker_id=worker_id, why=asked.pop("reason"), by=self.actor, **asked)
        return self.answer(WorkerOut(worker))


REFUSALS = (NotFound, WrongState, OwnCase)


class PauseView(StandingView):
    """A pause."""

    @operation("Pause a worker", body=PauseIn, answer=WorkerOut, creates=True, errors=REFUSALS)
    def post(self, request: Request, worker_id: UUID) -> Response:
        """Lets the worker claim nothing new until the given time; what they hold they may finish."""
        return self.change(pause_worker, worker_id)


class ResumptionView(StandingView):
    """The end of a pause."""

    @operation("Resume a worker", body=ReasonIn, answer=WorkerOut, creates=True, errors=REFUSALS)
    def post(self, request: Request, worker_id: UUID) -> Response:
        """Ends a pause before its time."""
        return self.change(resume_worker, worker_id)


class SuspensionView(StandingView):
    """A suspension."""

    @operation("Suspend a worker", body=ReasonIn, answer=WorkerOut, creates=True, errors=REFUSALS)
    def post(self, request: Request, worker_id: UUID) -> Response:
        """Ends the worker's work until somebody reinstates them. What they earned stays theirs."""
        return self.change(suspend_worker, worker_id)


class ReinstatementView(StandingView):
    """The end of a suspension."""

    @operation("Reinstate a worker", body=ReasonIn, answer=WorkerOut, creates=True, errors=REFUSALS)
    def post(self, request: Request, worker_id: UUID) -> Response:
        """Lifts a suspension."""
        return self.change(reinstate_worker, worker_id)


class OffboardingView(StandingView):
    """The end of a worker's work."""

    @operation("Offboard a worker", body=ReasonIn, answer=WorkerOut, creates=True, errors=REFUSALS)
    def post(self, request: Request, worker_id: UUID) -> Response:
        """Ends the worker's work for good. What they earned stays theirs, and their answers stay."""
        return self.change(offboard_worker, worker_id)


class IdentityReadingView(ApiView):
    """A reading of a worker's identity: for an admin in person, never for a program."""

    @operation(
        "Read an identity",
        body=IdentityReadingIn,
        answer=IdentityReadingOut,
        errors=[NotFound, NotForThisPurpose, NotGiven, KeyDestroyed],
    )
    def post(self, request: Request, worker_id: UUID) -> Response:
        """Opens the named fields for the named purpose. Who read what, when and for what is noted first.

        This is the only way to see an identity. It takes no Idempotency-Key: the answer is stored nowhere.
        """
        asked = self.read_body()
        wanted = [IdentityField(name) for name in asked["fields"]]
        reading = read_identity(worker_id=worker_id, purpose=Purpose(asked["purpose"]), fields=wanted, by=self.actor)
        return self.answer(IdentityReadingOut(shown_reading(reading)))

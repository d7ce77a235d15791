"""Signals over HTTP: admins read them and decide them as escalations; workers read and answer what they are told."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.api.assignments import ASSIGNMENT_ID
from marketplace.api.client_money import JOB_ID
from marketplace.api.tasks import RESULT
from marketplace.models import Signal
from marketplace.queries.signals import sentence_of, told_to, turns_behind
from marketplace.services.review import SHORTEST_MESSAGE
from marketplace.services.signal_decisions import NothingToAnswer, answer_signal
from qualification.api.certifications import WORKER_ID
from qualification.statistics.signals.words import in_words, meaning_of
from workforce.api.base import WorkersOwnView

SIGNAL_ID = "6a7b8c9d-0e1f-4a2b-9c3d-4e5f60718293"
NUMBERS = {"times_as_fast": 5.2, "turns": 84.0}


class SignalQuery(Query):
    """Which signals."""

    name = fields.ChoiceField(choices=Signal.Name.choices, required=False)
    state = fields.ChoiceField(choices=Signal.State.choices, required=False)
    job = fields.UUIDField(required=False)
    worker = fields.UUIDField(required=False)


class SignalInWordsOut(Out):
    """What all who may read a signal read of it."""

    FOR_WORKER = False
    id = fields.UUIDField()
    name = fields.ChoiceField(choices=Signal.Name.choices)
    meaning = fields.SerializerMethodField(help_text="What such a signal means, and what else can look like it.")
    sentence = fields.SerializerMethodField(help_text="What was seen, in words.")
    state = fields.ChoiceField(choices=Signal.State.choices)
    job = fields.UUIDField(source="job_id")

    def get_meaning(self, signal: Any) -> str:
        """What it means."""
        return meaning_of(signal.name)

    def get_sentence(self, signal: Any) -> str:
        """What was seen."""
        return sentence_of(signal, for_worker=self.FOR_WORKER)


class SignalOut(SignalInWordsOut):
    """What stands out in how a worker answers in a job."""

    EXAMPLE = {
        "id": SIGNAL_ID,
        "name": "too_fast",
        "meaning": meaning_of("too_fast"),
        "sentence": in_words("too_fast", NUMBERS),
        "state": "shown",
        "job": JOB_ID,
        "worker": WORKER_ID,
        "partner": None,
        "score": 7.9,
        "chance": 0.000004,
        "jobs": 1,
        "numbers": NUMBERS,
        "since": "2026-02-16T00:00:00Z",
        "until": "2026-05-17T00:00:00Z",
        "shown_at": "2026-05-17T00:07:00Z",
        "looked_at": "2026-05-17T00:07:00Z",
        "passed_at": None,
        "escalation": "0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9",
        "told_by": None,
        "told_at": None,
        "reason": "",
        "answered_at": None,
        "answer": "",
        "decided_by": None,
        "decided_at": None,
        "note": "",
    }
    worker = fields.UUIDField(source="worker_id")
    partner = fields.UUIDField(
        source="partner_id", allow_null=True, help_text="For `shared_errors`: the worker who errs alike."
    )
    score = fields.FloatField(help_text="How far it stands out, in standard deviations where there are such.")
    chance = fields.FloatField(help_text="How likely one as high is if nothing is the matter.")
    jobs = fields.IntegerField(help_text="In how many jobs the worker is looked at; they share the budget.")
    numbers = fields.ObjectField(help_text="What it rests on, by name.")
    since = fields.DateTimeField()
    until = fields.DateTimeField(help_text="Answers from `since` up to this midnight (UTC) were looked at.")
    shown_at = fields.DateTimeField()
    looked_at = fields.DateTimeField(help_text="When the numbers were brought up to date.")
    passed_at = fields.DateTimeField(allow_null=True, help_text="When it no longer showed.")
    escalation = fields.UUIDField(source="escalation_id", help_text="Where it is decided.")
    told_by = fields.UUIDField(source="told_by_id", allow_null=True)
    told_at = fields.DateTimeField(allow_null=True)
    reason = fields.TextField(help_text="What the worker was told.")
    answered_at = fields.DateTimeField(allow_null=True)
    answer = fields.TextField(help_text="What the worker says to it.")
    decided_by = fields.UUIDField(source="decided_by_id", allow_null=True)
    decided_at = fields.DateTimeField(allow_null=True)
    note = fields.TextField(help_text="Why it was decided so.")


class TurnBehindOut(Out):
    """An answer that a signal rests on."""

    EXAMPLE = {
        "assignment": ASSIGNMENT_ID,
        "submitted_at": "2026-05-16T13:00:07Z",
        "seconds": 1.1,
        "result": RESULT,
    }
    assignment = fields.UUIDField()
    submitted_at = fields.DateTimeField()
    seconds = fields.FloatField()
    result = fields.JSONField()


class SignalDetailOut(SignalOut):
    """A signal with the last answers behind it."""

    EXAMPLE = {**SignalOut.EXAMPLE, "turns": [TurnBehindOut.EXAMPLE]}
    turns = fields.SerializerMethodField(help_text="The worker's last answers of the window, fifty at most.")

    def get_turns(self, signal: Any) -> list[dict[str, Any]]:
        """The answers."""
        return [dict(TurnBehindOut(turn).data) for turn in turns_behind(signal)]


class OwnSignalOut(SignalInWordsOut):
    """What an admin told one of, why, and what came of it."""

    EXAMPLE = {
        "id": SIGNAL_ID,
        "name": "too_fast",
        "meaning": meaning_of("too_fast"),
        "sentence": in_words("too_fast", NUMBERS, for_worker=True),
        "state": "told",
        "job": JOB_ID,
        "title": "Handwritten digits",
        "since": "2026-02-16T00:00:00Z",
        "until": "2026-05-17T00:00:00Z",
        "told_at": "2026-05-18T09:00:00Z",
        "reason": "You answer in about a second, and many of these answers are not right. Please look at each picture.",
        "answered_at": None,
        "answer": "",
        "decided_at": None,
        "note": "",
    }
    FOR_WORKER = True
    title = fields.LineField(source="job.title", help_text="The job's.")
    since = fields.DateTimeField()
    until = fields.DateTimeField(help_text="Answers from `since` up to this midnight (UTC) were looked at.")
    told_at = fields.DateTimeField()
    reason = fields.TextField(help_text="The admin's words.")
    answered_at = fields.DateTimeField(allow_null=True)
    answer = fields.TextField(help_text="One's own words.")
    decided_at = fields.DateTimeField(allow_null=True, help_text="When another admin decided about the answer.")
    note = fields.TextField(help_text="Why it was decided so.")


class SignalAnswerIn(In):
    """What is behind a signal."""

    EXAMPLE = {"text": "I use the number keys, and I had labelled the same pictures for another job before."}
    text = fields.TextField(
        max_length=2000, min_length=SHORTEST_MESSAGE, help_text="An admin other than who told it reads it and decides."
    )


class SignalsView(ApiView):
    """All signals."""

    @operation("List signals", query=SignalQuery, answer=SignalOut, paged=True)
    def get(self, request: Request) -> Response:
        """For admins: the latest first. A signal is a reason to look, never a verdict, and nothing follows from it."""
        rows = self.permit.among(Signal.objects.filter(**self.read_query()))
        return self.page(rows, SignalOut, order_by=("-shown_at", "-id"))


class SignalView(ApiView):
    """One signal."""

    @operation("Show a signal", answer=SignalDetailOut, errors=[NotFound])
    def get(self, request: Request, signal_id: UUID) -> Response:
        """With the last answers behind it. It is decided at its escalation."""
        found = self.permit.find(Signal.objects.all(), signal_id, noun="signal", seen_in="show_a_signal")
        return self.answer(SignalDetailOut(found))


class OwnSignalsView(WorkersOwnView):
    """What one was told of."""

    @operation("List signals that one was told of", answer=OwnSignalOut, paged=True)
    def get(self, request: Request) -> Response:
        """For workers: what an admin looked at and told one of. A signal that nobody acted upon is not shown."""
        return self.page(told_to(self.worker), OwnSignalOut, order_by=("-told_at", "-id"))


class SignalAnswerView(WorkersOwnView):
    """The worker's answer to a signal."""

    @operation(
        "Answer a signal",
        body=SignalAnswerIn,
        answer=OwnSignalOut,
        status=201,
        creates=True,
        errors=[NotFound, NothingToAnswer],
    )
    def post(self, request: Request, signal_id: UUID) -> Response:
        """Says, once, what is behind it. An admin who did not tell it decides whether it stands."""
        text = self.read_body()["text"]
        answered = answer_signal(signal_id=signal_id, text=text, worker=self.worker)
        return self.answer(OwnSignalOut(answered), status=201)

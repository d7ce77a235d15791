"""The audit trail over HTTP, for admins: who did what to which row, when and why; and the proof that it stands so."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.views import ApiView
from kernel.errors import Invalid, NotFound
from kernel.models import AuditEvent
from kernel.services import audit_log
from kernel.services.audit_log import NotSealed
from marketplace.api.client_money import JOB_ID
from marketplace.api.clients import USER_ID

NOTE = (
    "assay.example.org\n20000\n7VdCaHTQbyVgOvc4rcmAGgBcUyREwUoO9n1pg5mqVJ0=\n2026-05-17T13:00:05Z\n\n"
    "— assay.example.org SQWY1maOoOdo++qxVBwfQbDbUC0gNP7EXKKWE1SyGgzxu8/V…\n"
)


class AuditEventQuery(Query):
    """Which events."""

    subject = fields.LineField(required=False, max_length=100, help_text="The id of what was acted on.")
    action = fields.LineField(required=False, max_length=100, help_text="Such as `job.open` or `membership.created`.")
    actor = fields.LineField(
        required=False, max_length=100, help_text="Who acted: a person's id, or a part of the system."
    )


class AuditEventOut(Out):
    """Something that somebody did."""

    EXAMPLE = {
        "id": "00000000-1267-8a3f-9c41-5be2d07f6a18",
        "at": "2026-05-17T13:00:00Z",
        "actor_kind": "user",
        "actor": USER_ID,
        "action": "job.open",
        "subject_type": "marketplace.job",
        "subject": JOB_ID,
        "from_state": "draft",
        "to_state": "open",
        "why": "launched",
        "details": {"held_minor": 44685, "currency": "USD", "tasks": 1700},
        "tx": 81725,
    }
    id = fields.UUIDField()
    at = fields.DateTimeField()
    actor_kind = fields.LineField(help_text="`user`, or `system` for a part of Assay that acts by rule.")
    actor = fields.LineField(source="actor_id")
    action = fields.LineField()
    subject_type = fields.LineField()
    subject = fields.LineField(source="subject_id")
    from_state = fields.LineField()
    to_state = fields.LineField()
    why = fields.TextField()
    details = fields.ObjectField()
    tx = fields.IntegerField(help_text="Its transaction: events with the same happened together.")


class ProofOut(Out):
    """That an event is in the sealed log: what `verify_audit.py` reads, as it stands."""

    EXAMPLE = {
        "kind": "inclusion",
        "event": {"action": "job.open", "actor_id": USER_ID, "id": "00000000-1267-8a3f-9c41-5be2d07f6a18", "why": "…"},
        "position": 4711,
        "path": ["7VdCaHTQbyVgOvc4rcmAGgBcUyREwUoO9n1pg5mqVJ0="],
        "checkpoint": NOTE,
    }
    kind = fields.LineField(help_text="`inclusion`.")
    event = fields.ObjectField(help_text="Every column of the event, as text: in canonical form, what was sealed.")
    position = fields.IntegerField(help_text="Its place in the log, from 0.")
    path = fields.ListField(child=fields.LineField(), help_text="Hashes of RFC 6962, in base64.")
    checkpoint = fields.TextField(help_text="The signed checkpoint that the proof leads to.")


class CheckpointOut(Out):
    """The newest checkpoint of the sealed log."""

    EXAMPLE = {
        "checkpoint": NOTE,
        "size": 20000,
        "signed_at": "2026-05-17T13:00:05Z",
        "keys": ["assay.example.org+490598d6+AUQionLyZyebVfH4BAYiwZHtqoIg0jNuJZg1UKfCHjQY"],
        "consistency": None,
    }
    checkpoint = fields.TextField(help_text="The text to keep elsewhere: origin, size, root, time, signature.")
    size = fields.IntegerField(help_text="How many events it is over.")
    signed_at = fields.DateTimeField()
    keys = fields.ListField(child=fields.LineField(), help_text="The public keys that checkpoints are checked against.")
    consistency = fields.ObjectField(
        allow_null=True, help_text="With `since`: the proof, for `verify_audit.py`, that this log begins with that one."
    )


class CheckpointQuery(Query):
    """With which older checkpoint it is compared."""

    since = fields.QueryIntegerField(required=False, min_value=1, help_text="The size in a checkpoint of before.")


class AuditEventsView(ApiView):
    """The audit trail."""

    @operation("List audit events", query=AuditEventQuery, answer=AuditEventOut, paged=True)
    def get(self, request: Request) -> Response:
        """What happened, the latest first. Events are never changed and never deleted."""
        columns = {"subject": "subject_id", "action": "action", "actor": "actor_id"}
        rows = AuditEvent.objects.filter(**{columns[name]: value for name, value in self.read_query().items()})
        return self.page(rows, AuditEventOut, order_by=("-id",))


class AuditProofView(ApiView):
    """The proof of one event."""

    @operation("Prove an audit event", answer=ProofOut, errors=[NotFound, NotSealed])
    def get(self, request: Request, audit_event_id: UUID) -> Response:
        """The inclusion proof: who has it and the public key can check without us that the event is in the log."""
        return self.answer(ProofOut(audit_log.prove_inclusion(event_id=audit_event_id).written()))


class CheckpointView(ApiView):
    """The newest checkpoint."""

    @operation("Show the audit checkpoint", query=CheckpointQuery, answer=CheckpointOut, errors=[NotFound, Invalid])
    def get(self, request: Request) -> Response:
        """What the log is now, signed. Kept elsewhere, it shows later whether anything before it was changed."""
        last = audit_log.latest_checkpoint()
        if last is None:
            raise NotFound("checkpoint yet")
        since = self.read_query().get("since")
        proof = audit_log.prove_consistency(old_size=since).written() if since else None
        keys = [str(key) for key in audit_log.trusted_keys()]
        shown = {"checkpoint": last.note, "size": last.size, "signed_at": last.signed_at, "keys": keys}
        return self.answer(CheckpointOut({**shown, "consistency": proof}))

"""The audit trail over HTTP, for admins: who did what to which row, when and why."""

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.views import ApiView
from kernel.models import AuditEvent
from marketplace.api.client_money import JOB_ID
from marketplace.api.clients import USER_ID


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


class AuditEventsView(ApiView):
    """The audit trail."""

    @operation("List audit events", query=AuditEventQuery, answer=AuditEventOut, paged=True)
    def get(self, request: Request) -> Response:
        """What happened, the latest first. Events are never changed and never deleted."""
        columns = {"subject": "subject_id", "action": "action", "actor": "actor_id"}
        rows = AuditEvent.objects.filter(**{columns[name]: value for name, value in self.read_query().items()})
        return self.page(rows, AuditEventOut, order_by=("-id",))

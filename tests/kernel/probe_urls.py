"""A small API of the tests' own, built from the shell as every app builds its own, beside the kernel's addresses."""

from uuid import UUID

from django.db import transaction
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.uploads import UploadView
from kernel.api.views import ApiView
from kernel.errors import Refused
from kernel.models import AuditEvent, User
from kernel.policy import ANY, ANY_KEY, allow
from kernel.services.audit import record


class Closed(Refused):
    """The desk is closed."""

    code = "closed"


class LateButKept(Refused):
    """It came too late; it is kept, but it does not count."""

    code = "late_but_kept"
    keeps_facts = True


class PartIn(In):
    size = fields.IntegerField()


class EverythingIn(In):
    """One field of each kind, none required."""

    number = fields.IntegerField(required=False)
    amount_minor = fields.MoneyMinorField(required=False)
    share = fields.FloatField(required=False, min_value=0, max_value=1)
    sure = fields.BooleanField(required=False)
    line = fields.LineField(required=False, max_length=40)
    text = fields.TextField(required=False, max_length=400)
    email = fields.EmailField(required=False)
    id = fields.UUIDField(required=False)
    color = fields.ChoiceField(choices=["red", "blue"], required=False)
    currency = fields.CurrencyField(required=False)
    day = fields.DateField(required=False)
    at = fields.DateTimeField(required=False)
    any = fields.JSONField(required=False)
    parts = PartIn(many=True, required=False)


class EchoView(ApiView):
    authentication_classes = []

    @operation("Echo", body=EverythingIn, public=True)
    def post(self, request: Request) -> Response:
        """Says what was understood."""
        return Response({name: repr(value) for name, value in self.read_body().items()})


class EventQuery(Query):
    action = fields.LineField(required=False, max_length=100)
    most = fields.QueryIntegerField(required=False, min_value=0)
    newest = fields.QueryBooleanField(required=False)


class EventOut(Out):
    id = fields.UUIDField()
    action = fields.LineField()


class EventsView(ApiView):
    @operation("List events", query=EventQuery, answer=EventOut, paged=True)
    def get(self, request: Request) -> Response:
        """Every event, the oldest first."""
        return self.page(AuditEvent.objects.filter(**self.read_query()), EventOut, order_by=("at", "id"))


class NoteIn(In):
    text = fields.LineField(max_length=100)


class NotesView(ApiView):
    @operation("Leave a note", body=NoteIn, answer=EventOut, status=201, creates=True, errors=[Closed, LateButKept])
    def post(self, request: Request) -> Response:
        """Leaves a note in the audit table; "closed" is refused, "late" is kept and refused, "broken" breaks."""
        text = self.read_body()["text"]
        with transaction.atomic():
            record(action=f"note.{text}", subject=self.user, by=self.actor)
            if text == "closed":
                raise Closed("The desk is closed until tomorrow.", {"opens": "08:00"})
            if text == "broken":
                raise ZeroDivisionError("postgresql://assay:secret@db/assay")
        if text == "late":
            raise LateButKept("This came too late. It is kept, but it does not count.")
        return self.answer(EventOut(AuditEvent.objects.latest("id")), status=201)


class PersonView(ApiView):
    @operation("Show a person", answer=EventOut)
    def get(self, request: Request, user_id: UUID) -> Response:
        """Anybody's e-mail address."""
        return Response({"email": User.objects.get(pk=user_id).email})


class LinesView(UploadView):
    upload_types = ("text/csv", "application/x-ndjson")
    largest_body_bytes = 3 * 1024 * 1024

    @operation("Count lines", uploads={"text/csv": "a,b\n1,2\n"}, answer=EventOut, status=201, creates=True)
    def post(self, request: Request) -> Response:
        """Counts the lines of a file."""
        lines = sum(1 for _ in self.read_upload())
        with transaction.atomic():
            record(action="lines.counted", subject=self.user, by=self.actor, details={"lines": lines})
        return Response({"lines": lines, "type": self.upload_type}, status=201)


EVERYTHING = "number amount_minor share sure line text email id color currency day at any parts"
ROWS = (
    *allow("echo", on="probe", to="anyone", reads=EVERYTHING, writes=f"{EVERYTHING}(size)"),
    *allow("list_events", on="probe", to="auditor", reads="id action", scope="admin.read"),
    *allow("leave_a_note", on="probe", to="person", reads="id action", writes="text", scope=ANY_KEY),
    *allow("show_a_person", on="probe", to="person", when=ANY, reads="email", scope=ANY_KEY),
    *allow("count_lines", on="probe", to="person", reads="lines type", scope=ANY_KEY),
)
"""What the policy says of these while they are served; `tests/kernel/conftest.py` lets it."""

urlpatterns = [
    path("echo/", EchoView.as_view()),
    path("events/", EventsView.as_view()),
    path("notes/", NotesView.as_view()),
    path("people/<uuid:user_id>/", PersonView.as_view()),
    path("lines/", LinesView.as_view()),
    path("api/v1/", include("kernel.api.urls")),
    path("health/", include("kernel.api.health")),
]

handler404 = "kernel.pages.errors.page_not_found"

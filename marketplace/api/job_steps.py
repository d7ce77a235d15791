"""What is done with a job over HTTP: launch, pause, resume, cancel, revise, accept what waits, share."""

from collections.abc import Callable
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from billing.services.ledger import InsufficientFunds
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.flow import WrongState
from marketplace.access import ON_JOB, find_job
from marketplace.api.clients import PersonOut
from marketplace.api.job_shapes import JobDetailOut, ShownSchemaOut
from marketplace.api.jobs import with_detail
from marketplace.api.unseen_funds import funds_unseen_by_guests
from marketplace.models import Job, JobUserObjectPermission, JobVersion
from marketplace.queries import presentation_of
from marketplace.services.clients import unshare_job
from marketplace.services.completion import cancel_job
from marketplace.services.disputed_clients import ClientDisputed
from marketplace.services.pay_floors import PayBelowFloor, TimeUnknown
from marketplace.services.posting import (
    NothingToLaunch,
    SchemaBreaksAnswers,
    launch_job,
    pause_job,
    resume_job,
    revise_job,
)
from marketplace.services.review import accept_all
from qualification.api.own_fields import MarkupField
from qualification.services.schemas import InvalidSchema


class NothingIn(In):
    """Nothing; the body may be left out."""


class LaunchIn(In):
    """How to launch; the body may be left out."""

    EXAMPLE = {"when_funded": True}
    when_funded = fields.BooleanField(
        required=False, default=False, help_text="Without the money, let it wait for it instead of refusing."
    )


class VersionIn(In):
    """What workers shall be told and asked from now on; what is left out stays as it is."""

    EXAMPLE = {"instructions": "Each picture shows one digit. A crossed 7 is a 7."}
    instructions = fields.TextField(max_length=20_000, required=False)
    label_schema = MarkupField(required=False, help_text="It must fit the tasks and answers that the job has.")


class VersionOut(Out):
    """What workers were told and asked from a moment on."""

    EXAMPLE = {
        "number": 2,
        "instructions": VersionIn.EXAMPLE["instructions"],
        "label_schema": ShownSchemaOut.EXAMPLE,
        "created_at": "2026-05-17T12:00:00Z",
    }
    number = fields.IntegerField()
    instructions = fields.TextField()
    label_schema = ShownSchemaOut()
    created_at = fields.DateTimeField()


class AcceptanceOut(Out):
    """What was accepted."""

    EXAMPLE = {"accepted": 12}
    accepted = fields.IntegerField(help_text="How many answers were accepted and paid by this.")


class RoleAtJobField(fields.ChoiceField):
    """The role at a job that a permission on it stands for."""

    def to_representation(self, value: str) -> str:
        (role,) = (role for role, permission in ON_JOB.items() if permission == value)
        return role


class ShareOut(Out):
    """That one person, who need not be a member of the client, may do something with one job."""

    EXAMPLE = {
        "id": 7,
        "user": {"id": "5d0f7e0a-4f39-4a63-8f0f-0c1d2a3b4c5d", "email": "grace@example.org", "display_name": "Grace"},
        "role": "reviewer",
    }
    id = fields.IntegerField()
    user = PersonOut()
    role = RoleAtJobField(choices=list(ON_JOB), source="permission.codename")


class StepView(ApiView):
    """A step in the life of a job."""

    def step(self, service: Callable[..., Job], job_id: UUID) -> Response:
        """Let ``service`` take the step, if the policy lets whoever asks."""
        self.read_body()
        return self.take(service, job_id)

    def take(self, service: Callable[..., Job], job_id: UUID, **asked: object) -> Response:
        """``step`` for a body that was read, with what it asks."""
        find_job(job_id, permit=self.permit)
        with funds_unseen_by_guests(job_id=job_id, user=self.user):
            service(job_id=job_id, by=self.user, **asked)
        return self.answer(JobDetailOut(with_detail(find_job(job_id, permit=self.permit))))


REFUSALS = (NotFound, WrongState)


class LaunchView(StepView):
    """The launch of a job."""

    @operation(
        "Launch a job",
        body=LaunchIn,
        answer=JobDetailOut,
        creates=True,
        errors=[*REFUSALS, NothingToLaunch, ClientDisputed, PayBelowFloor, TimeUnknown, InsufficientFunds],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Fixes the fee, sets the most that the job can cost aside, and lets workers claim its tasks.

        Without that money it stays a draft or, with `when_funded`, waits: it opens when the money is there, the oldest
        of the client's waiting jobs first. What it does not spend comes back when it ends. Where a floor on
        hourly pay holds, a job that would pay less by its estimate is refused, and a reserve to lift pay is set aside.
        """
        return self.take(launch_job, job_id, when_funded=self.read_body()["when_funded"])


class PauseView(StepView):
    """A pause of a job."""

    @operation("Pause a job", body=NothingIn, answer=JobDetailOut, creates=True, errors=REFUSALS)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Stops new claims; what is claimed already may be finished, and is paid. Also for admins."""
        return self.step(pause_job, job_id)


class ResumptionView(StepView):
    """The end of a pause of a job."""

    @operation(
        "Resume a job",
        body=NothingIn,
        answer=JobDetailOut,
        creates=True,
        errors=[*REFUSALS, ClientDisputed, InsufficientFunds],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Lets workers claim again. Also for admins. Refused while an admin has yet to look at a disputed payment.

        What the job's reserve lacks to lift pay to the floor is set aside first.
        """
        return self.step(resume_job, job_id)


class CancellationView(StepView):
    """The end of a job before its time."""

    @operation("Cancel a job", body=NothingIn, answer=JobDetailOut, creates=True, errors=REFUSALS)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Ends the job for good; what it cannot come to cost any more goes back at once. Also for admins.

        Tasks that are claimed may still be finished, and are paid; answers that wait for review are decided as before.
        """
        return self.step(cancel_job, job_id)


class AcceptancesView(ApiView):
    """Acceptance of all that waits."""

    @operation(
        "Accept all answers that wait",
        body=NothingIn,
        answer=AcceptanceOut,
        status=201,
        errors=[NotFound],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Accepts and pays every answer of the job that waits for review, one's own aside.

        It needs no Idempotency-Key: sent again, it accepts what has come since, and pays nothing twice.
        """
        # A key would make one transaction of its many: it would lock a whole job's answers after the accounts that pay.
        self.read_body()
        job = find_job(job_id, permit=self.permit)
        return self.answer(AcceptanceOut({"accepted": accept_all(job=job, by=self.user)}), status=201)


class VersionsView(ApiView):
    """What a job's workers were told and asked."""

    @operation("List versions of a job", answer=VersionOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Every version, the latest first. An answer is judged by the one that its worker saw."""
        job = find_job(job_id, permit=self.permit)
        return self.page(
            JobVersion.objects.filter(job=job),
            VersionOut,
            order_by=("-number",),
            seen_as=lambda versions: [_shown_version(version) for version in versions],
        )

    @operation(
        "Revise a job",
        body=VersionIn,
        answer=VersionOut,
        status=201,
        creates=True,
        errors=[*REFUSALS, InvalidSchema, SchemaBreaksAnswers],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Changes what workers are told or asked. What is claimed already is judged by the version that was seen."""
        find_job(job_id, permit=self.permit)
        version = revise_job(job_id=job_id, by=self.user, **self.read_body())
        return self.answer(VersionOut(_shown_version(version)), status=201)


class SharesView(ApiView):
    """Who else may do something with a job."""

    @operation("List shares of a job", answer=ShareOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Who looks after this one job, and as what. For owners of its client."""
        job = find_job(job_id, permit=self.permit)
        rows = JobUserObjectPermission.objects.filter(content_object=job).select_related("user", "permission")
        return self.page(rows, ShareOut, order_by=("id",))


class ShareView(ApiView):
    """One share of a job."""

    @operation("Take a share of a job back", errors=[NotFound])
    def delete(self, request: Request, job_id: UUID, share_id: int) -> Response:
        """Ends the role at once, and open invitations of theirs to the job. For owners of the job's client."""
        job = find_job(job_id, permit=self.permit)
        unshare_job(job=job, share_id=share_id, by=self.user)
        return self.answer()


def _shown_version(version: JobVersion) -> dict[str, object]:
    presentation = presentation_of(version.pk)
    return {
        "number": version.number,
        "instructions": version.instructions,
        "label_schema": presentation.label_schema,
        "created_at": version.created_at,
    }

"""Who may see and do what with clients and jobs: one list of rights, and the querysets that follow from it.

Members hold django-guardian's permissions on their client, single people on a single job. Whoever cannot see an object
is told that there is none; whoever sees it but lacks the right is told that. Tasks and assignments have no permissions
of their own: they follow their job. A worker's own assignments follow the worker.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from kernel.errors import NotAllowed, NotFound
from kernel.models import User
from marketplace.models import (
    Assignment,
    Client,
    ClientUserObjectPermission,
    Job,
    JobUserObjectPermission,
    Membership,
)


@dataclass(frozen=True, slots=True)
class Right:
    """What somebody may do: held through any of these permissions on the client or on the one job, or as an admin."""

    does: str
    on_client: tuple[str, ...]
    on_job: tuple[str, ...] = ()
    admins: bool = False

    @property
    def refusal(self) -> str:
        """What somebody is told who sees the object but lacks the right."""
        return f"You may not {self.does}. An owner of the client can let you."


SEE_CLIENT: Final = Right("see this client", ("view_client",), admins=True)
POST_JOBS: Final = Right("post jobs for this client", ("post_jobs",))
FUND_CLIENT: Final = Right("move this client's money", ("fund_client",))
MANAGE_MEMBERS: Final = Right("change who acts for this client", ("manage_members",))

SEE_JOB: Final = Right("see this job", ("view_client",), ("view_job", "review_job", "manage_job"), admins=True)
READ_WORK: Final = Right("read the answers of this job", ("view_client",), ("review_job",), admins=True)
REVIEW_JOB: Final = Right("review the answers of this job", ("post_jobs",), ("review_job",))
REVERSE_REJECTION: Final = Right("reverse rejections in this job", ("post_jobs",), ("review_job",), admins=True)
MANAGE_JOB: Final = Right("change or launch this job", ("post_jobs",), ("manage_job",))
STOP_JOB: Final = Right("pause, resume or cancel this job", ("post_jobs",), ("manage_job",), admins=True)
SHARE_JOB: Final = Right("share this job", ("manage_members",))


def clients_for(user: User, right: Right = SEE_CLIENT) -> QuerySet[Client]:
    """The clients on which ``user`` holds ``right``."""
    if right.admins and user.is_staff:
        return Client.objects.all()
    return Client.objects.filter(pk__in=_clients_granted(user, right))


def jobs_for(user: User, right: Right = SEE_JOB) -> QuerySet[Job]:
    """The jobs on which ``user`` holds ``right``, through their client or one by one."""
    if right.admins and user.is_staff:
        return Job.objects.all()
    by_client = Q(client__in=_clients_granted(user, right))
    return Job.objects.filter(by_client | Q(pk__in=_jobs_granted(user, right)))


def answers_for(user: User, right: Right = READ_WORK) -> QuerySet[Assignment]:
    """The turns at work in the jobs on which ``user`` holds ``right``. Hidden gold stays hidden from clients too."""
    return Assignment.objects.filter(job__in=jobs_for(user, right).values("pk"), task__gold_question__isnull=True)


def find_client(client_id: UUID, *, user: User, right: Right = SEE_CLIENT) -> Client:
    """The client of this id. Raises NotFound when ``user`` does not see it, NotAllowed when they lack ``right``."""
    client = clients_for(user, right).filter(pk=client_id).first()
    if client is not None:
        return client
    if clients_for(user).filter(pk=client_id).exists():
        raise NotAllowed(right.refusal)
    raise NotFound("client")


def find_job(job_id: UUID, *, user: User, right: Right = SEE_JOB) -> Job:
    """The job of this id with its client. Raises NotFound when ``user`` does not see it, or NotAllowed."""
    job = jobs_for(user, right).select_related("client").filter(pk=job_id).first()
    if job is not None:
        return job
    if jobs_for(user).filter(pk=job_id).exists():
        raise NotAllowed(right.refusal)
    raise NotFound("job")


def find_answer(assignment_id: UUID, *, user: User, right: Right) -> Assignment:
    """The turn at work of this id. Raises NotFound when ``user`` may not read it, or NotAllowed."""
    assignment = answers_for(user, right).filter(pk=assignment_id).first()
    if assignment is not None:
        return assignment
    if answers_for(user).filter(pk=assignment_id).exists():
        raise NotAllowed(right.refusal)
    raise NotFound("assignment")


def is_on_clients_side(user: User) -> bool:
    """Whether ``user`` sees jobs as those do who post them: an admin, a client's member, or let onto a single job."""
    return (
        user.is_staff
        or Membership.objects.filter(user=user).exists()
        or JobUserObjectPermission.objects.filter(user=user).exists()
    )


def _clients_granted(user: User, right: Right) -> QuerySet[ClientUserObjectPermission, UUID]:
    granted = ClientUserObjectPermission.objects.filter(user=user, permission__codename__in=right.on_client)
    return granted.values_list("content_object_id", flat=True)


def _jobs_granted(user: User, right: Right) -> QuerySet[JobUserObjectPermission, UUID]:
    granted = JobUserObjectPermission.objects.filter(user=user, permission__codename__in=right.on_job)
    return granted.values_list("content_object_id", flat=True)

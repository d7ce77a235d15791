"""What the conditions of the policy table mean, as querysets, and the look-ups of single clients, jobs and answers.

Members hold django-guardian's permissions on their client, single people on a single job; one permission tells each
role. Tasks and assignments have no permissions of their own: they follow their job. Whoever cannot see an object is
told that there is none; whoever sees it but lacks the right is told that.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from kernel.models import ApiKey, User
from kernel.permit import Permit
from kernel.policy import Kind
from kernel.principal import Principal, register_condition, register_role, register_roles_on_objects
from marketplace.models import (
    Assignment,
    Client,
    ClientUserObjectPermission,
    Escalation,
    Invitation,
    Job,
    JobUserObjectPermission,
    Membership,
    Participation,
)
from marketplace.policy.words import INVITED, OF_A_WORKER, OF_MONEY, OF_THEIR_CLIENT, OFFERED, OWN, SHARED
from qualification.models import Certification, Exam
from workforce.models import Application, Worker
from workforce.queries import worker_of

ON_CLIENT: Final = {"owner": "manage_members", "member": "post_jobs"}
"""By which permission on a client each role on clients is told."""

ON_JOB: Final = {"viewer": "view_job", "reviewer": "review_job", "manager": "manage_job"}
"""By which permission on a job each role on single jobs is told."""


def find_client(client_id: UUID, *, permit: Permit) -> Client:
    """The client of this id. Raises NotFound for who does not see it, NotAllowed for who may not do this with it."""
    return permit.find(Client.objects.all(), client_id, noun="client", seen_in="show_a_client")


def find_job(job_id: UUID, *, permit: Permit) -> Job:
    """The job of this id with its client. Raises NotFound for who does not see it, or NotAllowed."""
    return permit.find(Job.objects.select_related("client"), job_id, noun="job", seen_in="show_a_job")


def find_answer(assignment_id: UUID, *, permit: Permit) -> Assignment:
    """The turn at work of this id. Raises NotFound for who may not read it, or NotAllowed."""
    return permit.find(turns_at_work(), assignment_id, noun="assignment", seen_in="list_answers_of_a_job")


def find_escalation(escalation_id: UUID, *, permit: Permit) -> Escalation:
    """The escalation of this id. Raises NotFound for who does not see it, or NotAllowed."""
    return permit.find(Escalation.objects.all(), escalation_id, noun="escalation", seen_in="show_an_escalation")


def find_invitation(invitation_id: UUID, *, permit: Permit) -> Invitation:
    """The invitation of this id. Raises NotFound for who does not see it, or NotAllowed."""
    return permit.find(Invitation.objects.all(), invitation_id, noun="invitation", seen_in="list_invitations")


def turns_at_work() -> QuerySet[Assignment]:
    """All turns but those at hidden gold, which stays hidden from clients too."""
    return Assignment.objects.filter(task__gold_question__isnull=True)


def offered_to(worker: Worker) -> Q:
    """Jobs that a worker may look at: those that are open or paused, and those that they have worked in."""
    worked_in = Participation.objects.filter(worker=worker).values("job")
    return Q(state__in=[Job.State.OPEN, Job.State.PAUSED]) | Q(pk__in=worked_in)


def is_on_clients_side(permit: Permit) -> bool:
    """Whether somebody sees jobs as those do who post them: an admin, a client's member, or let onto a single job."""
    user = permit.principal.user
    return (
        permit.holds(Kind.ADMIN)
        or Membership.objects.filter(user=user).exists()
        or JobUserObjectPermission.objects.filter(user=user).exists()
    )


def register_access() -> None:
    """Tell the policy table what its conditions and its roles mean. Called once, while the apps load."""
    register_role("worker", worker_of)
    register_roles_on_objects(roles_on_objects)
    register_condition(
        OF_THEIR_CLIENT,
        {
            Client: lambda who, roles: Q(pk__in=_clients(who, roles)),
            Job: lambda who, roles: Q(client__in=_clients(who, roles)),
            Assignment: lambda who, roles: Q(job__client__in=_clients(who, roles)),
            Membership: lambda who, roles: Q(client__in=_clients(who, roles)),
            Invitation: lambda who, roles: Q(client__in=_clients(who, roles)),
        },
    )
    register_condition(
        SHARED,
        {
            Job: lambda who, roles: Q(pk__in=_jobs(who, roles)),
            Assignment: lambda who, roles: Q(job__in=_jobs(who, roles)),
        },
    )
    register_condition(OFFERED, {Job: _offered})
    register_condition(INVITED, {Invitation: _invited})
    register_condition(
        OWN,
        {
            ApiKey: lambda who, _: Q(user=who.user),
            Membership: lambda who, _: Q(user=who.user),
            Application: lambda who, _: Q(user=who.user),
            Certification: lambda who, _: Q(worker__user=who.user),
            Exam: lambda who, _: Q(worker__user=who.user),
            Assignment: lambda who, _: Q(worker__user=who.user),
        },
    )
    register_condition(OF_A_WORKER, {Escalation: lambda *_: Q(kind__in=Escalation.ABOUT_WORKERS)})
    register_condition(OF_MONEY, {Escalation: lambda *_: Q(kind__in=Escalation.ABOUT_MONEY)})


def roles_on_objects(user: User) -> set[str]:
    """Which roles somebody has on any client or any single job."""
    on_clients = ClientUserObjectPermission.objects.filter(user=user).values_list("permission__codename", flat=True)
    on_jobs = JobUserObjectPermission.objects.filter(user=user).values_list("permission__codename", flat=True)
    held = {*on_clients.distinct(), *on_jobs.distinct()}
    return {role for role, permission in {**ON_CLIENT, **ON_JOB}.items() if permission in held}


def _invited(who: Principal, roles: frozenset[str]) -> Q:
    user = who.user
    if user is None or user.email_verified_at is None:
        return Q(pk__in=[])
    return Q(email=user.email) | Q(accepted_by=user)


def _offered(who: Principal, roles: frozenset[str]) -> Q:
    worker = who.held("worker")
    return offered_to(worker) if isinstance(worker, Worker) else Q(pk__in=[])


def _clients(who: Principal, roles: Iterable[str]) -> QuerySet[ClientUserObjectPermission, UUID]:
    codenames = [ON_CLIENT[role] for role in roles]
    granted = ClientUserObjectPermission.objects.filter(user=who.user, permission__codename__in=codenames)
    return granted.values_list("content_object_id", flat=True)


def _jobs(who: Principal, roles: Iterable[str]) -> QuerySet[JobUserObjectPermission, UUID]:
    codenames = [ON_JOB[role] for role in roles]
    granted = JobUserObjectPermission.objects.filter(user=who.user, permission__codename__in=codenames)
    return granted.values_list("content_object_id", flat=True)

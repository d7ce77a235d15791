"""Questions about people who work."""

from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from kernel.errors import NotFound
from kernel.models import User
from kernel.rows import Columns, planned_cursor
from workforce.models import Application, Identity, Worker


def worker_of(user: User) -> Worker | None:
    """The worker who ``user`` is, if they were approved."""
    with planned_cursor() as cursor:
        cursor.execute(_WORKER_OF, [user.pk])
        values = cursor.fetchone()
    return _WORKER.row(values) if values else None


_WORKER: Final = Columns(Worker, "worker")
_WORKER_OF: Final = f"SELECT {_WORKER.selected} FROM workforce_worker worker WHERE user_id = %s"  # noqa: S608  (ours)


def why_no_admin(user: User) -> str | None:
    """Why ``user`` cannot be an admin: whoever works here, or asks to, could read the questions that test them."""
    if Worker.objects.filter(user=user).exclude(state=Worker.State.OFFBOARDED).exists():
        return "A worker cannot be an admin: admins can read the questions that test workers. Offboard them first."
    if Application.objects.filter(user=user, state=Application.State.SUBMITTED).exists():
        return "Somebody who asks to work here cannot be an admin. Their application has to be decided first."
    return None


def find_worker(worker_id: UUID) -> Worker:
    """The worker of this id. Raises NotFound."""
    worker = Worker.objects.filter(pk=worker_id).first()
    if worker is None:
        raise NotFound("worker")
    return worker


def with_shared_tax_id(applications: QuerySet[Application]) -> QuerySet[Application]:
    """``applications``, each with ``shares_tax_id``: whether somebody else gave the same tax id. A sign, no verdict."""
    own = Identity.objects.filter(user=OuterRef(OuterRef("user"))).exclude(tax_id_index="")
    others = Identity.objects.filter(tax_id_index=Subquery(own.values("tax_id_index"))).exclude(user=OuterRef("user"))
    return applications.annotate(shares_tax_id=Exists(others))

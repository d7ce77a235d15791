"""Questions about people who work."""

from typing import ClassVar, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from kernel.errors import NotFound
from kernel.models import User
from kernel.rows import Columns, planned_cursor
from workforce.models import Application, Identity, Worker


class NotAWorker(NotFound):
    """Whoever asks is no worker here."""

    code: ClassVar[str] = "not_a_worker"

    def __init__(self) -> None:
        super().__init__("worker")
        self.message = "You are not a worker here yet. Apply first; an admin decides about it."


def worker_of(user: User) -> Worker | None:
    """The worker who ``user`` is, if they were approved."""
    with planned_cursor() as cursor:
        cursor.execute(_WORKER_OF, [user.pk])
        values = cursor.fetchone()
    return _WORKER.row(values) if values else None


_WORKER: Final = Columns(Worker, "worker")
_WORKER_OF: Final = f"SELECT {_WORKER.selected} FROM workforce_worker worker WHERE user_id = %s"  # noqa: S608  (ours)


def own_worker(user: User) -> Worker:
    """The worker who ``user`` is. Raises NotAWorker."""
    worker = worker_of(user)
    if worker is None:
        raise NotAWorker
    return worker


def find_worker(worker_id: UUID) -> Worker:
    """The worker of this id. Raises NotFound."""
    worker = Worker.objects.filter(pk=worker_id).first()
    if worker is None:
        raise NotFound("worker")
    return worker


def visible_applications(user: User) -> QuerySet[Application]:
    """All applications for an admin, each ``with_shared_tax_id``; their own for anybody else."""
    rows = Application.objects.all()
    return with_shared_tax_id(rows) if user.is_staff else rows.filter(user=user)


def find_application(application_id: UUID, *, user: User) -> Application:
    """The application of this id, if ``user`` may see it. Raises NotFound."""
    application = visible_applications(user).filter(pk=application_id).first()
    if application is None:
        raise NotFound("application")
    return application


def with_shared_tax_id(applications: QuerySet[Application]) -> QuerySet[Application]:
    """``applications``, each with ``shares_tax_id``: whether somebody else gave the same tax id. A sign, no verdict."""
    own = Identity.objects.filter(user=OuterRef(OuterRef("user"))).exclude(tax_id_index="")
    others = Identity.objects.filter(tax_id_index=Subquery(own.values("tax_id_index"))).exclude(user=OuterRef("user"))
    return applications.annotate(shares_tax_id=Exists(others))

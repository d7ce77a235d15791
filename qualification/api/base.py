"""What the views of qualification share: whose request it is."""

from functools import cached_property

from rest_framework.exceptions import PermissionDenied

from kernel.api.views import ApiView
from workforce.models import Worker
from workforce.queries import worker_of


class QualificationView(ApiView):
    """An address that workers see their own part of."""

    @cached_property
    def worker_or_none(self) -> Worker | None:
        """The worker who asks, if it is one."""
        return worker_of(self.user)

    @property
    def worker(self) -> Worker:
        """The worker who asks. Raises PermissionDenied for everybody else."""
        if self.worker_or_none is None:
            raise PermissionDenied("Only a worker may do this. Apply to become one at /api/v1/applications/.")
        return self.worker_or_none

"""What the views of workers share, here and in the apps above: who the worker is that asks."""

from kernel.api.views import ApiView
from workforce.models import Worker


class WorkersOwnView(ApiView):
    """An address that workers see their own part of."""

    @property
    def worker(self) -> Worker:
        """The worker who asks: where only workers have a row, the policy has looked them up already."""
        worker = self.principal.held("worker")
        assert isinstance(worker, Worker), "Only an operation whose rows are for workers alone asks for the worker."
        return worker

"""What somebody whom one job was shared with reads where its client's funds do not suffice: not how much there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from billing.services.ledger import InsufficientFunds
from kernel.models import User
from kernel.money import Money
from marketplace.models import Job, Membership


@contextmanager
def funds_unseen_by_guests(*, job_id: UUID, user: User) -> Iterator[None]:
    """Refuse for want of funds without saying what the client has to who is neither on its side nor an admin."""
    try:
        yield
    except InsufficientFunds as missing:
        client = Job.objects.filter(pk=job_id).values("client")
        if user.is_staff or Membership.objects.filter(client__in=client, user=user).exists():
            raise
        needed = {name: missing.details[name] for name in ("needed_minor", "currency")}
        amount = Money(int(str(needed["needed_minor"])), str(needed["currency"]))
        raise InsufficientFunds(f"{amount} are needed, and the client's funds do not suffice.", needed) from missing

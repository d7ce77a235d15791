"""Clients, jobs and people at work, made through the services that users go through."""

import itertools
import json
import random
from io import BytesIO
from typing import Any
from uuid import UUID

from django.db import transaction

from billing.models import LedgerAccount
from billing.services import ledger
from kernel import clock
from kernel.models import User
from kernel.services.audit import Actor
from marketplace.access import ON_JOB
from marketplace.models import (
    Assignment,
    Client,
    Escalation,
    Job,
    JobUserObjectPermission,
    Membership,
    Signal,
    Slot,
    Task,
)
from marketplace.queries.turns import Found
from marketplace.services.allocation import claim_task
from marketplace.services.clients import create_client
from marketplace.services.importing import import_tasks
from marketplace.services.invitations import accept_invitation, invite_member, invite_to_job
from marketplace.services.posting import Order, launch_job, post_job
from marketplace.services.signal_decisions import decide_signal
from marketplace.services.signals import WINDOW, open_signal
from marketplace.services.submission import submit_annotation
from qualification.models import Skill
from tests.billing.builders import a_funding
from tests.qualification.builders import ANIMALS, a_certification, a_skill, a_user, an_answer
from tests.qualification.builders import a_worker as an_uncertified_worker
from workforce.models import Worker


class Fixed(random.Random):
    """Chance that always falls on one number."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def random(self) -> float:
        return self.number


ALWAYS_GOLD, NEVER_GOLD = Fixed(0.0), Fixed(0.999)

DRIFTED = {"agreed_before": 0.9, "agreed_since": 0.5}

_numbers = itertools.count(1)
Kind = LedgerAccount.Kind


def a_client(*, owner: User | None = None, funds_minor: int = 1_000_000) -> Client:
    """A client with money to spend."""
    client = create_client(name=f"Client {next(_numbers)}", country="US", owner=owner or a_user())
    if funds_minor:
        a_funding(client.billing_owner, funds_minor)
    return client


def owner_of(client: Client) -> User:
    return client.memberships.select_related("user").filter(role="owner").earliest("created_at").user


def a_member(client: Client, *, user: User | None = None, role: str = "member") -> Membership:
    """Somebody who was invited to act for the client, and accepted."""
    person = user or a_user()
    asked = invite_member(client=client, email=person.email, role=role, by=owner_of(client))
    accept_invitation(invitation_id=asked.pk, by=person)
    return Membership.objects.get(client=client, user=person)


def a_share(job: Job, *, guest: User | None = None, role: str = "viewer") -> JobUserObjectPermission:
    """That somebody was invited to look after the job, and accepted."""
    person = guest or a_user()
    asked = invite_to_job(job=job, email=person.email, role=role, by=owner_of(job.client))
    accept_invitation(invitation_id=asked.pk, by=person)
    shares = JobUserObjectPermission.objects.filter(content_object=job, user=person)
    share: JobUserObjectPermission = shares.get(permission__codename=ON_JOB[role])
    return share


def a_draft(
    *, client: Client | None = None, skill: Skill | None = None, tasks: int = 1, gold: int = 0, **order: Any
) -> Job:
    """A job with its tasks imported, not launched yet: 10 cents a label, every task asked twice to three times."""
    client = client or a_client()
    asked: dict[str, Any] = {
        "title": "Animals",
        "instructions": "Say which animal the text is about.",
        "label_schema": ANIMALS,
        "currency": "USD",
        "reward_minor": 10,
        "skill_id": (skill or a_skill()).pk,
        "overlap_min": 2,
        "overlap_max": 3,
        "confidence_basis_points": 9000,
        "gold_share_basis_points": 5000 if gold else 0,
    }
    job = post_job(client=client, order=Order(**(asked | order)), by=owner_of(client))
    if tasks + gold:
        rows = [{"external_id": f"t{n}", "item": {"text": f"Text {n}"}} for n in range(tasks)]
        known = [
            {"item": {"text": f"Known {n}"}, "gold_answer": "cat", "gold_reason": "Only cats meow."}
            for n in range(gold)
        ]
        lines = "\n".join(json.dumps(row) for row in rows + known)
        import_tasks(job_id=job.pk, stream=BytesIO(lines.encode()), format="jsonl", by=Actor.user(owner_of(client)))
    return job


def with_tasks(job: Job, *bands: str, gold: str = "") -> Job:
    """Import a task of each of these bands, and one gold task of the band ``gold``."""
    rows: list[dict[str, Any]] = [{"item": {"text": f"A {band} text"}, "band": band} for band in bands]
    if gold:
        known = {"item": {"text": "A known text"}, "gold_answer": "cat", "gold_reason": "Only cats meow."}
        rows.append({**known, "band": gold})
    lines = "\n".join(json.dumps(row) for row in rows)
    by = Actor.user(owner_of(job.client))
    import_tasks(job_id=job.pk, stream=BytesIO(lines.encode()), format="jsonl", by=by)
    return job


def an_open_job(**asked: Any) -> Job:
    """A job that workers can claim in."""
    job = a_draft(**asked)
    return launch_job(job_id=job.pk, by=owner_of(job.client))


def a_worker(job: Job) -> Worker:
    """A worker whom ``job`` lets in."""
    worker = an_uncertified_worker()
    a_certification(worker, job.skill)
    return worker


def answer(assignment: Assignment, animal: str = "cat") -> Assignment:
    return submit_annotation(assignment_id=assignment.pk, worker=assignment.worker, result=an_answer(animal))


def a_submitted_answer(job: Job, *, worker: Worker | None = None, animal: str = "cat") -> Assignment:
    return answer(claim_task(worker=worker or a_worker(job), job_id=job.pk), animal)


def a_resolved_task(job: Job) -> Task:
    """A task of ``job`` on which two workers agree."""
    first = a_submitted_answer(job)
    a_submitted_answer(job)
    return Task.objects.get(pk=first.task_id)


@transaction.atomic
def a_signal(job: Job, worker: Worker, *, name: str = "too_fast") -> Signal:
    """What a look might find about the worker."""
    numbers = {"times_as_fast": 5.0, "turns": 80.0} if name == "too_fast" else DRIFTED
    found = Found(name, worker.pk, None, score=8.0, chance=1e-6, numbers=numbers, choice="")
    return open_signal(job, found, jobs=1, since=clock.now() - WINDOW, until=clock.now())


def a_told_signal(job: Job, worker: Worker) -> Signal:
    """A signal that an admin told the worker of."""
    signal = a_signal(job, worker)
    note = "Please look at each text before you answer."
    decide_signal(escalation_id=signal.escalation_id, decision="tell", note=note, by=a_user(is_staff=True))
    return Signal.objects.get(pk=signal.pk)


def held(job: Job) -> int:
    return ledger.balance(Kind.JOB_ESCROW, job.billing_owner, job.currency).minor


def available(client: Client) -> int:
    return ledger.balance(Kind.CLIENT_FUNDS, client.billing_owner, "USD").minor


def earned(worker: Worker) -> int:
    return ledger.balance(Kind.WORKER_EARNINGS, worker.billing_owner, "USD").minor


def free_turns(job: Job) -> int:
    return Slot.objects.filter(job=job, lane=Slot.Lane.WORK).count()


def the_escalation(task_id: UUID) -> Escalation:
    return Escalation.objects.get(task=task_id)

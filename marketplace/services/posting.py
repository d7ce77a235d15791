"""Posting and launching: from a client's order to an open job whose worst case is held in escrow."""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import transaction

from billing.services import escrow
from billing.services.ledger import InsufficientFunds
from kernel import clock
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import WrongState, move
from kernel.models import User
from kernel.money import MINOR_UNIT_DIGITS
from kernel.services.audit import Actor, record
from kernel.text import clean_line, clean_text
from marketplace.models import Client, Job, JobVersion, Requirement
from marketplace.services.certificate_orders import CertificateTerms, order_certificate
from marketplace.services.disputed_clients import require_undisputed
from marketplace.services.fees import terms_for
from marketplace.services.pay_dues import fill_reserve
from marketplace.services.pay_floors import (
    DEFAULT_RESERVE_BASIS_POINTS,
    hold_reserve,
    lock_launch_accounts,
    reserve_for,
)
from marketplace.services.pricing import LARGEST_REWARD_MINOR, AskedPrice, completed, fix_fee, quote
from marketplace.services.shapes import shape_of
from marketplace.services.slots import offer_tasks
from qualification.labels.revision import fault_of_revision
from qualification.models import Skill
from qualification.services import schemas

MOST_ANSWERS: Final = 100
"""How often a task may be answered at most."""


class SchemaBreaksAnswers(Refused):
    """The new label schema does not fit the tasks or the answers that the job has."""

    code = "schema_breaks_answers"


class NothingToLaunch(Refused):
    """A job needs tasks before it can be launched."""

    code = "no_tasks"


LARGEST_WORTH_MINOR: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a client orders. Shares and confidence in basis points, times in seconds, the reward in minor units.

    ``requirements`` names skills by id, each with the lowest bound of the score that is accepted (0 to 1). ``prices``
    are those that differ from ``reward_minor``, by difficulty band and by the score of the worker.
    """

    title: str
    instructions: str
    label_schema: str
    currency: str
    reward_minor: int
    skill_id: UUID
    overlap_min: int = 2
    overlap_max: int = 5
    confidence_basis_points: int = 9500
    when_unsure: str = Job.WhenUnsure.ESCALATE
    label_worth_minor: int | None = None
    gold_share_basis_points: int = 500
    reservation_seconds: int = 600
    review_seconds: int = 3 * 86400
    accept_on_resolution: bool = True
    max_assignments_per_worker: int | None = None
    guess_seconds: int | None = None
    allowed_error_basis_points: int | None = None
    audit_share_basis_points: int = 1000
    reserve_basis_points: int = DEFAULT_RESERVE_BASIS_POINTS
    requirements: dict[UUID, float] = field(default_factory=dict)
    prices: tuple[AskedPrice, ...] = ()
    certificate: CertificateTerms | None = None


@transaction.atomic
def post_job(*, client: Client, order: Order, by: User) -> Job:
    """A draft of a job: what it asks and pays, without tasks yet. Raises Invalid, with a sentence on what to mend."""
    _require_sensible(order)
    prices, terms = completed(order.reward_minor, order.prices), terms_for(client.pk, order.currency)
    label_schema = schemas.register_schema(xml=order.label_schema)
    job = Job.objects.create(
        client=client,
        title=clean_line(order.title, what="title", field="title", longest=200),
        currency=order.currency,
        reward_minor=order.reward_minor,
        fee_minor=terms.fee_of(order.reward_minor),
        fee_basis_points=terms.basis_points,
        fee_minimum_minor=terms.minimum_minor,
        overlap_min=order.overlap_min,
        overlap_max=order.overlap_max,
        confidence_basis_points=order.confidence_basis_points,
        when_unsure=order.when_unsure,
        label_worth_minor=order.label_worth_minor,
        gold_share_basis_points=order.gold_share_basis_points,
        skill=_skill(order.skill_id),
        reservation_seconds=order.reservation_seconds,
        review_seconds=order.review_seconds,
        accept_on_resolution=order.accept_on_resolution,
        max_assignments_per_worker=order.max_assignments_per_worker,
        guess_seconds=order.guess_seconds,
        allowed_error_basis_points=order.allowed_error_basis_points,
        audit_share_basis_points=order.audit_share_basis_points,
        reserve_basis_points=order.reserve_basis_points,
    )
    quote(job, prices)
    instructions = clean_text(order.instructions, what="instructions", field="instructions", longest=20_000)
    JobVersion.objects.create(job=job, number=1, instructions=instructions, label_schema=label_schema)
    # The skill that weighs the answers is demanded of everybody, so that each answer has a measured worth.
    for skill_id, bound in {order.skill_id: 0.0, **order.requirements}.items():
        Requirement.objects.create(job=job, skill=_skill(skill_id), min_lower_bound=bound)
    record(action="job.posted", subject=job, by=Actor.user(by), to_state=job.state)
    if order.certificate is not None:
        order_certificate(job_id=job.pk, terms=order.certificate, by=by)
    return job


@transaction.atomic
def revise_job(*, job_id: UUID, by: User, instructions: str = "", label_schema: str = "") -> JobVersion:
    """A new version of what workers are told or asked; what is claimed already is judged by the version it saw.

    What is left empty stays as it is. Raises NotFound, WrongState for a job that has ended, and SchemaBreaksAnswers.
    """
    job = lock_job(job_id)
    if job.state in Job.ENDED:
        raise WrongState(f"Job {job.pk} is {job.state}; what it asks can no longer change.")
    current = JobVersion.objects.select_related("label_schema").filter(job=job).latest("number")
    schema = schemas.register_schema(xml=label_schema) if label_schema else current.label_schema
    fault = fault_of_revision(current.label_schema.checked, schema.checked)
    if fault:
        raise SchemaBreaksAnswers(f"{fault} Post a new job for another question.")
    text = clean_text(instructions, what="instructions", field="instructions", longest=20_000) if instructions else ""
    version = JobVersion.objects.create(
        job=job, number=current.number + 1, instructions=text or current.instructions, label_schema=schema
    )
    record(action="job.revised", subject=job, by=Actor.user(by), details={"version": version.number})
    return version


@transaction.atomic
def launch_job(*, job_id: UUID, by: User, when_funded: bool = False) -> Job:
    """Fix the fee, hold the worst case in escrow, offer the first turns at every task, and open the job.

    ``when_funded`` lets it wait for its money, if that is not there. Where a floor on hourly pay holds, the job pays at
    least that on its estimate, and sets a reserve aside too. Raises WrongState, NothingToLaunch, ClientDisputed,
    PayBelowFloor, TimeUnknown or InsufficientFunds; then the job stays the draft that it was.
    """
    job = lock_job(job_id)
    if job.state != Job.State.DRAFT:
        raise WrongState(f"Job {job.pk} is {job.state}; only a draft can be launched.")
    fix_fee(job)
    try:
        open_job(job, by=Actor.user(by), why="launched")
    except InsufficientFunds as missing:
        if not when_funded:
            raise
        job.awaits_since = clock.now()
        why = f"launched, and waits for funds: {missing.message}"
        move(job, Job.State.AWAITING_FUNDS, by=Actor.user(by), why=why, fields=["awaits_since"])
    return job


@transaction.atomic
def open_job(job: Job, *, by: Actor, why: str) -> None:
    """Open a locked job that is not launched, with its worst case in escrow. Raises as ``launch_job`` does."""
    require_undisputed(job.client_id)
    shape = shape_of(job)
    if shape.work_tasks == 0:
        raise NothingToLaunch("The job has no tasks yet. Import some, then launch it.")
    worst_case, reserve = shape.worst_case, reserve_for(job, shape)
    if reserve is not None:
        lock_launch_accounts(job)
        hold_reserve(job, reserve)
    escrow.hold(
        job_owner=job.billing_owner, client_owner=job.client.billing_owner, amount=worst_case, key=f"hold:{job.pk}"
    )
    offer_tasks(job, shape)
    job.launched_at, job.awaits_since, job.held_up_because = clock.now(), None, ""
    move(
        job,
        Job.State.OPEN,
        by=by,
        why=why,
        fields=["launched_at", "awaits_since", "held_up_because"],
        details={"held_minor": worst_case.minor, "currency": worst_case.currency, "tasks": shape.work_tasks},
    )


@transaction.atomic
def pause_job(*, job_id: UUID, by: User) -> Job:
    """Stop new claims; what is claimed already may be finished. Raises NotFound or WrongState."""
    job = lock_job(job_id)
    move(job, Job.State.PAUSED, by=Actor.user(by), why="paused by the client")
    return job


@transaction.atomic
def resume_job(*, job_id: UUID, by: User) -> Job:
    """Let workers claim again; what the reserve for their pay lacks comes from the client's funds.

    Raises NotFound, WrongState, ClientDisputed, or InsufficientFunds with what is missing.
    """
    job = lock_job(job_id)
    if job.state != Job.State.PAUSED:
        raise WrongState(f"Job {job.pk} is {job.state}; only a paused job can be resumed.")
    require_undisputed(job.client_id)
    fill_reserve(job)
    move(job, Job.State.OPEN, by=Actor.user(by), why="resumed by the client")
    return job


def lock_job(job_id: UUID) -> Job:
    """The job, locked against other changes of its state; rows that refer to it may still be written."""
    job = Job.objects.select_for_update(no_key=True, of=("self",)).select_related("client").filter(pk=job_id).first()
    if job is None:
        raise NotFound("job")
    return job


def _skill(skill_id: UUID) -> Skill:
    skill = Skill.objects.filter(pk=skill_id).first()
    if skill is None:
        raise Invalid(f"There is no skill {skill_id}. List the skills to see which there are.")
    return skill


def _require_sensible(order: Order) -> None:
    def within(name: str, value: int, low: int, high: int) -> None:
        if not low <= value <= high:
            raise Invalid(f"{name} is {value}; it must be between {low} and {high}.")

    if order.currency not in MINOR_UNIT_DIGITS:
        raise Invalid(f"{order.currency!r} is not a currency kept here. Possible: {', '.join(MINOR_UNIT_DIGITS)}.")
    within("reward_minor", order.reward_minor, 1, LARGEST_REWARD_MINOR)
    within("overlap_min", order.overlap_min, 1, MOST_ANSWERS)
    within("overlap_max", order.overlap_max, order.overlap_min, MOST_ANSWERS)
    within("confidence_basis_points", order.confidence_basis_points, 1, 9999)
    within("reserve_basis_points", order.reserve_basis_points, 0, 10_000)
    within("gold_share_basis_points", order.gold_share_basis_points, 0, 5000)
    within("reservation_seconds", order.reservation_seconds, 10, 86_400)
    within("review_seconds", order.review_seconds, 1, 30 * 86_400)
    for name, value, most in (
        ("max_assignments_per_worker", order.max_assignments_per_worker, 1_000_000),
        ("guess_seconds", order.guess_seconds, 86_400),
        ("allowed_error_basis_points", order.allowed_error_basis_points, 5000),
        ("label_worth_minor", order.label_worth_minor, LARGEST_WORTH_MINOR),
    ):
        if value is not None:
            within(name, value, 1, most)
    if order.when_unsure not in Job.WhenUnsure.values:
        raise Invalid(f"when_unsure is {order.when_unsure!r}; it must be {' or '.join(Job.WhenUnsure.values)}.")
    within("audit_share_basis_points", order.audit_share_basis_points, 1, 10_000)
    for skill_id, bound in order.requirements.items():
        if not 0.0 <= bound <= 1.0:
            raise Invalid(f"The lowest bound for skill {skill_id} is {bound}; it must be between 0 and 1.")

"""Jobs over HTTP: posting and reading them, from the client's side and from the worker's."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Query
from kernel.api.views import ApiView
from kernel.errors import Invalid, NotFound
from kernel.permit import Permit
from marketplace.access import find_client, is_on_clients_side
from marketplace.api.job_shapes import JOB_AS_SEEN, JOBS_AS_SEEN, JobDetailOut, JobIn, JobOut, OfferedJobOut
from marketplace.models import Band, Client, Job
from marketplace.queries import presentation_of
from marketplace.queries.progress import progress_of
from marketplace.services.certificate_orders import CertificateTerms
from marketplace.services.offers import Offer, offered_jobs, offers_to
from marketplace.services.posting import Order, post_job
from marketplace.services.pricing import AskedPrice
from qualification.services.schemas import InvalidSchema
from workforce.models import Worker

ALIKE = (
    "title",
    "instructions",
    "label_schema",
    "currency",
    "reward_minor",
    "overlap_min",
    "overlap_max",
    "confidence_basis_points",
    "when_unsure",
    "label_worth_minor",
    "gold_share_basis_points",
    "reservation_seconds",
    "review_seconds",
    "accept_on_resolution",
    "max_assignments_per_worker",
    "guess_seconds",
    "allowed_error_basis_points",
    "audit_share_basis_points",
    "reserve_basis_points",
)
"""What an order calls as the API does."""


class JobQuery(Query):
    """Which jobs, and from which side."""

    side = fields.ChoiceField(
        choices=["client", "worker"],
        required=False,
        help_text="`client`: the jobs of clients that one acts for. `worker`: open jobs, with what stands in the way "
        "of working in them. Unless given: `worker` for workers who act for no client, else `client`.",
    )
    state = fields.ChoiceField(choices=Job.State.choices, required=False, help_text="Only on the client's side.")
    client = fields.UUIDField(required=False, help_text="Only on the client's side.")


class SidedView(ApiView):
    """An address that looks different from the client's side and from the worker's."""

    def held_worker(self) -> Worker | None:
        """The worker who asks, if it is one."""
        worker = self.principal.held("worker")
        return worker if isinstance(worker, Worker) else None


class JobsView(SidedView):
    """Jobs."""

    @operation("List jobs", query=JobQuery, answer=JOBS_AS_SEEN, paged=True)
    def get(self, request: Request) -> Response:
        """On the client's side the jobs that one may see, the newest first.

        On the worker's side the open jobs in the order in which claims go through them, each with what it asks for and
        everything that stands in the way. Who is neither gets an empty list.
        """
        asked = self.read_query()
        side = asked.pop("side", None) or ("client" if is_on_clients_side(self.permit) else None)
        worker = None if side == "client" else self.held_worker()
        if side == "worker" or worker is not None:
            if asked:
                raise Invalid(
                    "On the worker's side all open jobs are listed; `state` and `client` are of no use there."
                )
            return self._page_for_worker(worker)
        self.permit = self.permit.without("worker")
        rows = (
            self.permit.among(Job.objects.all())
            .filter(**asked)
            .prefetch_related("requirements", "prices", "certificate_orders")
        )
        order = ("-created_at", "-id")
        return self.page(rows, JobOut, order_by=order, seen_as=lambda jobs: [summary_of(job) for job in jobs])

    def _page_for_worker(self, worker: Worker | None) -> Response:
        rows = offered_jobs(worker).filter(state=Job.State.OPEN) if worker else Job.objects.none()
        self.permit = self.permit.only("worker") if worker else self.permit
        order = ("launched_at", "id")
        return self.page(rows, OfferedJobOut, order_by=order, seen_as=lambda jobs: shown_offers(worker, jobs))

    @operation(
        "Post a job",
        body=JobIn,
        answer=JobDetailOut,
        status=201,
        creates=True,
        errors=[NotFound, InvalidSchema],
    )
    def post(self, request: Request) -> Response:
        """Makes a draft: what is asked, what is paid, and when a task counts as resolved.

        Import tasks into it, look at the estimate, then launch it. The fee is fixed now; the reward is copied to each
        assignment when it is claimed.
        """
        asked = self.read_body()
        client = named_client(asked["client"], permit=self.permit)
        job = post_job(client=client, order=_order(asked), by=self.user)
        return self.answer(JobDetailOut(with_detail(job)), status=201)


class JobView(SidedView):
    """One job."""

    @operation("Show a job", answer=JOB_AS_SEEN, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """With its progress and its money for those who post it; with what stands in the way for a worker.

        A worker sees jobs that run, and those that they have worked in.
        """
        client_side = self.permit.without("worker")
        job = client_side.seek(Job.objects.select_related("client"), job_id)
        if job is not None:
            self.permit = client_side
            return self.answer(JobDetailOut(with_detail(job)))
        worker = self.held_worker()
        offered = offered_jobs(worker).filter(pk=job_id) if worker else Job.objects.none()
        found = shown_offers(worker, list(offered))
        if not found:
            raise NotFound("job")
        self.permit = self.permit.only("worker")
        return self.answer(OfferedJobOut(found[0]))


def named_client(client_id: UUID, *, permit: Permit) -> Client:
    """The client that a body names. One that they do not see is as unknown as one that there never was."""
    try:
        return find_client(client_id, permit=permit)
    except NotFound as unknown:
        raise Invalid(unknown.message, [{"field": "client", "message": unknown.message}]) from None


def summary_of(job: Job) -> dict[str, Any]:
    """What is shown of a job in a list of them, to those who post it."""
    in_force = [price for price in job.prices.all() if price.number == job.price_list]
    return {
        **{field.attname: getattr(job, field.attname) for field in Job._meta.concrete_fields},
        "requirements": sorted(job.requirements.all(), key=lambda requirement: requirement.pk),
        "certificate": max(job.certificate_orders.all(), key=lambda order: (order.ordered_at, order.pk), default=None),
        "prices": sorted(in_force, key=lambda price: (Band.values.index(price.band), price.min_lower_bound)),
    }


def with_detail(job: Job) -> dict[str, Any]:
    """What is shown of a job to those who post it, from the row and what belongs to it."""
    latest = job.versions.order_by("-number").values_list("pk", flat=True)[0]
    presentation = presentation_of(latest)
    return {
        **summary_of(job),
        "version": presentation.number,
        "instructions": presentation.instructions,
        "label_schema": presentation.label_schema,
        "progress": progress_of(job),
    }


def shown_offers(worker: Worker | None, jobs: list[Job]) -> list[dict[str, Any]]:
    """What a worker is shown of these jobs."""
    return [_shown_offer(offer) for offer in offers_to(worker, jobs)] if worker else []


def _shown_offer(offer: Offer) -> dict[str, Any]:
    job = offer.job
    return {
        **{name: getattr(job, name) for name in ("id", "title", "state", "currency")},
        "reward_minor": offer.prices[Band.STANDARD].reward_minor,
        "prices": [{"band": band, "reward_minor": price.reward_minor} for band, price in offer.prices.items()],
        "posted_by": job.client.name,
        "reservation_seconds": job.reservation_seconds,
        "review_seconds": job.review_seconds,
        "instructions": offer.presentation.instructions,
        "requirements": [
            {
                "skill": each.requirement.skill_id,
                "skill_name": each.requirement.skill.name,
                "min_lower_bound": each.requirement.min_lower_bound,
                "is_met": each.unmet is None,
                "message": each.unmet.message if each.unmet else "",
            }
            for each in offer.demanded
        ],
        "claims": offer.claims,
        "most_claims": job.max_assignments_per_worker,
        "can_claim": not offer.refusals,
        "why_not": [{"reason": refusal.reason, "message": refusal.message} for refusal in offer.refusals],
    }


def _order(asked: Mapping[str, Any]) -> Order:
    demanded = asked.get("requirements", [])
    skills = [each["skill"] for each in demanded]
    if len(skills) > len(set(skills)):
        raise Invalid("A skill stands twice among the requirements.", [{"field": "requirements", "message": "Twice."}])
    return Order(
        **{name: asked[name] for name in ALIKE if name in asked},
        skill_id=asked["skill"],
        requirements={each["skill"]: each["min_lower_bound"] for each in demanded},
        prices=tuple(asked_price(each) for each in asked.get("prices", [])),
        certificate=CertificateTerms(**asked["certificate"]) if asked.get("certificate") else None,
    )


def asked_price(asked: Mapping[str, Any]) -> AskedPrice:
    """A price as the services know it."""
    return AskedPrice(Band(asked["band"]), asked["min_lower_bound"], asked["reward_minor"])

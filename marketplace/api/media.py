"""A job's media over HTTP: files sent before the tasks that show them, looked at, deleted and withdrawn."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api.media import (
    MAY_NOT_COME_IN,
    UPLOADS,
    MediaFetchIn,
    MediaNameQuery,
    MediaOut,
    MediaQuery,
    MediaUploadView,
    MediaWithdrawalIn,
    shown_media,
)
from kernel.api.operations import operation
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.models import Media
from kernel.outbound import AddressRefused
from kernel.services.media import AllowanceUsedUp, MediaInUse
from marketplace.access import find_job
from marketplace.models import Job
from marketplace.queries.content import shown_in_job
from marketplace.services.media import (
    add_media_to_job,
    delete_media_of_job,
    fetch_media_for_job,
    refuse_unless_it_takes_tasks,
    withdraw_media_of_job,
)


class JobMediaView(MediaUploadView):
    """The media of a job."""

    @operation("List media of a job", query=MediaQuery, answer=MediaOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Every file that was ever given to the job, the newest first."""
        job = find_job(job_id, permit=self.permit)
        address_of = shown_in_job(job.pk, principal=self.principal)
        rows = Media.objects.filter(owner=job.media_owner, **self.read_query())
        order = ("-created_at", "-id")
        return self.page(rows, MediaOut, order_by=order, seen_as=lambda page: shown_media(page, address_of))

    def before_upload(self, job_id: UUID) -> None:
        refuse_unless_it_takes_tasks(find_job(job_id, permit=self.permit))

    @operation(
        "Add media to a job",
        uploads=UPLOADS,
        query=MediaNameQuery,
        answer=MediaOut,
        status=201,
        already=200,
        errors=[NotFound, WrongState, *MAY_NOT_COME_IN],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Takes one file, of up to 32 MiB, as the body; what it is, its first bytes tell, and not the Content-Type.

        A picture (PNG, JPEG, WebP, GIF; still, of at most 25 million pixels) is written anew without metadata, and can
        then be named in items as `media:<id>`. Anything else is kept as it is, for downloading only. The same file sent
        again is the same media, with status 200.
        """
        job = find_job(job_id, permit=self.permit)
        name = self.read_query().get("name", "")
        media, is_new = add_media_to_job(job=job, name=name, sent=self.read_upload().read(), by=self.user)
        shown = self.show(media, shown_in_job(job.pk, principal=self.principal))
        return self.answer(MediaOut(shown), status=201 if is_new else 200)


class JobMediaFetchView(ApiView):
    """Files that are had from elsewhere."""

    @operation(
        "Fetch media for a job",
        body=MediaFetchIn,
        answer=MediaOut,
        status=201,
        creates=True,
        errors=[NotFound, WrongState, AddressRefused, AllowanceUsedUp],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Has a picture fetched from an `https://` address on the public internet, in the background, once.

        Until then it is `arriving`. It ends `available`, or `refused` with the reason as `failure`; redirects are not
        followed.
        """
        job = find_job(job_id, permit=self.permit)
        asked = self.read_body()
        media = fetch_media_for_job(job=job, name=asked.get("name", ""), url=asked["url"], by=self.user)
        shown = shown_media([media], shown_in_job(job.pk, principal=self.principal))
        return self.answer(MediaOut(shown[0]), status=201)


class OneJobMediaView(ApiView):
    """One media of a job."""

    @operation("Show media of a job", answer=MediaOut, errors=[NotFound])
    def get(self, request: Request, job_id: UUID, media_id: UUID) -> Response:
        """With an address from which it can be had now."""
        job = find_job(job_id, permit=self.permit)
        return shown(self, job, _of(job, media_id))

    @operation("Delete media of a job", errors=[NotFound, MediaInUse, WrongState])
    def delete(self, request: Request, job_id: UUID, media_id: UUID) -> Response:
        """Deletes a file that no task refers to; its room is free at once."""
        job = find_job(job_id, permit=self.permit)
        delete_media_of_job(job=job, media_id=media_id, by=self.user)
        return self.answer()


class JobMediaWithdrawalView(ApiView):
    """A file that nobody is to be shown any more."""

    @operation(
        "Withdraw media of a job", body=MediaWithdrawalIn, answer=MediaOut, creates=True, errors=[NotFound, WrongState]
    )
    def post(self, request: Request, job_id: UUID, media_id: UUID) -> Response:
        """Stops showing it to anybody, from this moment on, whatever addresses were given out; for good.

        Tasks that refer to it stay, and can be returned. The file is erased after a month.
        """
        job = find_job(job_id, permit=self.permit)
        media = withdraw_media_of_job(job=job, media_id=media_id, by=self.user, **self.read_body())
        return shown(self, job, media)


def shown(view: ApiView, job: Job, media: Media) -> Response:
    """One media of a job as the answer."""
    (row,) = shown_media([media], shown_in_job(job.pk, principal=view.principal))
    return view.answer(MediaOut(row))


def _of(job: Job, media_id: UUID) -> Media:
    media = Media.objects.filter(pk=media_id, owner=job.media_owner).first()
    if media is None:
        raise NotFound("media")
    return media

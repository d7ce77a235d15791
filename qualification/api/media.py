"""A skill's media over HTTP, for admins: the pictures that the questions of its exam show."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api.media import (
    MAY_NOT_COME_IN,
    UPLOADS,
    MediaNameQuery,
    MediaOut,
    MediaQuery,
    MediaUploadView,
    MediaWithdrawalIn,
    shown_media,
)
from kernel.api.operations import operation
from kernel.api.views import ApiView
from kernel.content_addresses import AddressOf, addresses
from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.models import Media
from kernel.services.media import MediaInUse, add_media, delete_media, withdraw_media
from qualification.items import IN_BANK
from qualification.models import Skill


class SkillMediaView(MediaUploadView):
    """The media of a skill."""

    @operation("List media of a skill", query=MediaQuery, answer=MediaOut, paged=True, errors=[NotFound])
    def get(self, request: Request, skill_id: UUID) -> Response:
        """Every file that was ever given for its gold questions, the newest first."""
        skill = _skill(skill_id)
        address_of = _addresses(self, skill)
        rows = Media.objects.filter(owner=skill.media_owner, **self.read_query())
        order = ("-created_at", "-id")
        return self.page(rows, MediaOut, order_by=order, seen_as=lambda page: shown_media(page, address_of))

    def before_upload(self, skill_id: UUID) -> None:
        _skill(skill_id)

    @operation(
        "Add media to a skill",
        uploads=UPLOADS,
        query=MediaNameQuery,
        answer=MediaOut,
        status=201,
        already=200,
        errors=[NotFound, *MAY_NOT_COME_IN],
    )
    def post(self, request: Request, skill_id: UUID) -> Response:
        """Takes one file as the body, as a job's media are taken; gold questions of the skill can then refer to it."""
        skill = _skill(skill_id)
        name = self.read_query().get("name", "")
        media, is_new = add_media(
            owner=skill.media_owner, payer="", name=name, sent=self.read_upload().read(), by=self.user
        )
        return self.answer(MediaOut(self.show(media, _addresses(self, skill))), status=201 if is_new else 200)


class OneSkillMediaView(ApiView):
    """One media of a skill."""

    @operation("Show media of a skill", answer=MediaOut, errors=[NotFound])
    def get(self, request: Request, skill_id: UUID, media_id: UUID) -> Response:
        """With an address from which it can be had now."""
        skill = _skill(skill_id)
        media = Media.objects.filter(pk=media_id, owner=skill.media_owner).first()
        if media is None:
            raise NotFound("media")
        return _shown(self, skill, media)

    @operation("Delete media of a skill", errors=[NotFound, MediaInUse, WrongState])
    def delete(self, request: Request, skill_id: UUID, media_id: UUID) -> Response:
        """Deletes a file that no gold question refers to."""
        delete_media(media_id=media_id, owner=_skill(skill_id).media_owner, by=self.user)
        return self.answer()


class SkillMediaWithdrawalView(ApiView):
    """A file that nobody is to be shown any more."""

    @operation(
        "Withdraw media of a skill",
        body=MediaWithdrawalIn,
        answer=MediaOut,
        creates=True,
        errors=[NotFound, WrongState],
    )
    def post(self, request: Request, skill_id: UUID, media_id: UUID) -> Response:
        """Stops showing it to anybody, from this moment on. Retire the gold questions that refer to it, too."""
        skill = _skill(skill_id)
        media = withdraw_media(media_id=media_id, owner=skill.media_owner, by=self.user, **self.read_body())
        return _shown(self, skill, media)


def _skill(skill_id: UUID) -> Skill:
    skill = Skill.objects.filter(pk=skill_id).first()
    if skill is None:
        raise NotFound("skill")
    return skill


def _addresses(view: ApiView, skill: Skill) -> AddressOf:
    return addresses(IN_BANK, skill.pk, principal=view.principal)


def _shown(view: ApiView, skill: Skill, media: Media) -> Response:
    (row,) = shown_media([media], _addresses(view, skill))
    return view.answer(MediaOut(row))

"""How invitations end: declined, withdrawn, out of time or out of rights; and what the database refuses of them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from kernel import clock
from kernel.models import User
from marketplace.access import roles_on_objects
from marketplace.models import Invitation, JobUserObjectPermission, Membership
from marketplace.services.checks import check_invariants
from marketplace.services.clients import change_role, remove_member, unshare_job
from marketplace.services.invitations import (
    InvitationEnded,
    accept_invitation,
    invite_member,
    invite_to_job,
    tidy_invitations,
)
from tests.access.world import in_person
from tests.by_hand import by_hand
from tests.marketplace.api_people import code_of
from tests.marketplace.builders import a_client, a_draft, a_member, a_share, owner_of
from tests.marketplace.invited import NO_INVITATION, STRANGER, asked, open_ones
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db


def test_who_declines_is_left_alone_and_the_invitation_is_gone() -> None:
    client, friend = a_client(), a_user()
    given, guest = asked(client, email=friend.email), in_person(friend)

    for _ in range(2):
        assert guest.post(f"invitations/{given.pk}/decline/")[1]["state"] == "declined"

    assert code_of(guest.post(f"invitations/{given.pk}/accept/")) == (409, "invitation_ended")
    assert guest.every("invitations/") == []
    assert roles_on_objects(friend) == set()


def test_what_was_withdrawn_or_has_run_out_is_not_accepted() -> None:
    client, one, other = a_client(), a_user(), a_user()
    withdrawn, overdue = asked(client, email=one.email), asked(client, email=other.email)
    owner = in_person(owner_of(client))

    assert owner.delete(f"invitations/{withdrawn.pk}/") == (204, None)
    assert code_of(owner.delete(f"invitations/{withdrawn.pk}/")) == (409, "invitation_ended")
    assert code_of(in_person(one).post(f"invitations/{withdrawn.pk}/accept/")) == (409, "invitation_ended")
    with clock.ahead_by(timedelta(days=14)):
        with pytest.raises(InvitationEnded, match="has run out"):
            accept_invitation(invitation_id=overdue.pk, by=other)
        assert tidy_invitations() == 1
        assert tidy_invitations() == 0
    overdue.refresh_from_db()
    assert overdue.state == "expired"
    assert client.memberships.count() == 1


def test_only_owners_withdraw_and_see_what_was_asked() -> None:
    client, friend = a_client(), a_user()
    given, member = asked(client, email=friend.email), a_member(client)
    at = f"clients/{client.pk}/invitations/"

    assert code_of(in_person(member.user).get(at)) == (403, "not_allowed")
    assert in_person(member.user).delete(f"invitations/{given.pk}/") == NO_INVITATION
    assert in_person(a_user()).delete(f"invitations/{given.pk}/") == NO_INVITATION
    assert code_of(in_person(friend).delete(f"invitations/{given.pk}/")) == (403, "not_allowed")
    assert open_ones(client) == [friend.email]


def test_an_invitation_does_not_outlive_the_rights_of_who_gave_it() -> None:
    client = a_client()
    giver, guests = a_member(client, role="owner"), [a_user() for _ in range(3)]
    job = a_draft(client=client)
    first = invite_to_job(job=job, email=guests[0].email, role="viewer", by=giver.user)

    change_role(client=client, membership_id=giver.pk, role="member", by=owner_of(client))
    with pytest.raises(InvitationEnded):
        accept_invitation(invitation_id=first.pk, by=guests[0])

    change_role(client=client, membership_id=giver.pk, role="owner", by=owner_of(client))
    second = invite_member(client=client, email=guests[1].email, role="owner", by=giver.user)
    with by_hand():
        User.objects.filter(pk=giver.user_id).update(is_active=False)
    with pytest.raises(InvitationEnded, match="may invite no more"):
        accept_invitation(invitation_id=second.pk, by=guests[1])
    with by_hand():
        User.objects.filter(pk=giver.user_id).update(is_active=True)

    remove_member(client=client, membership_id=giver.pk, by=owner_of(client))
    assert open_ones(client) == []


def test_who_is_removed_is_invited_no_more_either() -> None:
    client, friend = a_client(), a_user()
    job, owner = a_draft(client=client), owner_of(client)
    share = a_share(job, guest=friend)
    invite_to_job(job=job, email=friend.email, role="manager", by=owner)
    unshare_job(job=job, share_id=share.pk, by=owner)
    assert open_ones(client) == []

    member = a_member(client, user=friend)
    invite_to_job(job=job, email=friend.email, role="manager", by=owner)
    asked(client, email=STRANGER)
    remove_member(client=client, membership_id=member.pk, by=owner)
    assert open_ones(client) == [STRANGER]
    assert roles_on_objects(friend) == set()


def test_who_came_in_meanwhile_keeps_the_role_that_they_have() -> None:
    client, friend = a_client(), a_user()
    earlier = asked(client, email="other.address@example.org", role="owner")
    a_member(client, user=friend)
    with by_hand():
        User.objects.filter(pk=friend.pk).update(email="other.address@example.org")

    refused = in_person(User.objects.get(pk=friend.pk)).post(f"invitations/{earlier.pk}/accept/")

    assert code_of(refused) == (409, "role_held")
    assert Membership.objects.get(user=friend).role == "member"


# Keeping


def test_the_address_of_an_invitation_that_ended_is_forgotten_after_a_month() -> None:
    client, friend = a_client(), a_user()
    given = asked(client, email=friend.email)
    accept_invitation(invitation_id=given.pk, by=friend)
    asked(client, email=STRANGER)

    with clock.ahead_by(timedelta(days=13)):
        assert tidy_invitations() == 0
    with clock.ahead_by(timedelta(days=31)):
        assert tidy_invitations() == 2  # one has run out, of the other the address is forgotten
        given.refresh_from_db()
        assert (given.email, given.state) == ("", "accepted")
        assert accept_invitation(invitation_id=given.pk, by=friend).state == "accepted"
    assert check_invariants() == []


@pytest.mark.parametrize(
    "change",
    [
        {"state": "accepted"},
        {"state": "declined"},
        {"role": "viewer"},
        {"email": ""},
        {"email": "Somebody@Example.org"},
        {"ended_at": datetime.fromisoformat("2026-01-01T00:00:00+00:00")},
    ],
)
def test_the_database_refuses_an_invitation_that_contradicts_itself(change: dict[str, Any]) -> None:
    given = asked(a_client(), email=STRANGER)

    with pytest.raises(IntegrityError), by_hand():
        Invitation.objects.filter(pk=given.pk).update(**change)


def test_the_database_refuses_a_second_open_invitation_and_a_way_back() -> None:
    client = a_client()
    given = asked(client, email=STRANGER)
    with pytest.raises(IntegrityError, match="one_open_invitation_to_a_client"), by_hand():
        Invitation.objects.create(
            client=client, role="owner", email=STRANGER, invited_by=owner_of(client), expires_at=given.expires_at
        )
    in_person(owner_of(client)).delete(f"invitations/{given.pk}/")
    with pytest.raises(IntegrityError, match="cannot go from withdrawn to open"), by_hand():
        Invitation.objects.filter(pk=given.pk).update(state="open", ended_at=None)


def test_no_right_is_invited_to_without_an_audit_event() -> None:
    given = asked(a_client(), email=STRANGER)

    with pytest.raises(pytest.fail.Exception, match="no audit event"), transaction.atomic():
        Invitation.objects.filter(pk=given.pk).update(role="owner")
    assert JobUserObjectPermission.objects.count() == 0
